/* SPDX-License-Identifier: Apache-2.0 */
/* One pass of a job for one program, on an arena of its own. False keeps the job due, and its
 * problem is logged. */
#ifndef PARTNERD_JOBS_JOB_H
#define PARTNERD_JOBS_JOB_H

#include "base/arena.h"
#include "base/problem.h"
#include "http/app.h"

struct job_run {
	struct app *app;
	struct arena *arena;
	const char *program_id;
};

bool job_seal(const struct job_run *run, struct problem *problem);   /* sealer.c */
bool job_expire(const struct job_run *run, struct problem *problem); /* expiry.c */
bool job_forget(const struct job_run *run, struct problem *problem); /* retention.c */

/* Runs one named statement for the run's program; `decision` and `request` are JSON or NULL. NULL
 * when it failed. */
const struct rows *job_statement(const struct job_run *run, const char *name, const char *decision,
	const char *request, struct problem *problem);

#endif
