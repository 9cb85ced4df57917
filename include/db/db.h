/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one interface to PostgreSQL. A caller describes a batch: who asks (the two walls), and up to
 * DB_MAX_CALLS statements; db_run sends it as one pipeline in one transaction and one round trip
 * and gives back the rows. Nobody outside src/db sees a connection, so that batches of several
 * requests may one day share one ("lanes").
 *
 * Connections are checked out per batch; a caller that waits longer than database_wait_ms gets
 * `unavailable`. A broken connection is replaced at its next use; a batch that is read-only is then
 * tried once more.
 */
#ifndef PARTNERD_DB_DB_H
#define PARTNERD_DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/problem.h"
#include "base/settings.h"
#include "base/text.h"

struct db;
struct rows;

#define DB_MAX_PARAMS 64
#define DB_MAX_CALLS  8

/*
 * A statement and its parameter types. `sql` lives as long as the process. `types` is a string of
 * one letter a parameter: u uuid, t text, j jsonb, i int8, b bool, z timestamptz, d date, T text[],
 * U uuid[].
 * Named statements of sql/statements all have STATEMENT_TYPES.
 */
struct statement {
	const char *name; /* for logs and as name of the prepared statement: [a-z0-9_]{1,60}, unique
			     per sql text */
	const char *sql;
	const char *types;
};

/*
 * $1 program uuid, $2 partner uuid (null when the vendor asks), $3 id uuid, $4 body jsonb, $5
 * decision jsonb, $6 request jsonb, $7 before jsonb (the shape's row before a write). Every named
 * statement has all seven.
 */
#define STATEMENT_TYPES "uuujjjj"

struct db_call {
	const struct statement *statement;
	const char *params[DB_MAX_PARAMS]; /* text format; NULL = null */
	struct rows *rows;                 /* out: released with the batch's arena */
};

/* What row-level security shows. A batch that names no door, or not all its door asks for, is not
 * run. */
enum db_door {
	DOOR_NONE,
	DOOR_PROGRAM,  /* all of program_id: the vendor's side, and the server's own work */
	DOOR_PARTNER,  /* what is partner_id's, and what the program shows to all partners */
	DOOR_IDENTITY, /* before the tenant is known: sign-in, client credentials, keys, list of
			  programs */
};

struct db_batch {
	struct arena *arena;
	enum db_door door;
	const char *program_id; /* NULL only with DOOR_IDENTITY */
	const char *partner_id; /* with DOOR_PARTNER, and only then */
	bool is_write;          /* a lost connection is not retried: the commit may have happened */
	bool rollback;          /* dry run */
	struct db_call calls[DB_MAX_CALLS];
	size_t call_count;
};

/* Appends a call and returns it, so that params can be set: db_add(&batch, &statement)->params[0] =
 * id; */
struct db_call *db_add(struct db_batch *batch, const struct statement *statement);

enum db_failure {
	DB_NONE,
	DB_WORLD_MOVED,     /* SQLSTATE PD000, assert_written() saw no row */
	DB_UNCHANGED,       /* SQLSTATE PD002: a patch that would change nothing, undone */
	DB_KEY_TAKEN,       /* the idempotency record exists: constraint idempotency_keys_pkey */
	DB_KEY_IN_PROGRESS, /* SQLSTATE PD001: another request holds the key's lock */
	DB_REFUSED,         /* a constraint or a raised refusal; `problem` says which */
	DB_UNAVAILABLE,     /* no connection, lost connection, shutting down */
	DB_TIMEOUT,         /* statement_timeout */
	DB_BROKEN, /* our own fault: unknown table, wrong type … ; `problem` is internal */
};

/*
 * Runs the batch. On failure returns the kind and sets `problem` (mapped from SQLSTATE and
 * constraint name by sqlstate.c, the cause kept for the log); the transaction is then rolled back
 * as a whole.
 */
enum db_failure db_run(struct db *db, struct db_batch *batch, struct problem *problem);

/* Opens the pool without connecting; connections are made on demand and kept. */
struct db *db_open(const struct settings *settings);
struct db *db_close(struct db *db);

/* For /readyz: one trivial statement within `timeout_ms`, and the schema's fingerprint. */
bool db_ping(struct db *db, int timeout_ms);

struct db_usage {
	int open, busy, waiting;
	int64_t waits_total, timeouts_total, reconnects_total;
};
void db_usage(struct db *db, struct db_usage *ret_usage);

/* ---- rows ---- */
size_t rows_count(const struct rows *rows);
size_t rows_columns(const struct rows *rows);
const char *rows_column_name(const struct rows *rows, size_t column);
/* One letter as in struct statement's types; 'i' also for int2/int4, 'x' for anything else. */
char rows_column_type(const struct rows *rows, size_t column);
/* -1 when there is no such column. */
int rows_column(const struct rows *rows, const char *name);
/* NULL for null. The text lives as long as the rows. */
const char *rows_cell(const struct rows *rows, size_t row, size_t column, size_t *ret_length);
/* By name, first row; a missing column is a programming error and aborts. */
const char *rows_text(const struct rows *rows, const char *name);
int64_t rows_int(const struct rows *rows, const char *name);  /* null = 0 */
bool rows_bool(const struct rows *rows, const char *name);    /* null = false */
int64_t rows_time(const struct rows *rows, const char *name); /* microseconds; null = 0 */

/* ---- named statements (sql/statements), shapes ---- */
/* NULL when there is none. */
const struct statement *statement_find(const char *name);
size_t statement_count(void);
const struct statement *statement_at(size_t index);

/*
 * Interns a composed statement by its text: the same text gives the same statement for the life of
 * the process. The text is copied. Used by the list engine, whose texts are composed of static
 * strings only. NULL when there are STATEMENT_MAX_INTERNED already: a client that tries every
 * combination of filters shall not fill the memory; a statement without a name is then sent
 * unprepared.
 */
#define STATEMENT_MAX_INTERNED 1000
const struct statement *statement_intern(const char *prefix, const char *sql, const char *types);

/* ---- migrations ---- */
/* Applies what is missing under an advisory lock; repeatable files (shapes, functions) are replaced
 * when changed. */
bool db_migrate(const char *database_url, struct text *ret_report, struct text *reterr);
/* True when the database has exactly the migrations and repeatable files of this binary. */
bool db_schema_is_current(struct db *db, struct text *reterr);
/* Prepares every named statement on a real connection; a sentence per failure in reterr. */
bool db_check_statements(struct db *db, const struct statement *const *extra, size_t extra_count,
	struct text *reterr);
/* Names of constraints in the catalogue that sqlstate.c has no row for, and rows without a
 * constraint. */
bool db_check_constraints(struct db *db, struct text *reterr);

/* ---- notifications ---- */
/*
 * Starts a thread that LISTENs on channel "partnerd" on a connection of its own and calls `wake` on
 * every notification, and every `period_ms` regardless, also right after it reconnects.
 */
struct db_watch;
struct db_watch *db_watch_start(
	const struct settings *settings, int period_ms, void (*wake)(void *context), void *context);
struct db_watch *db_watch_stop(struct db_watch *watch);

#endif
