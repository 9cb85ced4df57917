/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A ring under a lock that is held for the copy of one line. The writer takes lines out only after
 * they are written, so that a database that is away for a moment costs none; a batch that the
 * database refuses is dropped, or it would stand in the way for ever.
 */
#include "http/request_log.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "db/db.h"
#include "http/gate.h"

#define RING_LINES    4096
#define BATCH_LINES   500
#define TICK_MS       250
#define ADDRESS_BYTES 64

struct line {
	char id[UUID_TEXT_BYTES];
	char program_id[UUID_TEXT_BYTES];
	char partner_id[UUID_TEXT_BYTES]; /* empty: the vendor's side */
	char actor_id[UUID_TEXT_BYTES];
	char address[ADDRESS_BYTES];
	const struct operation *operation;
	const char *problem_code; /* or NULL */
	enum http_method method;
	int status;
	int64_t at_us;
	int64_t duration_us;
};

struct request_log {
	struct app *app;
	pthread_t thread;
	int64_t per_tick;
	bool is_failing; /* the first failure of a row of them is logged */

	pthread_mutex_t lock; /* guards everything below */
	pthread_cond_t wake;
	bool is_stopping;
	size_t first, count;
	int64_t written, dropped;
	struct line lines[RING_LINES];
};

/* ---- the ring ---- */

static void fill(struct line *line, const struct request *request, int status,
	const struct problem *problem, int64_t duration_us)
{
	const struct actor *actor = request->actor;

	*line = (struct line){ .operation = request->operation,
		.problem_code = problem->is_set ? problem_code_text(problem->code) : NULL,
		.method = request->method,
		.status = status,
		.at_us = clock_now_us() - duration_us,
		.duration_us = duration_us };
	strcpy(line->id, request->id);
	strcpy(line->program_id, actor->program_id);
	strcpy(line->partner_id, actor->partner_id);
	strcpy(line->actor_id, actor->id);
	strncat(line->address, request->address, ADDRESS_BYTES - 1);
}

void request_log_add(struct request_log *log, const struct request *request, int status,
	const struct problem *problem, int64_t duration_us)
{
	struct line line;

	if (!log || !request->actor || !request->operation)
		return;
	fill(&line, request, status, problem, duration_us);
	pthread_mutex_lock(&log->lock);
	if (log->count < RING_LINES)
		log->lines[(log->first + log->count++) % RING_LINES] = line;
	else
		log->dropped++;
	pthread_mutex_unlock(&log->lock);
}

/* Copies the oldest lines, which stay in the ring. Returns how many. */
static size_t peek(struct request_log *log, struct line *lines, size_t most)
{
	pthread_mutex_lock(&log->lock);
	size_t count = log->count < most ? log->count : most;
	for (size_t i = 0; i < count; i++)
		lines[i] = log->lines[(log->first + i) % RING_LINES];
	pthread_mutex_unlock(&log->lock);
	return count;
}

static void take_out(struct request_log *log, size_t count, bool is_written)
{
	pthread_mutex_lock(&log->lock);
	log->first = (log->first + count) % RING_LINES;
	log->count -= count;
	if (is_written)
		log->written += (int64_t)count;
	else
		log->dropped += (int64_t)count;
	pthread_mutex_unlock(&log->lock);
}

/* ---- writing ---- */

static void append_text(struct text *out, const char *name, const char *value)
{
	if (!value || !value[0])
		return;
	text_appendf(out, ",\"%s\":", name);
	text_append_json(out, value, strlen(value));
}

static void append_line(struct text *out, const struct line *line)
{
	text_appendf(out, "{\"status\":%d,\"at_us\":%lld,\"duration_ms\":%lld", line->status,
		(long long)line->at_us, (long long)((line->duration_us + 500) / 1000));
	append_text(out, "id", line->id);
	append_text(out, "program_id", line->program_id);
	append_text(out, "partner_id", line->partner_id);
	append_text(out, "actor_id", line->actor_id);
	append_text(out, "address", line->address);
	append_text(out, "method", gate_method_text(line->method));
	append_text(out, "route", line->operation->path);
	append_text(out, "problem_code", line->problem_code);
	text_append_char(out, '}');
}

static enum db_failure keep(struct request_log *log, const struct line *lines, size_t count,
	struct arena *arena, struct problem *problem)
{
	struct db_batch batch = { .arena = arena, .door = DOOR_IDENTITY, .is_write = true };
	struct db_call *call = db_add(&batch, statement_find("api_requests_keep"));
	struct text text = TEXT_INIT;

