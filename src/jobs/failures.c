/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What fails holds up nothing else. A batch that fails, or is too large for the time a statement
 * has, is halved; a row that fails alone rests (the table job_failures) as long as domain/retry.h
 * says, and what is due behind it goes on. When the database is away, letting it rest fails too,
 * and the pass is over.
 */
#include <sodium.h>

#include "base/log.h"
#include "domain/retry.h"
#include "job.h"

static void log_fault(const struct job_run *run, const char *job, const char *id,
	const char *attempt, const struct problem *fault)
{
	struct log_line line = log_begin(LOG_ERROR, "job put aside what failed");
	log_text(&line, "job", job);
	log_text(&line, "program_id", run->program_id);
	log_text(&line, "id", id);
	log_text(&line, "attempt", attempt);
	log_text(&line, "problem", problem_code_text(fault->code));
	log_text(&line, "cause", fault->cause[0] != '\0' ? fault->cause : fault->detail);
	log_end(&line);
}

bool job_put_aside(const struct job_run *run, const char *job, const char *id,
	const struct problem *fault, struct problem *problem)
{
	const char *named = arena_printf(run->arena, "{\"job\":\"%s\",\"id\":\"%s\"}", job, id);
	const struct rows *rows = job_statement(run, "job_attempt", named, NULL, problem);
	if (rows == NULL)
		return false;
	int64_t attempt = rows_int(rows, "attempt"),
		delay_s = retry_delay_s(attempt, randombytes_random());
	log_fault(run, job, id, rows_text(rows, "attempt"), fault);
	const char *decision =
		job_json(run, json_pack("{s:s, s:s, s:I, s:I}", "job", job, "id", id, "attempt",
				      (json_int_t)attempt, "delay_s", (json_int_t)delay_s));
	return job_statement(run, "job_put_aside", decision, NULL, problem) != NULL;
}

static bool work_on_ids(const struct job_run *run, const struct job_queue *queue,
	const struct rows *due, size_t first, size_t count, struct problem *problem)
{
	json_t *ids = json_array();
	if (queue->run != NULL) {
		json_decref(ids);
		return queue->run(run, due, first, count, problem);
	}
	for (size_t row = first; row < first + count; row++)
		json_array_append_new(ids, json_string(rows_cell(due, row, 0, NULL)));
	const char *decision = job_json(run, json_pack("{s:o}", "ids", ids));
	return job_statement(run, queue->work, decision, job_system(run), problem) != NULL;
}

/* Halves after a failure and doubles after a success. Each step has an arena of its own. */
static bool work_on(const struct job_run *run, const struct job_queue *queue,
	const struct rows *due, struct problem *problem)
{
	struct job_run step = *run;
	size_t most = (size_t)queue->at_once;
	bool good = true;
	step.arena = arena_new();
	for (size_t at = 0; good && at < rows_count(due) && !job_is_stopping(run);) {
		struct problem fault = PROBLEM_INIT;
		size_t left = rows_count(due) - at, size = most < left ? most : left;
		bool done = work_on_ids(&step, queue, due, at, size, &fault);
		if (!done && size == 1)
			good = job_put_aside(
				&step, queue->name, rows_cell(due, at, 0, NULL), &fault, problem);
		at += done || size == 1 ? size : 0;
		most = !done ? (size + 1) / 2 : 2 * size;
		most = most > (size_t)queue->at_once ? (size_t)queue->at_once : most;
		arena_reset(step.arena);
	}
	arena_free(step.arena);
	return good;
}

bool job_work(const struct job_run *run, const struct job_queue *queue, struct problem *problem)
{
	for (int batches = 1;; batches++) {
		const char *size = arena_printf(run->arena, "{\"batch\":%d}", queue->batch);
		const struct rows *due = job_statement(run, queue->due, size, NULL, problem);
		if (due == NULL || !work_on(run, queue, due, problem))
			return false;
		if (!job_goes_on(run, batches, (int64_t)rows_count(due), queue->batch))
			return true;
		arena_reset(run->arena);
	}
}

bool job_batches(const struct job_run *run,
	bool (*step)(const struct job_run *run, int size, void *context, int64_t *ret_done,
		struct problem *problem),
	int size, void *context, struct problem *problem)
{
	for (int batches = 1;;) {
		struct problem fault = PROBLEM_INIT;
		int64_t done = 0;
		bool good = step(run, size, context, &done, &fault);
		if (!good && (size == 1 || job_is_stopping(run))) {
			*problem = fault;
			return false;
		}
		if (good && !job_goes_on(run, batches, done, size))
			return true;
		batches += good;
		size = good ? size : size / 2;
		arena_reset(run->arena);
	}
}
