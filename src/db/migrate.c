/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings a database to the schema of this binary, as the login role (the owner) and under an
 * advisory lock, so that several instances may start at once. Migrations are forward only, each in
 * a transaction of its own; one that was edited after it was applied is refused. Functions and
 * shapes are repeatable: when any of them or any migration is new, all are replaced in one
 * transaction. Shapes are views, and a view cannot change its columns in place: they are dropped
 * first and made again last, so functions may lean on tables only, and shapes on functions.
 */
#include "db/internal.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* Any number nobody else uses: "partnerd" in ASCII. */
#define MIGRATE_LOCK "8097879449382777444"

const struct schema_files embedded_schema = {
	.migrations = embedded_migrations,
	.functions = embedded_functions,
	.shapes = embedded_shapes,
};

struct migration {
	PGconn *pg;
	const struct schema_files *files;
	struct text *report;
	struct text *error;
	bool is_changed; /* a migration was applied */
};

void file_hash(const struct embedded_file *file, char out[static SCHEMA_HASH_BYTES])
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	crypto_hash_sha256(
		hash, (const unsigned char *)file->begin, (size_t)(file->end - file->begin));
	hex_encode(hash, sizeof(hash), out);
}

/* ---- talking ---- */

static bool fail(struct migration *m, const char *what)
{
	char line[PROBLEM_DETAIL_BYTES * 2];
	text_appendf(
		m->error, "%s: %s", what, message_line(PQerrorMessage(m->pg), line, sizeof(line)));
	return false;
}

/* Simple protocol: `sql` may hold several statements. */
static bool execute(struct migration *m, const char *what, const char *sql)
{
	PGresult *result = PQexec(m->pg, sql);
	ExecStatusType status = PQresultStatus(result);
	PQclear(result);
	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ? true : fail(m, what);
}

static PGresult *query(struct migration *m, const char *what, const char *sql, int count,
	const char *const *params)
{
	PGresult *result = PQexecParams(m->pg, sql, count, NULL, params, NULL, NULL, 0);
	ExecStatusType status = PQresultStatus(result);
	if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK)
		return result;
	PQclear(result);
	fail(m, what);
	return NULL;
}

static bool record(struct migration *m, const char *sql, const struct embedded_file *file)
{
	char hash[SCHEMA_HASH_BYTES];
	file_hash(file, hash);
	const char *params[] = { file->name, hash };
	PGresult *result = query(m, file->name, sql, 2, params);
	PQclear(result);
	return result != NULL;
}

/* A file that ends the transaction itself would leave the rest of it half done. */
static bool still_in_transaction(struct migration *m, const struct embedded_file *file)
{
	if (PQtransactionStatus(m->pg) == PQTRANS_INTRANS)
		return true;
	text_appendf(m->error, "%s: the file ends the transaction it runs in", file->name);
	return false;
}

static bool run_file(struct migration *m, const struct embedded_file *file)
{
	return execute(m, file->name, file->begin) && still_in_transaction(m, file);
}

static void roll_back(struct migration *m)
{
	PQclear(PQexec(m->pg, "rollback"));
}

/* ---- migrations ---- */

static bool refuse(struct migration *m, const char *name, const char *why)
{
	text_appendf(m->error, "%s: %s", name, why);
	return false;
}

static bool apply_migration(struct migration *m, const struct embedded_file *file)
{
	bool ok = execute(m, file->name, "begin") && run_file(m, file) &&
		  record(m, "insert into schema_migrations (name, sha256) values ($1, $2)", file) &&
		  execute(m, file->name, "commit");
	if (!ok) {
		roll_back(m);
		return false;
	}
	m->is_changed = true;
	text_appendf(m->report, "applied %s\n", file->name);
	return true;
}

/* Applied ones must be the first of ours, unchanged and without a gap. */
static bool verify_applied(struct migration *m, const PGresult *applied, int row, const char *ours)
{
	const char *name = PQgetvalue(applied, row, 0);
	int order = ours ? strcmp(name, ours) : -1;
	if (order == 0)
		return true;
	if (order > 0)
		return refuse(m, ours,
			"is older than a migration that was applied; give it a new number");
	return refuse(m, name, "was applied by another version of this program");
}

static bool apply_pending(struct migration *m, const PGresult *applied)
{
	int row = 0, count = PQntuples(applied);
	const struct embedded_file *file = m->files->migrations;
	for (; row < count; row++, file++) {
		char hash[SCHEMA_HASH_BYTES];
		if (!verify_applied(m, applied, row, file->name))
			return false;
		file_hash(file, hash);
		if (strcmp(PQgetvalue(applied, row, 1), hash) != 0)
			return refuse(m, file->name, "was edited after it was applied");
	}
	for (; file->name; file++) {
		if (!apply_migration(m, file))
			return false;
	}
	return true;
}

static bool migrate_forward(struct migration *m)
{
	PGresult *applied = query(m, "schema_migrations",
		"select name, sha256 from schema_migrations order by name collate \"C\"", 0, NULL);
	if (!applied)
		return false;
	bool ok = apply_pending(m, applied);
	PQclear(applied);
	return ok;
}

/* ---- repeatable files ---- */

static size_t count_files(const struct embedded_file *files)
{
	size_t count = 0;
	while (files[count].name)
		count++;
	return count;
}

