/* SPDX-License-Identifier: Apache-2.0 */
/* Forgets what has outlived its use. The ledger, events, deals and decisions are never deleted
 * (domain.md §5.19). */
#include "http/identity.h"
#include "job.h"

#define BATCH 1000

static bool forget(const struct job_run *run, const char *statement, struct problem *problem)
{
	const int batch = job_batch(run, BATCH);
	for (int batches = 1;; batches++) {
		int64_t window_s = keys_overlap_s(run->app->settings);
		const char *decision = arena_printf(
			run->arena, "{\"batch\":%d,\"window_s\":%lld}", batch, (long long)window_s);
		const struct rows *rows = job_statement(run, statement, decision, NULL, problem);
		if (rows == NULL)
			return false;
		if (!job_goes_on(run, batches, rows_int(rows, "gone"), batch))
			return true;
		arena_reset(run->arena);
	}
}

bool job_forget_keys(const struct job_run *run, struct problem *problem)
{
	return forget(run, "job_forget_keys", problem);
}

bool job_forget_requests(const struct job_run *run, struct problem *problem)
{
	return forget(run, "job_forget_requests", problem);
}

bool job_forget_tokens(const struct job_run *run, struct problem *problem)
{
	return forget(run, "job_forget_refresh_tokens", problem) &&
	       forget(run, "job_forget_sessions", problem) &&
	       forget(run, "job_forget_attempts", problem) &&
	       forget(run, "job_forget_challenges", problem) &&
	       forget(run, "job_forget_revocations", problem);
}

bool job_forget_files(const struct job_run *run, struct problem *problem)
{
	return forget(run, "job_forget_files", problem);
}

bool job_forget_mails(const struct job_run *run, struct problem *problem)
{
	return forget(run, "job_mail_expire", problem) &&
	       forget(run, "job_forget_user_tokens", problem) &&
	       forget(run, "job_forget_ended_mails", problem);
}
