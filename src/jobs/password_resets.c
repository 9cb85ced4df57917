/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looks for who is meant by a forgotten password, and mails the person a link. Done here and not by
 * the request, so that the request does the same whoever it names. At least once: a person who was
 * mailed a moment ago is left out, so that doing it twice is harmless.
 */
#include <string.h>

#include "base/uuid.h"
#include "http/mail.h"
#include "http/secrets.h"
#include "job.h"

#define BATCH 20

static const char *column(const struct rows *rows, size_t row, const char *name)
{
	return rows_cell(rows, row, (size_t)rows_column(rows, name), NULL);
}

static const char *decision_of(const struct job_run *run, const struct rows *rows, size_t row)
{
	const char *token = secret_make(SECRET_PREFIX_RESET, run->arena);
	char entry_id[UUID_TEXT_BYTES];
	const struct mail_draft draft = { MAIL_PASSWORD_RESET, column(rows, row, "program_name"),
		column(rows, row, "name"), token };

	uuid_v7(entry_id);
	return job_json(run,
		json_pack("{s:s, s:s, s:o}", "token_hash", secret_hash(token, run->arena),
			"entry_id", entry_id, "mail",
			mail_compose(run->app->settings, run->app->vault, run->arena, &draft)));
}

/* The program did it, for whoever asked: the log of requests knows from where. */
static const char *request_of(const struct job_run *run, const struct rows *rows, size_t row)
{
	return job_json(
		run, json_pack("{s:s, s:s, s:s}", "request_id", column(rows, row, "request_id"),
			     "actor_type", "system", "actor_id", column(rows, row, "program_id")));
}

static bool start_reset(
	const struct job_run *run, const struct rows *rows, size_t row, struct problem *problem)
{
	struct db_batch batch = { .arena = run->arena,
		.door = DOOR_PROGRAM,
		.program_id = column(rows, row, "program_id"),
		.is_write = true };
	struct db_call *call;

	if (batch.program_id == NULL)
		return true; /* nobody is meant */
	call = db_add(&batch, statement_find("job_reset_start"));
	call->params[0] = batch.program_id;
	call->params[2] = column(rows, row, "user_id");
	call->params[4] = decision_of(run, rows, row);
	call->params[5] = request_of(run, rows, row);
	enum db_failure failure = db_run(run->app->db, &batch, problem);
	if (failure == DB_WORLD_MOVED) { /* mailed by another worker in the same moment */
		*problem = (struct problem)PROBLEM_INIT;
		return true;
	}
	return failure == DB_NONE;
}

/* For the program of the person who is meant. */
static bool put_aside(const struct job_run *run, const struct rows *rows, size_t row,
	const struct problem *fault, struct problem *problem)
{
	struct job_run program = *run;
	program.program_id = column(rows, row, "program_id");
	return job_put_aside(&program, "password_resets", column(rows, row, "id"), fault, problem);
}

bool job_password_resets(const struct job_run *run, struct problem *problem)
{
	const char *size = arena_printf(run->arena, "{\"batch\":%d}", BATCH);
	const struct rows *rows = job_statement(run, "job_reset_find", size, NULL, problem);
	json_t *ids = json_array();
	bool good = rows != NULL;

	for (size_t row = 0; good && row < rows_count(rows); row++) {
		struct problem fault = PROBLEM_INIT;
		if (start_reset(run, rows, row, &fault))
			json_array_append_new(ids, json_string(column(rows, row, "id")));
		else
			good = put_aside(run, rows, row, &fault, problem);
	}
	if (json_array_size(ids) == 0) {
		json_decref(ids);
		return good;
	}
	const char *done = job_json(run, json_pack("{s:o}", "ids", ids));
	return job_statement(run, "job_reset_done", done, NULL, problem) != NULL && good;
}
