/* SPDX-License-Identifier: Apache-2.0 */
/* What the calendar does to deals: stores and announces that their protection has ended, and tells
 * beforehand; tells that a review is overdue; lets those move on who wait for an account that a won
 * deal has held till now. */
#include "job.h"

#define BATCH 100

bool job_expire(const struct job_run *run, struct problem *problem)
{
	static const struct job_queue queue = { .name = "expire",
		.due = "job_expire_due",
		.batch = BATCH,
		.at_once = BATCH,
		.work = "job_expire" };
	return job_work(run, &queue, problem);
}

bool job_remind(const struct job_run *run, struct problem *problem)
{
	static const struct job_queue queue = { .name = "remind",
		.due = "job_remind_due",
		.batch = BATCH,
		.at_once = BATCH,
		.work = "job_remind" };
	return job_work(run, &queue, problem);
}

bool job_free_accounts(const struct job_run *run, struct problem *problem)
{
	static const struct job_queue queue = { .name = "free_accounts",
		.due = "job_accounts_due",
		.batch = BATCH,
		.at_once = BATCH,
		.work = "job_free_accounts" };
	return job_work(run, &queue, problem);
}
