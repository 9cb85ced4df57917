/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass of a job, for one program or for the installation, on an arena of its own. What there is
 * to do goes in batches, each a transaction, and a pass ends after JOB_BATCHES of them even when
 * there is more: other programs and other jobs want their turn. False keeps the job due, and its
 * problem is logged.
 */
#ifndef PARTNERD_JOBS_JOB_H
#define PARTNERD_JOBS_JOB_H

#include "base/arena.h"
#include "base/problem.h"
#include <jansson.h>

#include "http/app.h"

#define JOB_BATCHES 10

struct jobs;

struct job_run {
	struct app *app;
	struct jobs *jobs;
	struct arena *arena;    /* reset by the job between batches */
	const char *program_id; /* NULL: the installation. Not on the arena */
};

bool job_seal(const struct job_run *run, struct problem *problem);            /* sealer.c */
bool job_expire(const struct job_run *run, struct problem *problem);          /* expiry.c */
bool job_remind(const struct job_run *run, struct problem *problem);          /* expiry.c */
bool job_free_accounts(const struct job_run *run, struct problem *problem);   /* expiry.c */
bool job_end_partners(const struct job_run *run, struct problem *problem);    /* partner_ends.c */
bool job_auto_approve(const struct job_run *run, struct problem *problem);    /* auto_approve.c */
bool job_import(const struct job_run *run, struct problem *problem);          /* imports.c */
bool job_erase(const struct job_run *run, struct problem *problem);           /* erasure.c */
bool job_convert_deals(const struct job_run *run, struct problem *problem);   /* deal_worth.c */
bool job_disputes(const struct job_run *run, struct problem *problem);        /* disputes.c */
bool job_review_tiers(const struct job_run *run, struct problem *problem);    /* tier_reviews.c */
bool job_forget_keys(const struct job_run *run, struct problem *problem);     /* retention.c */
bool job_forget_tokens(const struct job_run *run, struct problem *problem);   /* retention.c */
bool job_forget_requests(const struct job_run *run, struct problem *problem); /* retention.c */
bool job_forget_files(const struct job_run *run, struct problem *problem);
bool job_forget_mails(const struct job_run *run, struct problem *problem); /* retention.c */
bool job_password_resets(
	const struct job_run *run, struct problem *problem);             /* password_resets.c */
bool job_send_mails(const struct job_run *run, struct problem *problem); /* mailer.c */

/* Text of a JSON value on the run's arena. Takes the reference. */
const char *job_json(const struct job_run *run, json_t *value);

/* The program's ledger is sealed up to `head_seq`: one that has moved is worth a look of all jobs.
 */
void job_sealed(const struct job_run *run, int64_t head_seq);

/* Something was done for the program, and there may be more. job_goes_on says so by itself. */
void job_did(const struct job_run *run);

/* Whether the process is about to end. */
bool job_is_stopping(const struct job_run *run);

/* The request of what the program does by itself. */
const char *job_system(const struct job_run *run);

/* Whether one more batch may follow the `batches` there were and the last, which did `done`. */
bool job_goes_on(const struct job_run *run, int batches, int64_t done, int64_t batch_size);

/* Runs one named statement for the run's program; `decision` and `request` are JSON or NULL. NULL
 * when it failed. */
const struct rows *job_statement(const struct job_run *run, const char *name, const char *decision,
	const char *request, struct problem *problem);

/* ---- failures.c: what fails holds up nothing else ---- */

/* Rows that are due, each with a fate of its own. */
struct job_queue {
	const char *name; /* in job_failures */
	const char *due; /* statement: the ids of what is due and does not rest, first columns of at
			    most decision.batch rows */
	int batch;
	int at_once;      /* rows of one transaction */
	const char *work; /* statement: does decision.ids, those that are still due */
	/* Instead of `work`: does `count` of the due rows from `first` on. */
	bool (*run)(const struct job_run *run, const struct rows *due, size_t first, size_t count,
		struct problem *problem);
};

/* Works on all that is due. What fails, or takes too long, is tried again with half as many rows; a
 * row that fails alone is logged and rests, longer each time, and the next ones have their turn.
 * False when nothing can be done now. */
bool job_work(const struct job_run *run, const struct job_queue *queue, struct problem *problem);

/* Logs that a row of the run's program failed, and lets it rest. */
bool job_put_aside(const struct job_run *run, const char *job, const char *id,
	const struct problem *fault, struct problem *problem);

/* Calls `step`, which does `size` things at most and says how many it did, as long as there is
 * more. One that fails is tried again with half the size. */
bool job_batches(const struct job_run *run,
	bool (*step)(const struct job_run *run, int size, void *context, int64_t *ret_done,
		struct problem *problem),
	int size, void *context, struct problem *problem);

#endif
