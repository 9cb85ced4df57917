/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of src/db share with each other and with their unit tests, and nobody else
 * includes. From below to above: connect.c makes a connection ready for use, pool.c keeps and lends
 * them, run.c sends a batch over one, sqlstate.c says what a failure means; migrate.c and watch.c
 * have connections of their own outside the pool.
 */
#ifndef PARTNERD_DB_INTERNAL_H
#define PARTNERD_DB_INTERNAL_H

#include <libpq-fe.h>
#include <pthread.h>

#include "base/embed.h"
#include "db/db.h"

#define MUSTCHECK __attribute__((warn_unused_result))

#define DB_ROLE    "partnerd_app"
#define DB_CHANNEL "partnerd"

/* ---- connect.c ---- */

#define PREPARED_SLOTS 1024 /* a power of two */
#define PREPARED_MAX   512  /* more are deallocated all at once: a bound on the server's memory */

/* The statements a connection has prepared: open addressing by name. Strings belong to the
 * statements. */
struct prepared {
	struct {
		const char *name;
		const char *sql;
	} slots[PREPARED_SLOTS];
	size_t count;
};

struct connection {
	PGconn *pg; /* always in pipeline mode */
	struct connection *next;
	int64_t idle_since_us; /* monotonic; valid while idle */
	bool has_tls;
	struct prepared prepared;
};

/* What a connection is made of; the strings live as long as the pool. */
struct connect_options {
	const char *database_url;
	int64_t statement_timeout_ms;
	bool prepared_statements;
};

/* Arrays for PQconnectdbParams and friends: our defaults first, so that the URL overrides them. */
#define CONNECT_PARAMS 12
void connect_params(const char *database_url, const char *keys[CONNECT_PARAMS],
	const char *values[CONNECT_PARAMS]);

/* A plain connection as the login role, for migrations. NULL and a sentence in `reterr` on failure.
 */
MUSTCHECK PGconn *connect_owner(const char *database_url, struct text *reterr);
/* A connection for the pool: role, session settings, pipeline mode. */
MUSTCHECK struct connection *connection_open(
	const struct connect_options *options, struct text *reterr);
struct connection *connection_close(struct connection *connection);
/* False when the server has said goodbye while the connection was idle. Costs one system call. */
bool connection_is_alive(const struct connection *connection);

/* As PQexec, but waits `timeout_ms` at most. NULL then, or when the connection is lost: it is of no
 * more use. */
#define SESSION_EXEC_MS 3000
/* Below TLS there may be bytes that poll() cannot see: there a wait is cut into slices. */
#define TLS_SLICE_MS    20
MUSTCHECK PGresult *exec_within(PGconn *pg, const char *sql, int64_t timeout_ms);

bool prepared_has(const struct prepared *prepared, const struct statement *statement);
/* False when the set is full. */
bool prepared_add(struct prepared *prepared, const struct statement *statement);
void prepared_clear(struct prepared *prepared);

/* PQerrorMessage and the like without their line ends. Cuts at `size`. */
const char *message_line(const char *message, char *out, size_t size);

/* ---- pool.c ---- */

enum take { TAKE_ANY, TAKE_FRESH };

/*
 * Lends a connection, waiting up to `wait_ms` for one. TAKE_FRESH makes a new one: for the second
 * try of a batch whose first connection was lost. NULL and the problem on failure.
 */
MUSTCHECK struct connection *pool_take(
	struct db *db, enum take take, int64_t wait_ms, struct problem *problem);
/* Gives it back; a broken one is closed and its place is free again. */
void pool_give(struct db *db, struct connection *connection, bool is_broken);
const struct connect_options *pool_options(const struct db *db);
int64_t pool_wait_ms(const struct db *db);

/* ---- run.c ---- */

struct run_limits {
	int64_t wait_ms;   /* for a connection */
	int64_t answer_ms; /* for all answers of the batch; then the connection is given up */
};
enum db_failure db_run_within(struct db *db, struct db_batch *batch,
	const struct run_limits *limits, struct problem *problem);

/* ---- rows.c ---- */

/* Takes over `result`: it is cleared with the arena. */
struct rows *rows_new(struct arena *arena, PGresult *result);
/* PostgreSQL's ISO text of a timestamptz in UTC. Infinity gives the ends of int64. */
MUSTCHECK bool timestamp_parse(const char *text, int64_t *ret_time_us);

/* ---- statements.c ---- */

/* Number of parameters, or -1 for an unknown letter or too many. */
int types_to_oids(const char *types, Oid oids[static DB_MAX_PARAMS]);
char oid_to_type(Oid oid);
uint64_t name_hash(const char *name);

struct statement_list {
	struct statement *items;
	size_t count, capacity;
};
/* Appends the statements of one file; a sentence in `reterr` when it is not in the form of
 * sql/statements. */
MUSTCHECK bool statements_parse(
	struct statement_list *list, const struct embedded_file *file, struct text *reterr);
void statement_list_release(struct statement_list *list);

/* ---- sqlstate.c ---- */

/* What can be done about a failure before anybody is told. */
enum remedy {
	REMEDY_NONE,
	REMEDY_AGAIN,  /* a serialization failure or a deadlock: the same again, a little later */
	REMEDY_FORGET, /* the session's prepared statements are not what we think: drop them, again
			*/
	REMEDY_RECONNECT, /* the session is over, or the server is the wrong one */
};

/* One failure as PostgreSQL tells it. Members may be NULL; a NULL sqlstate is a lost connection. */
struct failure {
	const char *sqlstate;
	const char *constraint;
	const char *message;
	const char *statement; /* the name of ours that failed */
};

enum remedy failure_remedy(const struct failure *failure);
/* Fills the problem as the two tables of sqlstate.c have it. */
enum db_failure failure_explain(
	const struct failure *failure, struct arena *arena, struct problem *problem);

size_t constraint_count(void);
const char *constraint_name(size_t index);

/* ---- migrate.c ---- */

/* The embedded files, or a test's own. Each array ends with a row of nulls. */
struct schema_files {
	const struct embedded_file *migrations;
	const struct embedded_file *functions;
	const struct embedded_file *shapes;
};
extern const struct schema_files embedded_schema;

#define SCHEMA_HASH_BYTES 65 /* SHA-256 in hexadecimal and a NUL */

bool migrate_files(const char *database_url, const struct schema_files *files,
	struct text *ret_report, struct text *reterr);
void file_hash(const struct embedded_file *file, char out[static SCHEMA_HASH_BYTES]);

/* ---- check.c ---- */

bool schema_is_current(struct db *db, const struct schema_files *files, struct text *reterr);

#endif
