/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Imports as their job sees them: a part of the file in, rows out; and a row in, what became of it
 * out. A row goes the way of POST /v1/deals, contract, rules and all: there is no second one.
 */
#ifndef PARTNERD_HTTP_IMPORT_H
#define PARTNERD_HTTP_IMPORT_H

#include <jansson.h>
#include <stdbool.h>

#include "http/app.h"
#include "http/request.h"

#define IMPORT_MAX_ROWS      100000
#define IMPORT_MAX_ROW_BYTES (64 * 1024)
#define IMPORT_MAX_COLUMNS   200

/* What the statement job_import_take has given, and for whom. */
struct import_work {
	struct app *app;
	struct arena *arena;
	const char *program_id;
	const struct rows *taken;
	struct actor actor;
};

/* Fills the actor. False when it has no right any more to register deals. */
bool import_actor(struct import_work *work);

/*
 * Reads on in the file: what the statement job_import_add takes. With a member "fault", the file
 * cannot be read at all; it says why. NULL with `problem` set when the database could not be asked.
 */
json_t *import_read(const struct import_work *work, struct problem *problem);

/*
 * Tries (dry) or registers one row: what job_import_results takes. NULL when it should be tried
 * again later. `same_as` is the earlier line of the file that names the same registration, or 0.
 */
json_t *import_row(const struct import_work *work, int64_t line, const char *body, int64_t same_as,
	bool is_dry);

/* A problem as imports and their rows show it. A new object. */
json_t *import_problem(const struct problem *problem);

#endif
