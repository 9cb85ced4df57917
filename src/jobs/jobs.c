/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner. A job is a row of `table`: how often, and what it does for one program or once for
 * the installation. Programs in which nothing happens are looked at less often (pulse.h). Failures
 * are logged with their cause and tried again at the next period; nothing here holds a transaction
 * open or a lock across programs. Whoever stops the runner waits for one batch of one job at most.
 * Jobs that talk to other machines have a lane of their own, so that a slow relay holds up nobody
 * else; so have imports, which may take hours.
 */
#include "jobs/jobs.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "job.h"
#include "pulse.h"

#define TICK_MS 100

enum lane { LANE_DATABASE, LANE_MAIL, LANE_IMPORT, LANE_COUNT };

enum reach {
	INSTALLATION,
	EVERY_PROGRAM, /* and so tells which ones move */
	PROGRAMS,      /* those that move, the others in turn */
};

static const struct job {
	const char *name;
	int64_t period_ms;
	bool (*run)(const struct job_run *run, struct problem *problem);
	enum reach reach;
	enum lane lane;
} table[] = {
	{ "seal", 500, job_seal, EVERY_PROGRAM, LANE_DATABASE },
	{ "expire", 500, job_expire, PROGRAMS, LANE_DATABASE },
	{ "auto_approve", 500, job_auto_approve, PROGRAMS, LANE_DATABASE },
	{ "remind", 1000, job_remind, PROGRAMS, LANE_DATABASE },
	{ "convert_deals", 2 * 1000, job_convert_deals, PROGRAMS, LANE_DATABASE },
	{ "disputes", 500, job_disputes, PROGRAMS, LANE_DATABASE },
	{ "free_accounts", 500, job_free_accounts, PROGRAMS, LANE_DATABASE },
	{ "end_partners", 500, job_end_partners, PROGRAMS, LANE_DATABASE },
	{ "review_tiers", 2 * 1000, job_review_tiers, PROGRAMS, LANE_DATABASE },
	{ "erase", 5 * 1000, job_erase, PROGRAMS, LANE_DATABASE },
	{ "forget_keys", 10 * 1000, job_forget_keys, PROGRAMS, LANE_DATABASE },
	{ "forget_requests", 5 * 1000, job_forget_requests, INSTALLATION,
		LANE_DATABASE }, /* 2,000 a second at most */
	{ "forget_tokens", 60 * 1000, job_forget_tokens, INSTALLATION, LANE_DATABASE },
	{ "forget_files", 60 * 1000, job_forget_files, PROGRAMS, LANE_DATABASE },
	{ "forget_mails", 10 * 1000, job_forget_mails, INSTALLATION, LANE_DATABASE },
	{ "password_resets", 500, job_password_resets, INSTALLATION, LANE_DATABASE },
	{ "import", 300, job_import, PROGRAMS, LANE_IMPORT },
	{ "send_mails", 500, job_send_mails, INSTALLATION, LANE_MAIL },
};

#define JOB_COUNT (sizeof table / sizeof table[0])

struct jobs {
	struct app *app;
	struct runner {
		struct jobs *jobs;
		enum lane lane;
		pthread_t thread;
	} runners[LANE_COUNT];
	size_t started;
	struct pulse *pulse;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stopping;
	int64_t due_us[JOB_COUNT];
	bool failing[JOB_COUNT]; /* the first failure of a row of them is logged, and the recovery
				  */
	_Atomic int64_t done_us[JOB_COUNT];
	uint64_t passes[JOB_COUNT];
};

const struct rows *job_statement(const struct job_run *run, const char *name, const char *decision,
	const char *request, struct problem *problem)
{
	struct db_batch batch = {
		.arena = run->arena,
		.door = run->program_id != NULL ? DOOR_PROGRAM : DOOR_IDENTITY,
		.program_id = run->program_id,
		.is_write = true,
	};
	struct db_call *call = db_add(&batch, statement_find(name));
	call->params[0] = run->program_id;
	call->params[4] = decision;
	call->params[5] = request;
	return db_run(run->app->db, &batch, problem) == DB_NONE ? call->rows : NULL;
}

static bool is_stopping(struct jobs *jobs)
{
	pthread_mutex_lock(&jobs->lock);
	bool stopping = jobs->stopping;
	pthread_mutex_unlock(&jobs->lock);
	return stopping;
}

void job_sealed(const struct job_run *run, int64_t head_seq)
{
	pulse_note(run->jobs->pulse, run->program_id, head_seq, clock_monotonic_us());
}

void job_did(const struct job_run *run)
{
	if (run->program_id != NULL)
		pulse_touch(run->jobs->pulse, run->program_id, clock_monotonic_us());
}

bool job_is_stopping(const struct job_run *run)
{
	return is_stopping(run->jobs);
}

const char *job_json(const struct job_run *run, json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);
	if (text == NULL)
		abort();
	json_decref(value);
	arena_defer(run->arena, free, text);
	return text;
}

const char *job_system(const struct job_run *run)
{
	return arena_printf(
		run->arena, "{\"actor_type\":\"system\",\"actor_id\":\"%s\"}", run->program_id);
}

bool job_goes_on(const struct job_run *run, int batches, int64_t done, int64_t batch_size)
{
	if (done > 0)
		job_did(run);
	return done >= batch_size && batches < JOB_BATCHES && !is_stopping(run->jobs);
}

static void log_failure(
	const struct job *job, const char *program_id, const struct problem *problem)
{
	struct log_line line = log_begin(LOG_ERROR, "job failed");
	log_text(&line, "job", job->name);
	log_text(&line, "program_id", program_id);
	log_text(&line, "problem", problem_code_text(problem->code));
	log_text(&line, "cause", problem->cause[0] != '\0' ? problem->cause : problem->detail);
	log_end(&line);
}

