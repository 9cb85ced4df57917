/* SPDX-License-Identifier: Apache-2.0 */
/* The product's own schema in a real database: migrated, current, every statement and every
 * constraint accounted for. */
#include "cluster.h"
#include "db/internal.h"

#include "base/log.h"

struct fixture {
	struct cluster cluster;
	PGconn *pg;
	struct settings settings;
	struct db *db;
	struct text error;
};

static void test_schema_is_current(void **state)
{
	struct fixture *f = *state;
	if (!db_schema_is_current(f->db, &f->error))
		fail_msg("%s", f->error.bytes);
	assert_true(db_ping(f->db, 5000));
}

static void test_every_statement_plans(void **state)
{
	struct fixture *f = *state;
	assert_true(statement_count() > 0);
	if (!db_check_statements(f->db, NULL, 0, &f->error))
		fail_msg("%s", f->error.bytes);
}

static void test_every_constraint_is_mapped(void **state)
{
	struct fixture *f = *state;
	if (!db_check_constraints(f->db, &f->error))
		fail_msg("%s", f->error.bytes);
}

static void test_bad_statements_are_named(void **state)
{
	struct fixture *f = *state;
	static const struct statement good = { "good",
		"select s.id from deal_shape s where s.id = $1", "u" };
	static const struct statement no_column = { "no_column", "select nothing from deals", "" };
	static const struct statement no_type = { "no_type", "select $1", "?" };
	static const struct statement not_ours = { "not_ours", "delete from audit_entries", "" };
	const struct statement *const extra[] = { &good, &no_column, &no_type, &not_ours, &good };
	assert_false(db_check_statements(f->db, extra, 5, &f->error));
	assert_null(strstr(f->error.bytes, "'good'"));
	assert_non_null(strstr(
		f->error.bytes, "'no_column' fails: ERROR: column \"nothing\" does not exist"));
	assert_non_null(strstr(f->error.bytes, "'no_type' has a parameter of unknown type"));
	assert_non_null(strstr(f->error.bytes, "'not_ours' fails: ERROR: permission denied"));
}

static void test_new_and_lost_constraints_are_named(void **state)
{
	struct fixture *f = *state;
	cluster_run(f->pg,
		"create table extra (id int constraint extra_pkey primary key, name text);"
		"create unique index extra_name on extra (name);"
		"alter table users drop constraint users_email_check");
	assert_false(db_check_constraints(f->db, &f->error));
	static const char *const expected[] = {
		"'extra_name' has no row in src/db/sqlstate.c",
		"'extra_pkey' has no row in src/db/sqlstate.c",
		"'users_email_check' is mapped and does not exist",
	};
	for (size_t i = 0; i < 3; i++)
		assert_non_null(strstr(f->error.bytes, expected[i]));
}

static void test_other_schema_is_not_ready(void **state)
{
	struct fixture *f = *state;
	cluster_run(f->pg, "update schema_migrations set sha256 = 'other'");
	assert_false(db_ping(f->db, 5000));
	assert_false(db_schema_is_current(f->db, &f->error));
	assert_non_null(strstr(f->error.bytes, "differs from the one that was applied"));
	cluster_run(f->pg, "drop table schema_migrations");
	assert_false(db_ping(f->db, 5000));
	text_clear(&f->error);
	assert_false(db_schema_is_current(f->db, &f->error));
	assert_non_null(strstr(f->error.bytes, "schema_migrations"));
}

static int set_up(void **state)
{
	log_set_level(LOG_OFF);
	if (!cluster_is_there())
		return 0;
	struct fixture *f = calloc(1, sizeof(*f));
	f->cluster = cluster_open("check");
	f->pg = PQconnectdb(f->cluster.url);
	f->settings = (struct settings){ .database_url = f->cluster.url,
		.database_connections = 2,
		.database_wait_ms = 5000,
		.statement_timeout_ms = 5000,
		.prepared_statements = true };
	f->db = db_open(&f->settings);
	struct text report = TEXT_INIT;
	if (!db_migrate(f->cluster.url, &report, &f->error))
		fail_msg("%s", f->error.bytes);
	text_release(&report);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	if (!f)
		return 0;
	db_close(f->db);
	PQfinish(f->pg);
	cluster_close(&f->cluster);
	text_release(&f->error);
	free(f);
	return 0;
}

#define TESTS(X)                                   \
	X(test_schema_is_current)                  \
	X(test_every_statement_plans)              \
	X(test_every_constraint_is_mapped)         \
	X(test_bad_statements_are_named)           \
	X(test_new_and_lost_constraints_are_named) \
	X(test_other_schema_is_not_ready)

TESTS(AGAINST_CLUSTER)

int main(void)
{
	const struct CMUnitTest tests[] = { TESTS(UNIT_TEST) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
