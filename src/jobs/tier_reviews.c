/* SPDX-License-Identifier: Apache-2.0 */
/* Reviews the tiers of all partners when a new period begins, and goes on with evaluations that
 * were too large for the request that started them. */
#include "http/tier_reviews.h"

#include <string.h>

#include "base/uuid.h"
#include "job.h"

#define BATCH 100

static void decref(void *value)
{
	json_decref(value);
}

static const char *next_decision(
	const struct job_run *run, int batch, const struct rows *rows, json_t *facts)
{
	char event_id[UUID_TEXT_BYTES];
	const json_t *partners = json_object_get(facts, "partners");
	const size_t count = json_array_size(partners);
	const json_t *last = count > 0 ? json_array_get(partners, count - 1) : NULL;
	uuid_v7(event_id);
	return job_json(run,
		json_pack("{s:s, s:s?, s:s?, s:b, s:s, s:o}", "evaluation_id",
			rows_text(rows, "evaluation_id"), "after", rows_text(rows, "cursor_id"),
			"cursor_id", json_string_value(json_object_get(last, "id")), "has_more",
			count == (size_t)batch, "event_id", event_id, "results",
			tier_reviews_judge(facts, run->arena)));
}

/* False when the batch failed; ret_done is how many partners it reviewed. */
static bool review_batch(
	const struct job_run *run, int batch, int64_t *ret_done, struct problem *problem)
{
	char new_id[UUID_TEXT_BYTES];
	uuid_v7(new_id);
	*ret_done = 0;
	const char *wanted =
		arena_printf(run->arena, "{\"new_id\":\"%s\",\"batch\":%d}", new_id, batch);
	const struct rows *rows = job_statement(run, "job_review_facts", wanted, NULL, problem);
	if (rows == NULL || rows_count(rows) == 0)
		return rows != NULL;
	json_t *facts = json_loads(rows_text(rows, "facts"), 0, NULL);
	arena_defer(run->arena, decref, facts);
	*ret_done = (int64_t)json_array_size(json_object_get(facts, "partners"));
	const char *system = arena_printf(
		run->arena, "{\"actor_type\":\"system\",\"actor_id\":\"%s\"}", run->program_id);
	return job_statement(run, "job_review_store", next_decision(run, batch, rows, facts),
		       system, problem) != NULL;
}

bool job_review_tiers(const struct job_run *run, struct problem *problem)
{
	const int batch = job_batch(run, BATCH);
	int64_t done;
	for (int batches = 1;; batches++) {
		if (!review_batch(run, batch, &done, problem))
			return problem->code == PROBLEM_conflict; /* a partner moved: next time */
		if (!job_goes_on(run, batches, done, batch))
			return true;
		arena_reset(run->arena);
	}
}