/* Resets the arena afterwards; the program's id must stand on another one. */
static bool run_pass(
	struct jobs *jobs, size_t index, const char *program_id, bool is_quiet, struct arena *arena)
{
	const struct job *job = &table[index];
	struct problem problem = PROBLEM_INIT;
	struct job_run run = {
		.app = jobs->app, .jobs = jobs, .arena = arena, .program_id = program_id
	};
	bool good = job->run(&run, &problem);
	if (!good)
		job_did(&run); /* not all that was due */
	if (!good && !is_quiet)
		log_failure(job, program_id, &problem);
	arena_reset(arena);
	return good;
}

static bool run_for_programs(struct jobs *jobs, size_t index, const struct rows *programs)
{
	const struct job *job = &table[index];
	bool good = true;
	struct arena *arena = arena_new();
	for (size_t i = 0; i < rows_count(programs) && !is_stopping(jobs); i++) {
		const char *program_id = rows_cell(programs, i, 0, NULL);
		if (job->reach == PROGRAMS &&
			!pulse_is_due(jobs->pulse, program_id, i, jobs->passes[index],
				job->period_ms, clock_monotonic_us()))
			continue;
		good &= run_pass(jobs, index, program_id, jobs->failing[index] || !good, arena);
	}
	jobs->passes[index]++;
	arena_free(arena);
	return good;
}

static bool run_job(struct jobs *jobs, size_t index, struct arena *arena)
{
	if (table[index].reach == INSTALLATION)
		return run_pass(jobs, index, NULL, jobs->failing[index], arena);
	struct problem problem = PROBLEM_INIT;
	struct job_run all = { .app = jobs->app, .jobs = jobs, .arena = arena };
	const struct rows *programs = job_statement(&all, "job_programs", NULL, NULL, &problem);
	if (programs != NULL)
		return run_for_programs(jobs, index, programs);
	if (!jobs->failing[index])
		log_failure(&table[index], NULL, &problem);
	return false;
}

static void note_outcome(struct jobs *jobs, size_t index, bool good)
{
	if (good && jobs->failing[index])
		log_event(LOG_INFO, "job works again", "%s", table[index].name);
	jobs->failing[index] = !good;
	if (good)
		jobs->done_us[index] = clock_monotonic_us();
}

static void run_due(struct jobs *jobs, enum lane lane)
{
	struct arena *arena = arena_new();
	for (size_t i = 0; i < JOB_COUNT && !is_stopping(jobs); i++) {
		int64_t now = clock_monotonic_us();
		if (table[i].lane != lane || now < jobs->due_us[i])
			continue;
		jobs->due_us[i] = now + table[i].period_ms * 1000;
		note_outcome(jobs, i, run_job(jobs, i, arena));
		arena_reset(arena);
	}
	arena_free(arena);
}

/* Waits a tick; false when the runner shall end. */
static bool wait_tick(struct jobs *jobs)
{
	int64_t until_us = clock_monotonic_us() + TICK_MS * 1000;
	struct timespec until = { .tv_sec = until_us / CLOCK_SECOND_US,
		.tv_nsec = until_us % CLOCK_SECOND_US * 1000 };
	pthread_mutex_lock(&jobs->lock);
	while (!jobs->stopping && pthread_cond_clockwait(&jobs->wake, &jobs->lock, CLOCK_MONOTONIC,
					  &until) != ETIMEDOUT)
		continue;
	bool go_on = !jobs->stopping;
	pthread_mutex_unlock(&jobs->lock);
	return go_on;
}

static void *run_lane(void *argument)
{
	const struct runner *runner = argument;
	do
		run_due(runner->jobs, runner->lane);
	while (wait_tick(runner->jobs));
	return NULL;
}

static bool start_lane(struct jobs *jobs, enum lane lane)
{
	struct runner *runner = &jobs->runners[lane];
	runner->jobs = jobs;
	runner->lane = lane;
	if (pthread_create(&runner->thread, NULL, run_lane, runner) != 0)
		return false;
	jobs->started++;
	return true;
}

struct jobs *jobs_start(struct app *app)
{
	struct jobs *jobs = calloc(1, sizeof *jobs);
	if (jobs == NULL)
		return NULL;
	jobs->app = app;
	jobs->pulse = pulse_make();
	pthread_mutex_init(&jobs->lock, NULL);
	pthread_cond_init(&jobs->wake, NULL);
	for (size_t i = 0; i < JOB_COUNT; i++)
		jobs->done_us[i] = clock_monotonic_us();
	for (int lane = 0; lane < LANE_COUNT; lane++)
		if (!start_lane(jobs, (enum lane)lane))
			return jobs_stop(jobs);
	return jobs;
}

struct jobs *jobs_stop(struct jobs *jobs)
{
	if (jobs == NULL)
		return NULL;
	pthread_mutex_lock(&jobs->lock);
	jobs->stopping = true;
	pthread_cond_broadcast(&jobs->wake);
	pthread_mutex_unlock(&jobs->lock);
	for (size_t i = 0; i < jobs->started; i++)
		pthread_join(jobs->runners[i].thread, NULL);
	pthread_cond_destroy(&jobs->wake);
	pthread_mutex_destroy(&jobs->lock);
	pulse_free(jobs->pulse);
	free(jobs);
	return NULL;
}

double jobs_lag_s(void *context)
{
	const struct jobs *jobs = context;
	int64_t now = clock_monotonic_us(), lag = 0;
	for (size_t i = 0; i < JOB_COUNT; i++) {
		int64_t late = now - jobs->done_us[i] - table[i].period_ms * 1000;
		lag = late > lag ? late : lag;
	}
	return (double)lag / CLOCK_SECOND_US;
}
