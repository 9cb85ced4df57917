/* SPDX-License-Identifier: Apache-2.0 */
/* Forgets what has outlived its use. The ledger, events, deals and decisions are never deleted
 * (domain.md §5.19). */
#include "http/identity.h"
#include "job.h"

#define BATCH   1000
#define IMPORTS 100

static bool forget_batch(const struct job_run *run, int size, void *context, int64_t *ret_gone,
	struct problem *problem)
{
	const char *const *statement = context;
	int64_t window_s = keys_overlap_s(run->app->settings);
	const char *decision = arena_printf(
		run->arena, "{\"batch\":%d,\"window_s\":%lld}", size, (long long)window_s);
	const struct rows *rows = job_statement(run, *statement, decision, NULL, problem);
	*ret_gone = rows != NULL ? rows_int(rows, "gone") : 0;
	return rows != NULL;
}

/* All of these, ended by NULL; one that fails leaves the others their turn. */
static bool forget(const struct job_run *run, const char **statements, struct problem *problem)
{
	bool good = true;
	for (; *statements != NULL; statements++)
		good &= job_batches(run, forget_batch, BATCH, statements, problem);
	return good;
}

#define FORGET(...) forget(run, (const char *[]){ __VA_ARGS__, NULL }, problem)

bool job_forget_keys(const struct job_run *run, struct problem *problem)
{
	return FORGET("job_forget_keys");
}

bool job_forget_requests(const struct job_run *run, struct problem *problem)
{
	return FORGET("job_forget_requests");
}

bool job_forget_tokens(const struct job_run *run, struct problem *problem)
{
	return FORGET("job_forget_refresh_tokens", "job_forget_sessions", "job_forget_attempts",
		"job_forget_challenges", "job_forget_revocations", "job_forget_failures");
}

static bool forget_import(const struct job_run *run, const struct rows *due, size_t row,
	size_t count, struct problem *problem)
{
	(void)count;
	for (int64_t gone = BATCH; gone == BATCH && !job_is_stopping(run);) {
		const char *decision = arena_printf(run->arena, "{\"ids\":[\"%s\"],\"rows\":%d}",
			rows_cell(due, row, 0, NULL), BATCH);
		const struct rows *rows =
			job_statement(run, "job_import_forget", decision, NULL, problem);
		if (rows == NULL)
			return false;
		gone = rows_int(rows, "gone");
	}
	return true;
}

bool job_forget_files(const struct job_run *run, struct problem *problem)
{
	static const struct job_queue left = { .name = "lapse_imports",
		.due = "job_imports_left",
		.batch = IMPORTS,
		.at_once = IMPORTS,
		.work = "job_imports_lapse" };
	static const struct job_queue kept = { .name = "forget_imports",
		.due = "job_imports_kept",
		.batch = IMPORTS,
		.at_once = 1,
		.run = forget_import };
	bool good = FORGET("job_forget_files");
	return job_work(run, &left, problem) && job_work(run, &kept, problem) && good;
}

bool job_forget_mails(const struct job_run *run, struct problem *problem)
{
	return FORGET("job_mail_expire", "job_forget_user_tokens", "job_forget_ended_mails");
}
