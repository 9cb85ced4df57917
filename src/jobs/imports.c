/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Works on imports, a part of a file or a handful of rows at a time. Each row is a transaction of
 * its own and can be repeated (http/import.h), so a process may die anywhere: another one goes on
 * when the lease is over. Who has lost the right to register deals while the import waited, has an
 * import that fails.
 */
#include "http/import.h"

#include <string.h>

#include "base/uuid.h"
#include "job.h"

#define BATCH   20 /* rows; they take far less time than the lease */
#define BATCHES 10 /* of one pass; the lane is for imports only */

static const struct rows *statement(const struct import_work *work, const struct job_run *run,
	const char *name, json_t *decision, struct problem *problem)
{
	struct db_batch batch = {
		.arena = run->arena,
		.door = DOOR_PROGRAM,
		.program_id = run->program_id,
		.is_write = true,
	};
	struct db_call *call = db_add(&batch, statement_find(name));
	call->params[0] = run->program_id;
	call->params[2] = rows_text(work->taken, "id");
	call->params[4] = job_json(run, decision);
	call->params[5] = arena_printf(
		run->arena, "{\"actor_type\":\"system\",\"actor_id\":\"%s\"}", run->program_id);
	return db_run(run->app->db, &batch, problem) == DB_NONE ? call->rows : NULL;
}

/* Takes the reference of the fault, which may be NULL. */
static bool move(const struct import_work *work, const struct job_run *run, const char *to,
	json_t *fault, struct problem *problem)
{
	char event_id[UUID_TEXT_BYTES];
	uuid_v7(event_id);
	return statement(work, run, "job_import_move",
		       json_pack("{s:s, s:s, s:s, s:s, s:o*}", "event_id", event_id, "event",
			       arena_printf(run->arena, "import.%s", to), "from",
			       rows_text(work->taken, "status"), "to", to, "problem", fault),
		       problem) != NULL;
}

static bool read_on(
	const struct import_work *work, const struct job_run *run, struct problem *problem)
{
	json_t *read = import_read(work, problem);
	if (read == NULL)
		return false;
	json_t *fault = json_object_get(read, "fault");
	if (fault == NULL)
		return statement(work, run, "job_import_add", read, problem) != NULL;
	json_incref(fault);
	json_decref(read);
	return move(work, run, "failed", fault, problem);
}

/* What became of each row, up to the first that has to wait. */
static json_t *work_rows(const struct import_work *work, const struct rows *rows, bool is_dry)
{
	json_t *results = json_array();
	for (size_t i = 0; i < rows_count(rows); i++) {
		size_t length;
		const char *line = rows_cell(rows, i, 0, &length),
			   *same_as = rows_cell(rows, i, 2, &length);
		json_t *result =
			import_row(work, strtoll(line, NULL, 10), rows_cell(rows, i, 1, &length),
				same_as != NULL ? strtoll(same_as, NULL, 10) : 0, is_dry);
		if (result == NULL)
			break;
		json_array_append_new(results, result);
	}
	return results;
}

/* ret_is_blocked: the first row has to wait for better times. */
static bool do_rows(const struct import_work *work, const struct job_run *run, bool is_dry,
	bool *ret_is_blocked, struct problem *problem)
{
	const char *status = is_dry ? "read" : "valid";
	const struct rows *rows = statement(work, run, "job_import_rows",
		json_pack("{s:s, s:i}", "status", status, "limit", BATCH), problem);
	if (rows == NULL)
		return false;
	if (rows_count(rows) == 0)
		return move(work, run, is_dry ? "validated" : "completed", NULL, problem);
	json_t *results = work_rows(work, rows, is_dry);
	*ret_is_blocked = json_array_size(results) == 0;
	return statement(work, run, "job_import_results",
		       json_pack("{s:s, s:o}", "status", status, "rows", results), problem) != NULL;
}

static json_t *no_right(void)
{
	struct problem problem = PROBLEM_INIT;
	problem_set(
		&problem, PROBLEM_forbidden, "Who asked for it may not register deals any more.");
	return import_problem(&problem);
}

/* ret_done: something was done, and there may be more. */
static bool work_on_one(const struct job_run *run, bool *ret_done, struct problem *problem)
{
	struct import_work work = {
		.app = run->app, .arena = run->arena, .program_id = run->program_id
	};
	bool is_blocked = false;
	*ret_done = false;
	work.taken = job_statement(run, "job_import_take", NULL, NULL, problem);
	if (work.taken == NULL || rows_count(work.taken) == 0)
		return work.taken != NULL;
	bool is_dry = strcmp(rows_text(work.taken, "status"), "validating") == 0;
	bool is_read = rows_int(work.taken, "read_bytes") >= rows_int(work.taken, "size_bytes");
	bool good = !import_actor(&work) ? move(&work, run, "failed", no_right(), problem)
		    : is_read            ? do_rows(&work, run, is_dry, &is_blocked, problem)
					 : read_on(&work, run, problem);
	*ret_done = good && !is_blocked;
	return good;
}

bool job_import(const struct job_run *run, struct problem *problem)
{
	bool done = true;
	for (int batches = 0; batches < BATCHES && done && !job_is_stopping(run); batches++) {
		arena_reset(run->arena);
		if (!work_on_one(run, &done, problem))
			return false;
		if (done)
			job_did(run);
	}
	return true;
}
