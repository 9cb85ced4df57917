/* SPDX-License-Identifier: Apache-2.0 */
/* Forgets what has outlived its use. The ledger, events, deals and decisions are never deleted
 * (domain.md §5.19). */
#include "job.h"

bool job_forget(const struct job_run *run, struct problem *problem)
{
	const struct job_run installation = { .app = run->app, .arena = run->arena };
	return job_statement(run, "job_forget_keys", NULL, NULL, problem) != NULL &&
	       job_statement(&installation, "job_forget_tokens", NULL, NULL, problem) != NULL;
}
