/* SPDX-License-Identifier: Apache-2.0 */
/* Chains what has been committed to the ledger and signs the new head as a checkpoint. */
#include "http/ledger.h"
#include "job.h"

#define BATCH 1000

static bool sign_head(const struct job_run *run, const struct rows *sealed, struct problem *problem)
{
	const char *seq = rows_text(sealed, "head_seq"), *hash = rows_text(sealed, "head_hash");
	const char *signature = ledger_sign(run->app->keys, run->arena, run->program_id, seq, hash);
	if (signature == NULL)
		return problem_set(problem, PROBLEM_internal, "no key to sign a checkpoint with");
	const char *checkpoint = arena_printf(run->arena,
		"{\"seq\":%s,\"hash\":\"%s\",\"signature\":\"%s\"}", seq, hash, signature);
	return job_statement(run, "job_checkpoint", checkpoint, NULL, problem) != NULL;
}

/* The head is that of the last batch: the arena holds no other. */
static bool seal(const struct job_run *run, int size, void *context, int64_t *ret_done,
	struct problem *problem)
{
	const struct rows **ret_sealed = context;
	const char *batch = arena_printf(run->arena, "{\"batch\":%d}", size);
	*ret_sealed = job_statement(run, "job_seal", batch, NULL, problem);
	*ret_done = *ret_sealed != NULL ? rows_int(*ret_sealed, "sealed") : 0;
	return *ret_sealed != NULL;
}

/* One signature a pass, however much was sealed. A head that was left unsigned, because a sealer
 * died between the two steps, is signed by the next one. */
bool job_seal(const struct job_run *run, struct problem *problem)
{
	const struct rows *sealed = NULL;
	if (!job_batches(run, seal, BATCH, &sealed, problem))
		return false;
	if (rows_text(sealed, "head_seq") != NULL) /* nobody else is sealing */
		job_sealed(run, rows_int(sealed, "head_seq"));
	return rows_int(sealed, "head_seq") == 0 || rows_bool(sealed, "is_signed") ||
	       sign_head(run, sealed, problem);
}
