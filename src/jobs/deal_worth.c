/* SPDX-License-Identifier: Apache-2.0 */
/* Won deals that had no rate into the program's currency when they were closed, once there is one.
 */
#include "base/uuid.h"
#include "http/conversion.h"
#include "job.h"

#define BATCH 100

static json_t *worth_of(const json_t *deal)
{
	char event_id[UUID_TEXT_BYTES];
	json_t *worth = deal_worth_json(json_object_get(deal, "facts"),
		json_integer_value(json_object_get(deal, "amount_minor")));
	uuid_v7(event_id);
	json_object_update_new(
		worth, json_pack("{s:O, s:O, s:s}", "deal_id", json_object_get(deal, "deal_id"),
			       "version", json_object_get(deal, "version"), "event_id", event_id));
	return worth;
}

static bool convert(const struct job_run *run, const struct rows *due, size_t first, size_t count,
	struct problem *problem)
{
	json_t *worths = json_array();
	for (size_t row = first; row < first + count; row++) {
		json_t *deal = json_loads(rows_cell(due, row, 1, NULL), 0, NULL);
		json_array_append_new(worths, worth_of(deal));
		json_decref(deal);
	}
	return job_statement(run, "job_worth_store",
		       job_json(run, json_pack("{s:o}", "worths", worths)), job_system(run),
		       problem) != NULL;
}

bool job_convert_deals(const struct job_run *run, struct problem *problem)
{
	static const struct job_queue queue = { .name = "convert_deals",
		.due = "job_worth_due",
		.batch = BATCH,
		.at_once = BATCH,
		.run = convert };
	return job_work(run, &queue, problem);
}
