/* SPDX-License-Identifier: Apache-2.0 */
/* Won deals that had no rate into the program's currency when they were closed, once there is one.
 */
#include "base/uuid.h"
#include "http/conversion.h"
#include "job.h"

#define BATCH 100

static void decref(void *value)
{
	json_decref(value);
}

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

static bool convert_batch(
	const struct job_run *run, int batch, int64_t *ret_done, struct problem *problem)
{
	const char *size = arena_printf(run->arena, "{\"batch\":%d}", batch);
	const struct rows *rows = job_statement(run, "job_worth_facts", size, NULL, problem);
	size_t index;
	json_t *deal;
	if (rows == NULL)
		return false;
	json_t *deals = json_loads(rows_text(rows, "deals"), 0, NULL);
	arena_defer(run->arena, decref, deals);
	*ret_done = (int64_t)json_array_size(deals);
	if (*ret_done == 0)
		return true;
	json_t *worths = json_array();
	json_array_foreach (deals, index, deal)
		json_array_append_new(worths, worth_of(deal));
	const char *system = arena_printf(
		run->arena, "{\"actor_type\":\"system\",\"actor_id\":\"%s\"}", run->program_id);
	return job_statement(run, "job_worth_store",
		       job_json(run, json_pack("{s:o}", "worths", worths)), system,
		       problem) != NULL;
}

bool job_convert_deals(const struct job_run *run, struct problem *problem)
{
	const int batch = job_batch(run, BATCH);
	int64_t done;
	for (int batches = 1;; batches++) {
		if (!convert_batch(run, batch, &done, problem))
			return false;
		if (!job_goes_on(run, batches, done, batch))
			return true;
		arena_reset(run->arena);
	}
}
