/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares the binary with a real database: is its schema ours, does every statement plan, has
 * every constraint its row in sqlstate.c. `partnerd check` and the tests run all of it, `serve` the
 * first part, and /readyz a short form of that: one hash over the names and hashes of all
 * migrations and repeatable files.
 */
#include "db/internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- the schema ---- */

#define ALL_FILES                                                                         \
	"(select name, sha256 from schema_migrations union all select name, sha256 from " \
	"schema_repeatables) files"

static const struct statement schema_rows = { "schema_rows",
	"select name, sha256 from " ALL_FILES " order by name collate \"C\"", "" };

static const struct statement schema_hash = { "schema_hash",
	"select encode(sha256(convert_to(coalesce(string_agg(name || ' ' || sha256 || E'\\n', '' "
	"order by name"
	" collate \"C\"), ''), 'UTF8')), 'hex') as hash from " ALL_FILES,
	"" };

static const struct statement constraint_rows = { "constraint_rows",
	"select k.conname as name from pg_constraint k join pg_class t on t.oid = k.conrelid"
	" where k.connamespace = 'public'::regnamespace and k.contype in ('p', 'u', 'f', 'c', 'x')"
	" and k.conparentid = 0 and t.relname not in ('schema_migrations', 'schema_repeatables')"
	" union select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid"
	" where c.relnamespace = 'public'::regnamespace and i.indisunique and not exists"
	" (select from pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', "
	"'x'))"
	" order by name",
	"" };

struct file_list {
	const struct embedded_file **items;
	size_t count;
};

static int by_name(const void *a, const void *b)
{
	const struct embedded_file *const *left = a, *const *right = b;
	return strcmp((*left)->name, (*right)->name);
}

/* All files of the schema in the order in which the statements above give their rows. */
static struct file_list list_files(const struct schema_files *files)
{
	const struct embedded_file *sources[] = { files->migrations, files->functions,
		files->shapes };
	struct file_list list = { 0 };
	for (size_t source = 0; source < sizeof(sources) / sizeof(sources[0]); source++) {
		for (const struct embedded_file *file = sources[source]; file->name; file++) {
			list.items =
				reallocarray(list.items, list.count + 1, sizeof(list.items[0]));
			if (!list.items)
				abort();
			list.items[list.count++] = file;
		}
	}
	if (list.count > 0)
		qsort(list.items, list.count, sizeof(list.items[0]), by_name);
	return list;
}

static void complain(struct text *reterr, const char *name, const char *what)
{
	text_appendf(reterr, "%s'%s' %s", reterr->length > 0 ? "; " : "", name, what);
}

/* Both lists are sorted by name: walk them side by side. */
static void compare_files(
	const struct rows *rows, const struct file_list *list, struct text *reterr)
{
	size_t row = 0, file = 0, files = list->items ? list->count : 0;
	while (row < rows_count(rows) || file < files) {
		const char *name = row < rows_count(rows) ? rows_cell(rows, row, 0, NULL) : NULL;
		const struct embedded_file *own = file < files ? list->items[file] : NULL;
		int order = !name ? 1 : !own ? -1 : strcmp(name, own->name);
		char hash[SCHEMA_HASH_BYTES];
		if (order < 0)
			complain(reterr, name, "is not part of this version");
		else if (own && order > 0)
			complain(reterr, own->name, "has not been applied");
		else if (own) {
			file_hash(own, hash);
			if (strcmp(rows_cell(rows, row, 1, NULL), hash) != 0)
				complain(reterr, name, "differs from the one that was applied");
		}
		row += order <= 0;
		file += order >= 0;
	}
}

/* Runs one statement without a tenant. NULL and a sentence in `reterr` on failure. */
static const struct rows *ask(
	struct db *db, struct arena *arena, const struct statement *statement, struct text *reterr)
{
	struct db_batch batch = { .arena = arena, .door = DOOR_IDENTITY };
	struct problem problem = PROBLEM_INIT;
	struct db_call *call = db_add(&batch, statement);
	if (db_run(db, &batch, &problem) == DB_NONE)
		return call->rows;
	text_append_string(reterr, problem.cause);
	return NULL;
}

bool schema_is_current(struct db *db, const struct schema_files *files, struct text *reterr)
{
	size_t before = reterr->length;
	struct arena *arena = arena_new();
	const struct rows *rows = ask(db, arena, &schema_rows, reterr);
	if (rows) {
		struct file_list list = list_files(files);
		compare_files(rows, &list, reterr);
		free(list.items);
	}
	arena_free(arena);
	return rows && reterr->length == before;
}

/* ---- ping ---- */

static pthread_once_t expected_once = PTHREAD_ONCE_INIT;
static char expected_hash[SCHEMA_HASH_BYTES];

static void make_expected_hash(void)
{
	struct file_list list = list_files(&embedded_schema);
	struct text text = TEXT_INIT;
	for (size_t i = 0; i < list.count; i++) {
		char hash[SCHEMA_HASH_BYTES];
		file_hash(list.items[i], hash);
		text_appendf(&text, "%s %s\n", list.items[i]->name, hash);
	}
	file_hash(
		&(struct embedded_file){ "", text.bytes, text.bytes + text.length }, expected_hash);
	text_release(&text);
	free(list.items);
}

