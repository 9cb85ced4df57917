/* SPDX-License-Identifier: Apache-2.0 */
/* Migrations of small schemas of our own, one after the other as a product grows, and what is
 * refused. */
#include "cluster.h"
#include "db/internal.h"

#include "base/log.h"

#include <pthread.h>

#define FILES 5

/* A schema as a test writes it: file texts by kind, NULL at the end. */
struct schema {
	struct embedded_file migrations[FILES], functions[FILES], shapes[FILES];
};

struct fixture {
	struct cluster cluster;
	PGconn *pg;
	struct text report, error;
	struct schema schema;
};

static void put(struct embedded_file *files, const char *name, const char *sql)
{
	while (files->name && strcmp(files->name, name) != 0)
		files++;
	*files = (struct embedded_file){ name, sql, sql + strlen(sql) };
}

static struct schema_files files_of(const struct schema *schema)
{
	return (struct schema_files){ schema->migrations, schema->functions, schema->shapes };
}

static bool migrate(struct fixture *f)
{
	text_clear(&f->report);
	text_clear(&f->error);
	struct schema_files files = files_of(&f->schema);
	return migrate_files(f->cluster.url, &files, &f->report, &f->error);
}

static void must_migrate(struct fixture *f, const char *report)
{
	if (!migrate(f))
		fail_msg("%s", f->error.bytes);
	assert_string_equal(f->report.bytes, report);
}

static void must_fail(struct fixture *f, const char *complaint)
{
	assert_false(migrate(f));
	if (!strstr(f->error.bytes, complaint))
		fail_msg("'%s' does not say '%s'", f->error.bytes, complaint);
}

/* The one value of a query, copied; NULL when it fails. */
static const char *value(struct fixture *f, const char *sql)
{
	static char text[200];
	PGresult *result = PQexec(f->pg, sql);
	bool ok = PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1;
	snprintf(text, sizeof(text), "%s", ok ? PQgetvalue(result, 0, 0) : "");
	PQclear(result);
	return ok ? text : NULL;
}

#define FIRST  "sql/migrations/0001_first.sql"
#define SECOND "sql/migrations/0002_second.sql"
#define TABLES                                                                    \
	"do $$ begin create role partnerd_app nologin;"                           \
	" exception when duplicate_object or unique_violation then null; end $$;" \
	"create table things (id int, cents int); insert into things values (1, 150)"

static void basic_schema(struct fixture *f)
{
	put(f->schema.migrations, FIRST, TABLES);
	put(f->schema.functions, "sql/functions/whole.sql",
		"create or replace function whole(cents int) returns int language sql as 'select "
		"cents / 100'");
	put(f->schema.shapes, "sql/shapes/thing.sql",
		"create view thing_shape as select id, whole(cents) as amount from things;"
		"grant select on thing_shape to partnerd_app");
}

/* ---- forward ---- */

static void test_everything_at_once_then_nothing(void **state)
{
	struct fixture *f = *state;
	basic_schema(f);
	must_migrate(f, "applied " FIRST "\nreplaced 1 functions and 1 shapes\n");
	assert_string_equal(value(f, "select amount from thing_shape"), "1");
	must_migrate(f, "the schema is current\n");
}

static void test_next_migration(void **state)
{
	struct fixture *f = *state;
	basic_schema(f);
	must_migrate(f, "applied " FIRST "\nreplaced 1 functions and 1 shapes\n");
	put(f->schema.migrations, SECOND,
		"drop view thing_shape; alter table things alter cents type bigint; alter table "
		"things add note text");
	put(f->schema.functions, "sql/functions/whole.sql",
		"drop function whole(int);"
		"create or replace function whole(cents bigint) returns bigint language sql as "
		"'select cents / 100'");
	must_migrate(f, "applied " SECOND "\nreplaced 1 functions and 1 shapes\n");
	assert_string_equal(value(f, "select amount from thing_shape"), "1");
}

static void test_shape_lost_to_a_migration_comes_back(void **state)
{
	struct fixture *f = *state;
	basic_schema(f);
	assert_true(migrate(f));
	put(f->schema.migrations, SECOND,
		"drop view thing_shape; alter table things add note text");
	assert_true(migrate(f));
	assert_string_equal(value(f, "select amount from thing_shape"), "1");
}

