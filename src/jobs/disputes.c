/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Closes the evidence of disputes whose time for it is over, announces decisions that are late, and
 * freezes what was submitted: once the sealer has signed the entry that closed the evidence, the
 * bundles are made and kept, and nothing about them changes any more.
 */
#include "http/dispute_bundle.h"
#include "job.h"

#define BATCH 50

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

static bool freeze(const struct job_run *run, const struct rows *due, size_t row, size_t count,
	struct problem *problem)
{
	const char *dispute_id = rows_cell(due, row, 0, NULL);
	bool has_respondent = rows_cell(due, row, 1, NULL)[0] == 't';
	json_t *bundles = json_array();
	(void)count;
	bool good =
		add_bundle(run, dispute_id, "vendor", bundles, problem) &&
		add_bundle(run, dispute_id, "claimant", bundles, problem) &&
		(!has_respondent || add_bundle(run, dispute_id, "respondent", bundles, problem));
	const char *decision = job_json(
		run, json_pack("{s:s, s:o}", "dispute_id", dispute_id, "bundles", bundles));
	return good && job_statement(run, "job_bundle", decision, job_system(run), problem) != NULL;
}

bool job_disputes(const struct job_run *run, struct problem *problem)
{
	static const struct job_queue due = { .name = "disputes",
		.due = "job_disputes_due",
		.batch = BATCH,
		.at_once = BATCH,
		.work = "job_disputes" };
	static const struct job_queue closed = { .name = "bundles",
		.due = "job_unbundled",
		.batch = BATCH,
		.at_once = 1,
		.run = freeze };
	return job_work(run, &due, problem) && job_work(run, &closed, problem);
}