bool db_ping(struct db *db, int timeout_ms)
{
	pthread_once(&expected_once, make_expected_hash);
	struct arena *arena = arena_new();
	struct db_batch batch = { .arena = arena, .door = DOOR_IDENTITY };
	struct problem problem = PROBLEM_INIT;
	struct run_limits limits = { .wait_ms = timeout_ms, .answer_ms = timeout_ms };
	struct db_call *call = db_add(&batch, &schema_hash);
	bool ok = db_run_within(db, &batch, &limits, &problem) == DB_NONE;
	ok = ok && strcmp(rows_text(call->rows, "hash"), expected_hash) == 0;
	arena_free(arena);
	return ok;
}

/* ---- statements ---- */

/* A transaction that ends in a rollback, as the application role and with walls around an empty
 * program. */
#define CHECK_BEGIN                                                                 \
	"begin; select set_config('role', '" DB_ROLE                                \
	"', true), set_config('search_path', 'public', true),"                      \
	" set_config('app.program', '00000000-0000-0000-0000-000000000000', true)," \
	" set_config('app.partner', '*', true)"

static bool command(PGconn *pg, const char *sql)
{
	PGresult *result = PQexec(pg, sql);
	ExecStatusType status = PQresultStatus(result);
	PQclear(result);
	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

/* Planning an EXECUTE with nulls goes further than parsing: it also asks for every privilege. */
static bool explain_execute(PGconn *pg, int count)
{
	struct text sql = TEXT_INIT;
	text_append_string(&sql, "explain execute partnerd_check");
	for (int i = 0; i < count; i++)
		text_append_string(&sql, i == 0 ? "(null" : ", null");
	text_append_string(&sql, count > 0 ? ")" : "");
	bool ok = command(pg, sql.bytes);
	text_release(&sql);
	return ok;
}

static bool prepare(PGconn *pg, const struct statement *statement, int count, const Oid *oids)
{
	PGresult *result = PQprepare(pg, "partnerd_check", statement->sql, count, oids);
	bool ok = PQresultStatus(result) == PGRES_COMMAND_OK;
	PQclear(result);
	return ok;
}

static void check_statement(PGconn *pg, const struct statement *statement, struct text *reterr)
{
	Oid oids[DB_MAX_PARAMS];
	int count = types_to_oids(statement->types, oids);
	if (count < 0) {
		complain(reterr, statement->name, "has a parameter of unknown type");
		return;
	}
	bool ok = command(pg, "savepoint one") && prepare(pg, statement, count, oids);
	bool is_prepared = ok;
	ok = ok && explain_execute(pg, count);
	if (!ok) {
		char line[PROBLEM_DETAIL_BYTES];
		complain(reterr, statement->name, "fails: ");
		text_append_string(reterr, message_line(PQerrorMessage(pg), line, sizeof(line)));
	}
	command(pg, "rollback to one");
	if (is_prepared)
		command(pg, "deallocate partnerd_check");
}

bool db_check_statements(struct db *db, const struct statement *const *extra, size_t extra_count,
	struct text *reterr)
{
	size_t before = reterr->length;
	PGconn *pg = connect_owner(pool_options(db)->database_url, reterr);
	if (!pg)
		return false;
	if (!command(pg, CHECK_BEGIN)) {
		char line[PROBLEM_DETAIL_BYTES];
		text_append_string(reterr, message_line(PQerrorMessage(pg), line, sizeof(line)));
	} else {
		for (size_t i = 0; i < statement_count(); i++)
			check_statement(pg, statement_at(i), reterr);
		for (size_t i = 0; i < extra_count; i++)
			check_statement(pg, extra[i], reterr);
	}
	PQfinish(pg);
	return reterr->length == before;
}

/* ---- constraints ---- */

static bool is_mapped(const char *name)
{
	for (size_t i = 0; i < constraint_count(); i++) {
		if (strcmp(constraint_name(i), name) == 0)
			return true;
	}
	return false;
}

static bool is_listed(const struct rows *rows, const char *name)
{
	for (size_t row = 0; row < rows_count(rows); row++) {
		if (strcmp(rows_cell(rows, row, 0, NULL), name) == 0)
			return true;
	}
	return false;
}

bool db_check_constraints(struct db *db, struct text *reterr)
{
	size_t before = reterr->length;
	struct arena *arena = arena_new();
	const struct rows *rows = ask(db, arena, &constraint_rows, reterr);
	for (size_t row = 0; rows && row < rows_count(rows); row++) {
		const char *name = rows_cell(rows, row, 0, NULL);
		if (!is_mapped(name))
			complain(reterr, name, "has no row in src/db/sqlstate.c");
	}
	for (size_t i = 0; rows && i < constraint_count(); i++) {
		if (!is_listed(rows, constraint_name(i)))
			complain(reterr, constraint_name(i), "is mapped and does not exist");
	}
	arena_free(arena);
	return rows && reterr->length == before;
}

bool db_schema_is_current(struct db *db, struct text *reterr)
{
	return schema_is_current(db, &embedded_schema, reterr);
}