static void test_changed_shape_and_function(void **state)
{
	struct fixture *f = *state;
	basic_schema(f);
	assert_true(migrate(f));
	put(f->schema.shapes, "sql/shapes/thing.sql",
		"create view thing_shape as select 'other' as amount, id from things");
	put(f->schema.shapes, "sql/shapes/z.sql",
		"create view z_shape as select * from thing_shape");
	must_migrate(f, "replaced 1 functions and 2 shapes\n");
	assert_string_equal(value(f, "select amount from z_shape"), "other");
	put(f->schema.shapes, "sql/shapes/thing.sql",
		"create view thing_shape as select 'third' as amount from things");
	assert_true(migrate(f));
	assert_string_equal(value(f, "select amount from z_shape"), "third");
}

static void test_removed_shape_goes(void **state)
{
	struct fixture *f = *state;
	basic_schema(f);
	assert_true(migrate(f));
	f->schema.shapes[0] = (struct embedded_file){ 0 };
	must_migrate(f, "replaced 1 functions and 0 shapes\n");
	assert_null(value(f, "select amount from thing_shape"));
}

/* ---- refused ---- */

static void test_edited_migration(void **state)
{
	struct fixture *f = *state;
	basic_schema(f);
	assert_true(migrate(f));
	put(f->schema.migrations, FIRST, TABLES " ");
	must_fail(f, FIRST ": was edited after it was applied");
}

static void test_older_program(void **state)
{
	struct fixture *f = *state;
	basic_schema(f);
	put(f->schema.migrations, SECOND, "select 1");
	assert_true(migrate(f));
	f->schema.migrations[1] = (struct embedded_file){ 0 };
	must_fail(f, SECOND ": was applied by another version");
}

static void test_migration_slipped_in_below(void **state)
{
	struct fixture *f = *state;
	put(f->schema.migrations, SECOND, "select 1");
	assert_true(migrate(f));
	f->schema.migrations[0] = (struct embedded_file){ 0 };
	put(f->schema.migrations, FIRST, "select 1");
	put(f->schema.migrations, SECOND, "select 1");
	must_fail(f, FIRST ": is older than a migration that was applied");
}

static void test_failing_migration_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	basic_schema(f);
	put(f->schema.migrations, SECOND, "create table half (id int); select no_such_column");
	must_fail(f, SECOND ": ERROR: column \"no_such_column\" does not exist");
	assert_string_equal(value(f, "select to_regclass('half') is null"), "t");
	assert_string_equal(value(f, "select count(*) from schema_migrations"), "1");
	put(f->schema.migrations, SECOND, "create table half (id int)");
	assert_true(migrate(f));
}

static void test_failing_shape_keeps_the_old_ones(void **state)
{
	struct fixture *f = *state;
	basic_schema(f);
	assert_true(migrate(f));
	put(f->schema.shapes, "sql/shapes/z.sql", "create view z_shape as select no_such_column");
	must_fail(f, "sql/shapes/z.sql: ERROR");
	assert_string_equal(value(f, "select amount from thing_shape"), "1");
}

static void test_file_that_commits(void **state)
{
	struct fixture *f = *state;
	basic_schema(f);
	put(f->schema.migrations, SECOND, "create table half (id int); commit");
	must_fail(f, SECOND ": the file ends the transaction it runs in");
}

static void test_no_database(void **state)
{
	struct fixture *f = *state;
	struct schema_files files = files_of(&f->schema);
	assert_false(migrate_files("host=127.0.0.1 port=1", &files, &f->report, &f->error));
	assert_non_null(strstr(f->error.bytes, "cannot connect to the database"));
}

/* ---- two at once ---- */

struct instance {
	struct fixture *f;
	pthread_t thread;
	struct text report, error;
	bool ok;
};

static void *migrate_instance(void *argument)
{
	struct instance *instance = argument;
	struct schema_files files = files_of(&instance->f->schema);
	instance->ok = migrate_files(
		instance->f->cluster.url, &files, &instance->report, &instance->error);
	return NULL;
}

