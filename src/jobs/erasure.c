/* SPDX-License-Identifier: Apache-2.0 */
/* Goes on with what an erasure of a person could not do within its request: long histories, and
 * what the person was still doing at that moment. */
#include "job.h"

#define PEOPLE    100
#define ADDRESSES 1000

static bool erase(const struct job_run *run, const struct rows *due, size_t first, size_t count,
	struct problem *problem)
{
	(void)count;
	for (int batches = 1;; batches++) {
		const char *decision =
			arena_printf(run->arena, "{\"ids\":[\"%s\"],\"addresses\":%d}",
				rows_cell(due, first, 0, NULL), ADDRESSES);
		const struct rows *rows =
			job_statement(run, "job_erase", decision, job_system(run), problem);
		if (rows == NULL)
			return false;
		if (!job_goes_on(run, batches, rows_int(rows, "erased"), ADDRESSES))
			return true;
	}
}

bool job_erase(const struct job_run *run, struct problem *problem)
{
	static const struct job_queue queue = {
		.name = "erase", .due = "job_erase_due", .batch = PEOPLE, .at_once = 1, .run = erase
	};
	return job_work(run, &queue, problem);
}
