/* SPDX-License-Identifier: Apache-2.0 */
/* Chains what has been committed to the ledger and signs the new head as a checkpoint. */
#include "http/ledger.h"
#include "job.h"

bool job_seal(const struct job_run *run, struct problem *problem)
{
	for (;;) {
		const struct rows *rows = job_statement(run, "job_seal", NULL, NULL, problem);
		if (rows == NULL)
			return false;
		if (rows_int(rows, "sealed") == 0)
			return true;
		const char *seq = rows_text(rows, "head_seq"), *hash = rows_text(rows, "head_hash");
		const char *signature = ledger_sign(run->app->keys, run->arena, run->program_id, seq, hash);
		if (signature == NULL)
			return problem_set(problem, PROBLEM_internal, "no key to sign a checkpoint with");
		const char *checkpoint = arena_printf(
			run->arena, "{\"seq\":%s,\"hash\":\"%s\",\"signature\":\"%s\"}", seq, hash, signature);
		if (job_statement(run, "job_checkpoint", checkpoint, NULL, problem) == NULL)
			return false;
	}
}