static void test_instances_that_start_together(void **state)
{
	struct fixture *f = *state;
	basic_schema(f);
	struct instance instances[4] = { 0 };
	int applied = 0;
	for (int i = 0; i < 4; i++) {
		instances[i].f = f;
		assert_int_equal(
			pthread_create(&instances[i].thread, NULL, migrate_instance, &instances[i]),
			0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(instances[i].thread, NULL);
		assert_true(instances[i].ok);
		applied += strstr(instances[i].report.bytes, "applied") != NULL;
		text_release(&instances[i].report);
		text_release(&instances[i].error);
	}
	assert_int_equal(applied, 1);
}

/* ---- is it ours? ---- */

static bool is_current(struct fixture *f)
{
	const struct settings settings = { .database_url = f->cluster.url,
		.database_connections = 1,
		.database_wait_ms = 5000,
		.statement_timeout_ms = 5000,
		.prepared_statements = true };
	struct db *db = db_open(&settings);
	struct schema_files files = files_of(&f->schema);
	text_clear(&f->error);
	bool current = schema_is_current(db, &files, &f->error);
	db_close(db);
	return current;
}

static void test_current_schema(void **state)
{
	struct fixture *f = *state;
	basic_schema(f);
	assert_false(is_current(f));
	assert_true(f->error.length > 0);
	assert_true(migrate(f));
	assert_true(is_current(f));
	put(f->schema.migrations, SECOND, "select 1");
	assert_false(is_current(f));
	assert_string_equal(f->error.bytes, "'" SECOND "' has not been applied");
	assert_true(migrate(f));
	assert_true(is_current(f));
}

static void test_schema_of_another_version(void **state)
{
	struct fixture *f = *state;
	basic_schema(f);
	put(f->schema.migrations, SECOND, "select 1");
	assert_true(migrate(f));
	f->schema.migrations[1] = (struct embedded_file){ 0 };
	put(f->schema.functions, "sql/functions/whole.sql", "select 1");
	assert_false(is_current(f));
	assert_string_equal(f->error.bytes,
		"'sql/functions/whole.sql' differs from the one that was applied; '" SECOND
		"' is not part of this version");
}

/* ---- set-up ---- */

static int open_fixture(void **state)
{
	log_set_level(LOG_OFF);
	if (!cluster_is_there())
		return 0;
	struct fixture *f = calloc(1, sizeof(*f));
	f->cluster = cluster_open("migrate");
	f->pg = PQconnectdb(f->cluster.url);
	cluster_run(f->pg, "set client_min_messages = warning");
	*state = f;
	return 0;
}

static int close_fixture(void **state)
{
	struct fixture *f = *state;
	if (!f)
		return 0;
	PQfinish(f->pg);
	cluster_close(&f->cluster);
	text_release(&f->report);
	text_release(&f->error);
	free(f);
	return 0;
}

static int set_up(void **state)
{
	struct fixture *f = *state;
	if (!f)
		return 0;
	f->schema = (struct schema){ 0 };
	cluster_run(f->pg, "drop schema public cascade; create schema public;"
			   " grant usage on schema public to partnerd_app");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	return 0;
}

#define TESTS(X)                                     \
	X(test_everything_at_once_then_nothing)      \
	X(test_next_migration)                       \
	X(test_shape_lost_to_a_migration_comes_back) \
	X(test_changed_shape_and_function)           \
	X(test_removed_shape_goes)                   \
	X(test_edited_migration)                     \
	X(test_older_program)                        \
	X(test_migration_slipped_in_below)           \
	X(test_failing_migration_leaves_nothing)     \
	X(test_failing_shape_keeps_the_old_ones)     \
	X(test_file_that_commits)                    \
	X(test_no_database)                          \
	X(test_instances_that_start_together)        \
	X(test_current_schema)                       \
	X(test_schema_of_another_version)

TESTS(AGAINST_CLUSTER)

int main(void)
{
	const struct CMUnitTest tests[] = { TESTS(UNIT_TEST) };
	return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
