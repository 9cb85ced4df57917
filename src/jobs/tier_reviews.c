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

/* Takes the reference of the results. */
static bool store(const struct job_run *run, const struct rows *rows, const json_t *last,
	bool has_more, json_t *results, struct problem *problem)
{
	char event_id[UUID_TEXT_BYTES];
	uuid_v7(event_id);
	const char *decision = job_json(run,
		json_pack("{s:s, s:s?, s:s?, s:b, s:s, s:o}", "evaluation_id",
			rows_text(rows, "evaluation_id"), "after", rows_text(rows, "cursor_id"),
			"cursor_id", json_string_value(json_object_get(last, "id")), "has_more",
			has_more, "event_id", event_id, "results", results));
	return job_statement(run, "job_review_store", decision, job_system(run), problem) != NULL;
}

/* The others shall not wait for a partner that cannot be reviewed. */
static bool pass_over(const struct job_run *run, const struct rows *rows, const json_t *partner,
	bool has_more, struct problem *problem)
{
	struct problem fault = *problem;
	const char *id = json_string_value(json_object_get(partner, "id"));
	*problem = (struct problem)PROBLEM_INIT;
	return id != NULL && job_put_aside(run, "review_tiers", id, &fault, problem) &&
	       store(run, rows, partner, has_more, json_array(), problem);
}

/* False when the batch failed; ret_done is how many partners it reviewed. */
static bool review_batch(const struct job_run *run, int size, void *context, int64_t *ret_done,
	struct problem *problem)
{
	char new_id[UUID_TEXT_BYTES];
	(void)context;
	uuid_v7(new_id);
	const char *wanted =
		arena_printf(run->arena, "{\"new_id\":\"%s\",\"batch\":%d}", new_id, size);
	const struct rows *rows = job_statement(run, "job_review_facts", wanted, NULL, problem);
	if (rows == NULL || rows_count(rows) == 0)
		return rows != NULL;
	json_t *facts = json_loads(rows_text(rows, "facts"), 0, NULL);
	arena_defer(run->arena, decref, facts);
	const json_t *partners = json_object_get(facts, "partners");
	const size_t count = json_array_size(partners);
	const json_t *last = count > 0 ? json_array_get(partners, count - 1) : NULL;
	bool has_more = count == (size_t)size;
	json_t *results = tier_reviews_judge(facts, run->arena);
	*ret_done = (int64_t)count;
	if (store(run, rows, last, has_more, results, problem))
		return true;
	if (problem->code == PROBLEM_conflict) { /* a partner moved: next time */
		*ret_done = 0;
		return true;
	}
	return size == 1 && pass_over(run, rows, last, has_more, problem);
}

bool job_review_tiers(const struct job_run *run, struct problem *problem)
{
	return job_batches(run, review_batch, BATCH, NULL, problem);
}
