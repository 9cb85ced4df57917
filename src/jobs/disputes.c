/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Closes the evidence of disputes whose time for it is over, announces decisions that are late, and
 * freezes what was submitted: once the sealer has signed the entry that closed the evidence, the
 * bundles are made and kept, and nothing about them changes any more.
 */
#include "http/dispute_bundle.h"
#include "job.h"

#define BATCH        50
#define BUNDLE_BATCH 5

static const char *system_request(const struct job_run *run)
{
	return arena_printf(
		run->arena, "{\"actor_type\":\"system\",\"actor_id\":\"%s\"}", run->program_id);
}

static bool add_bundle(const struct job_run *run, const char *dispute_id, const char *audience,
	json_t *bundles, struct problem *problem)
{
	struct dispute_bundle bundle;
	if (!dispute_bundle_make(
		    run->app, run->program_id, dispute_id, audience, run->arena, &bundle, problem))
		return false;
	return json_array_append_new(
		       bundles, json_pack("{s:s, s:s, s:s, s:s}", "audience", audience, "sha256",
					bundle.sha256, "signed_by", bundle.signed_by, "content",
					bundle.content)) == 0 ||
	       problem_set(problem, PROBLEM_internal, "a bundle is not valid UTF-8");
}

static bool freeze(const struct job_run *run, const char *dispute_id, bool has_respondent,
	struct problem *problem)
{
	json_t *bundles = json_array();
	bool good =
		add_bundle(run, dispute_id, "vendor", bundles, problem) &&
		add_bundle(run, dispute_id, "claimant", bundles, problem) &&
		(!has_respondent || add_bundle(run, dispute_id, "respondent", bundles, problem));
	const char *decision = job_json(
		run, json_pack("{s:s, s:o}", "dispute_id", dispute_id, "bundles", bundles));
	return good &&
	       job_statement(run, "job_bundle", decision, system_request(run), problem) != NULL;
}

/* A few at a pass, for each is a file. */
static bool freeze_some(const struct job_run *run, struct problem *problem)
{
	const char *size = arena_printf(run->arena, "{\"batch\":%d}", BUNDLE_BATCH);
	const struct rows *due = job_statement(run, "job_unbundled", size, NULL, problem);
	bool good = due != NULL;
	for (size_t row = 0; good && row < rows_count(due) && !job_is_stopping(run); row++)
		good = freeze(run, rows_cell(due, row, 0, NULL),
			rows_cell(due, row, 1, NULL)[0] == 't', problem);
	return good;
}

bool job_disputes(const struct job_run *run, struct problem *problem)
{
	for (int batches = 1;; batches++) {
		const char *size = arena_printf(run->arena, "{\"batch\":%d}", BATCH);
		const struct rows *rows =
			job_statement(run, "job_disputes", size, system_request(run), problem);
		if (rows == NULL)
			return false;
		if (!job_goes_on(run, batches, rows_int(rows, "moved"), BATCH))
			return freeze_some(run, problem);
		arena_reset(run->arena);
	}
}
