/* SPDX-License-Identifier: Apache-2.0 */
/* Goes on with what the end of a partner could not do within its request: there are many deals to
 * withdraw, to cancel or to move. */
#include "job.h"

#define PARTNERS 100
#define DEALS    100

struct ending {
	const char *partner_id;
};

static bool end_some(const struct job_run *run, int size, void *context, int64_t *ret_done,
	struct problem *problem)
{
	const struct ending *ending = context;
	const char *decision =
		arena_printf(run->arena, "{\"id\":\"%s\",\"batch\":%d}", ending->partner_id, size);
	const struct rows *rows =
		job_statement(run, "job_end_partner", decision, job_system(run), problem);
	if (rows == NULL)
		return false;
	*ret_done = rows_int(rows, "done");
	return true;
}

static bool end_partner(const struct job_run *run, const struct rows *due, size_t first,
	size_t count, struct problem *problem)
{
	(void)count;
	struct ending ending = { rows_cell(due, first, 0, NULL) };
	return job_batches(run, end_some, DEALS, &ending, problem);
}

bool job_end_partners(const struct job_run *run, struct problem *problem)
{
	static const struct job_queue queue = { .name = "end_partners",
		.due = "job_end_partners_due",
		.batch = PARTNERS,
		.at_once = 1,
		.run = end_partner };
	return job_work(run, &queue, problem);
}