static bool is_recorded(const PGresult *rows, const struct embedded_file *file)
{
	char hash[SCHEMA_HASH_BYTES];
	file_hash(file, hash);
	for (int row = 0; row < PQntuples(rows); row++) {
		if (strcmp(PQgetvalue(rows, row, 0), file->name) == 0)
			return strcmp(PQgetvalue(rows, row, 1), hash) == 0;
	}
	return false;
}

static bool are_recorded(const PGresult *rows, const struct embedded_file *files)
{
	for (; files->name; files++) {
		if (!is_recorded(rows, files))
			return false;
	}
	return true;
}

/* "sql/shapes/deal.sql" → "deal_shape" */
static char *shape_name(const char *file_name)
{
	const char *slash = strrchr(file_name, '/');
	const char *base = slash ? slash + 1 : file_name;
	struct text name = TEXT_INIT;
	text_appendf(&name, "%.*s_shape", (int)strcspn(base, "."), base);
	return text_detach(&name, NULL);
}

static bool drop_shape(struct migration *m, const char *file_name)
{
	char *name = shape_name(file_name);
	char *quoted = PQescapeIdentifier(m->pg, name, strlen(name));
	struct text sql = TEXT_INIT;
	text_appendf(&sql, "drop view if exists %s cascade", quoted);
	bool ok = quoted && execute(m, file_name, sql.bytes);
	text_release(&sql);
	PQfreemem(quoted);
	free(name);
	return ok;
}

/* Also those that this version no longer has. */
static bool drop_shapes(struct migration *m, const PGresult *recorded)
{
	for (int row = 0; row < PQntuples(recorded); row++) {
		const char *name = PQgetvalue(recorded, row, 0);
		if (strstr(name, "/shapes/") && !drop_shape(m, name))
			return false;
	}
	for (const struct embedded_file *file = m->files->shapes; file->name; file++) {
		if (!drop_shape(m, file->name))
			return false;
	}
	return true;
}

static bool run_repeatables(struct migration *m, const struct embedded_file *files)
{
	for (; files->name; files++) {
		bool ok = run_file(m, files) &&
			  record(m, "insert into schema_repeatables (name, sha256) values ($1, $2)",
				  files);
		if (!ok)
			return false;
	}
	return true;
}

static bool replace_repeatables(struct migration *m, const PGresult *recorded)
{
	bool ok = execute(m, "repeatable files", "begin") && drop_shapes(m, recorded) &&
		  execute(m, "schema_repeatables", "delete from schema_repeatables") &&
		  run_repeatables(m, m->files->functions) && run_repeatables(m, m->files->shapes) &&
		  execute(m, "repeatable files", "commit");
	if (!ok) {
		roll_back(m);
		return false;
	}
	text_appendf(m->report, "replaced %zu functions and %zu shapes\n",
		count_files(m->files->functions), count_files(m->files->shapes));
	return true;
}

/* A migration may have dropped a shape that stood in its way: then all are made again. */
static bool migrate_repeatables(struct migration *m)
{
	PGresult *recorded = query(
		m, "schema_repeatables", "select name, sha256 from schema_repeatables", 0, NULL);
	if (!recorded)
		return false;
	size_t ours = count_files(m->files->functions) + count_files(m->files->shapes);
	bool is_current = !m->is_changed && (size_t)PQntuples(recorded) == ours &&
			  are_recorded(recorded, m->files->functions) &&
			  are_recorded(recorded, m->files->shapes);
	bool ok = is_current || replace_repeatables(m, recorded);
	if (is_current)
		text_append_string(m->report, "the schema is current\n");
	PQclear(recorded);
	return ok;
}

/* ---- public ---- */

/* The lock is the session's and goes with it. DDL must not queue behind a long transaction and stop
 * everybody else. */
static bool prepare_session(struct migration *m)
{
	return execute(m, "the session",
		       "set search_path = public; set client_min_messages = warning") &&
	       execute(m, "the migration lock", "select pg_advisory_lock(" MIGRATE_LOCK ")") &&
	       execute(m, "the session", "set lock_timeout = '30s'") &&
	       execute(m, "the tables of migrations",
		       "create table if not exists schema_migrations (name text primary key,"
		       " sha256 text not null, applied_at timestamptz not null default now());"
		       "create table if not exists schema_repeatables (name text primary key,"
		       " sha256 text not null, applied_at timestamptz not null default now())");
}

/* The application role is made by the first migration; it compares the schema with the binary's. */
static bool grant_reading(struct migration *m)
{
	return execute(m, "the grants on the tables of migrations",
		"do $$ begin if exists (select from pg_roles where rolname = '" DB_ROLE "') then"
		" grant select on schema_migrations, schema_repeatables to " DB_ROLE
		"; end if; end $$");
}

bool migrate_files(const char *database_url, const struct schema_files *files,
	struct text *ret_report, struct text *reterr)
{
	PGconn *pg = connect_owner(database_url, reterr);
	if (!pg)
		return false;
	struct migration m = { .pg = pg, .files = files, .report = ret_report, .error = reterr };
	bool ok = prepare_session(&m) && migrate_forward(&m) && migrate_repeatables(&m) &&
		  grant_reading(&m);
	PQfinish(pg);
	return ok;
}

bool db_migrate(const char *database_url, struct text *ret_report, struct text *reterr)
{
	return migrate_files(database_url, &embedded_schema, ret_report, reterr);
}
