/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs beside requests: rows of { name, period, function } in src/jobs/jobs.c, run for every
 * program by one thread per process. Any number of processes may run them: each job takes its own
 * lease in the database (an advisory lock, or `for update skip locked`), so running twice is
 * harmless.
 */
#ifndef PARTNERD_JOBS_JOBS_H
#define PARTNERD_JOBS_JOBS_H

#include "http/app.h"

struct jobs;

struct jobs *jobs_start(struct app *app);
/* Lets the job that runs finish, then ends the thread. */
struct jobs *jobs_stop(struct jobs *jobs);

/* Seconds since the slowest job last did its work for all programs: the gauge
 * partnerd_jobs_lag_seconds. */
double jobs_lag_s(void *jobs);

#endif