	for (size_t i = 0; i < count; i++) {
		text_append_string(&text, i == 0 ? "{\"requests\":[" : ",");
		append_line(&text, &lines[i]);
	}
	text_append_string(&text, "]}");
	call->params[3] = text.bytes;
	enum db_failure failure = db_run(log->app->side_db, &batch, problem);
	text_release(&text);
	return failure;
}

static bool is_passing(enum db_failure failure)
{
	return failure == DB_UNAVAILABLE || failure == DB_TIMEOUT;
}

static void note_outcome(struct request_log *log, bool is_good, const struct problem *problem)
{
	if (!is_good && !log->is_failing)
		log_event(LOG_WARN, "requests not logged", "%s",
			problem->cause[0] ? problem->cause : problem->detail);
	if (is_good && log->is_failing)
		log_event(LOG_INFO, "requests logged again", "%s", "api_requests");
	log->is_failing = !is_good;
}

/* Writes up to `most` of the oldest lines. False when the rest shall wait. */
static bool write_batch(struct request_log *log, struct line *lines, size_t most)
{
	size_t count = peek(log, lines, most < BATCH_LINES ? most : BATCH_LINES);
	struct problem problem = PROBLEM_INIT;

	if (count == 0)
		return false;
	struct arena *arena = arena_new();
	enum db_failure failure = keep(log, lines, count, arena, &problem);
	arena_free(arena);
	note_outcome(log, failure == DB_NONE, &problem);
	if (is_passing(failure))
		return false;
	take_out(log, count, failure == DB_NONE);
	return count == BATCH_LINES;
}

static void write_some(struct request_log *log, struct line *lines, int64_t most)
{
	while (most > 0 && write_batch(log, lines, (size_t)most))
		most -= BATCH_LINES;
}

/* ---- life ---- */

/* False when the thread shall end. */
static bool wait_tick(struct request_log *log)
{
	int64_t until_us = clock_monotonic_us() + TICK_MS * 1000;
	struct timespec until = { .tv_sec = until_us / CLOCK_SECOND_US,
		.tv_nsec = until_us % CLOCK_SECOND_US * 1000 };

	pthread_mutex_lock(&log->lock);
	while (!log->is_stopping && pthread_cond_clockwait(&log->wake, &log->lock, CLOCK_MONOTONIC,
					    &until) != ETIMEDOUT)
		continue;
	bool goes_on = !log->is_stopping;
	pthread_mutex_unlock(&log->lock);
	return goes_on;
}

static void *run(void *context)
{
	struct request_log *log = context;
	struct line *lines = calloc(BATCH_LINES, sizeof *lines);

	if (!lines)
		abort();
	while (wait_tick(log))
		write_some(log, lines, log->per_tick);
	write_some(log, lines, RING_LINES);
	free(lines);
	return NULL;
}

static struct request_log *release(struct request_log *log)
{
	pthread_cond_destroy(&log->wake);
	pthread_mutex_destroy(&log->lock);
	free(log);
	return NULL;
}

struct request_log *request_log_start(struct app *app)
{
	struct request_log *log = calloc(1, sizeof *log);
	int64_t per_tick = app->settings->request_log_per_second * TICK_MS / 1000;

	if (!log)
		abort();
	log->app = app;
	log->per_tick = per_tick > 0 ? per_tick : 1;
	pthread_mutex_init(&log->lock, NULL);
	pthread_cond_init(&log->wake, NULL);
	return pthread_create(&log->thread, NULL, run, log) == 0 ? log : release(log);
}

struct request_log *request_log_stop(struct request_log *log)
{
	if (!log)
		return NULL;
	pthread_mutex_lock(&log->lock);
	log->is_stopping = true;
	pthread_cond_signal(&log->wake);
	pthread_mutex_unlock(&log->lock);
	pthread_join(log->thread, NULL);
	if (log->count > 0)
		log_event(LOG_WARN, "requests not logged", "%zu at the end", log->count);
	return release(log);
}

static int64_t read_number(struct request_log *log, const int64_t *number)
{
	pthread_mutex_lock(&log->lock);
	int64_t value = *number;
	pthread_mutex_unlock(&log->lock);
	return value;
}

int64_t request_log_waiting(struct request_log *log)
{
	pthread_mutex_lock(&log->lock);
	int64_t waiting = (int64_t)log->count;
	pthread_mutex_unlock(&log->lock);
	return waiting;
}

int64_t request_log_written_total(struct request_log *log)
{
	return read_number(log, &log->written);
}

int64_t request_log_dropped_total(struct request_log *log)
{
	return read_number(log, &log->dropped);
}
