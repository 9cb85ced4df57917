/* SPDX-License-Identifier: Apache-2.0 */
/* Lets those move on who wait for an account whose protection has ended, when nothing else happens
 * to the deal that held it: one that was won. */
#include "job.h"

#define BATCH 100

bool job_free_accounts(const struct job_run *run, struct problem *problem)
{
	const int batch = job_batch(run, BATCH);
	for (int batches = 1;; batches++) {
		const char *size = arena_printf(run->arena, "{\"batch\":%d}", batch);
		const struct rows *rows =
			job_statement(run, "job_free_accounts", size, NULL, problem);
		if (rows == NULL)
			return false;
		if (!job_goes_on(run, batches, rows_int(rows, "freed"), batch))
			return true;
		arena_reset(run->arena);
	}
}
