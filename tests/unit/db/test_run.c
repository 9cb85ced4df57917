/* SPDX-License-Identifier: Apache-2.0 */
/* Batches against a real PostgreSQL: rows, walls, transactions, kinds of failure, prepared
 * statements, unprepared mode. */
#include "fixture.h"

/* ---- rows and walls ---- */

static void test_rows_of_several_calls(void **state)
{
	struct fixture *f = *state;
	start(f);
	add_thing(f, "1", "a@example.com");
	add_thing(f, "2", "b@example.com");
	struct db_call *count = db_add(&f->batch, &count_things);
	assert_int_equal(run(f), DB_NONE);
	assert_false(f->problem.is_set);
	assert_int_equal(rows_int(f->batch.calls[0].rows, "id"), 1);
	assert_int_equal(rows_int(f->batch.calls[1].rows, "id"), 2);
	assert_int_equal(rows_int(count->rows, "n"), 2);
	assert_int_equal(rows_column_type(count->rows, 0), 'i');
	assert_int_equal(things(f), 2);
}

static void test_parameters_travel_as_they_are(void **state)
{
	struct fixture *f = *state;
	static const struct statement echo = { "echo",
		"select $1 as u, $2 as t, $3->>'k' as j, $4 + 1 as i, $5 as b, $6 as z, $7 as d, "
		"$8[2] as \"T\", $9::text as nothing",
		"utjibzdTt" };
	struct db_call *call = db_add(start(f), &echo);
	const char *params[] = { PROGRAM, "it's \"ü\" \\", "{\"k\": \"v\"}", "9007199254740991",
		"true", "2026-03-30T11:30:00+02:00", "2026-02-28", "{a,\"b,c\"}" };
	memcpy(call->params, params, sizeof(params));
	assert_int_equal(run(f), DB_NONE);
	assert_string_equal(rows_text(call->rows, "u"), PROGRAM);
	assert_string_equal(rows_text(call->rows, "t"), "it's \"ü\" \\");
	assert_string_equal(rows_text(call->rows, "j"), "v");
	assert_int_equal(rows_int(call->rows, "i"), INT64_C(9007199254740992));
	assert_true(rows_bool(call->rows, "b"));
	assert_int_equal(rows_time(call->rows, "z"), INT64_C(1774863000000000));
	assert_string_equal(rows_text(call->rows, "d"), "2026-02-28");
	assert_string_equal(rows_text(call->rows, "T"), "b,c");
	assert_null(rows_text(call->rows, "nothing"));
}

static void test_walls(void **state)
{
	struct fixture *f = *state;
	struct rows *vendor = run_one(f, &session);
	assert_string_equal(rows_text(vendor, "role"), "partnerd_app");
	assert_string_equal(rows_text(vendor, "program"), PROGRAM);
	assert_string_equal(rows_text(vendor, "partner"), "*");
	assert_string_equal(rows_text(vendor, "door"), "");
	struct db_call *partner = db_add(start(f), &session);
	f->batch.door = DOOR_PARTNER;
	f->batch.partner_id = PARTNER;
	assert_int_equal(run(f), DB_NONE);
	assert_string_equal(rows_text(partner->rows, "partner"), PARTNER);
}

static void test_identity_door_leaves_nothing_behind(void **state)
{
	struct fixture *f = *state;
	run_one(f, &session);
	struct db_call *identity = db_add(start(f), &session);
	f->batch.door = DOOR_IDENTITY;
	f->batch.program_id = NULL;
	assert_int_equal(run(f), DB_NONE);
	assert_string_equal(rows_text(identity->rows, "door"), "identity");
	assert_string_equal(rows_text(identity->rows, "program"), "");
	assert_string_equal(rows_text(identity->rows, "partner"), "");
	struct rows *tenant = run_one(f, &session);
	assert_string_equal(rows_text(tenant, "door"), "");
	assert_string_equal(rows_text(tenant, "program"), PROGRAM);
}

/* Whatever is forgotten, nothing is asked; least of all on everybody's behalf. */
static void test_a_door_needs_all_that_it_asks_for(void **state)
{
	struct fixture *f = *state;
	static const struct db_batch cases[] = {
		{ .program_id = PROGRAM },
		{ .program_id = PROGRAM, .partner_id = PARTNER },
		{ .door = DOOR_PROGRAM },
		{ .door = DOOR_PROGRAM, .program_id = PROGRAM, .partner_id = PARTNER },
		{ .door = DOOR_PARTNER, .program_id = PROGRAM },
		{ .door = DOOR_PARTNER, .partner_id = PARTNER },
		{ .door = DOOR_IDENTITY, .partner_id = PARTNER },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		start(f);
		f->batch = cases[i];
		f->batch.arena = f->arena;
		const struct db_call *call = db_add(&f->batch, &count_things);
		assert_int_equal(run(f), DB_BROKEN);
		assert_int_equal(f->problem.code, PROBLEM_internal);
		assert_null(call->rows);
	}
}

static void test_session_settings(void **state)
{
	struct fixture *f = *state;
	struct rows *rows = run_one(f, &session);
	assert_string_equal(rows_text(rows, "zone"), "UTC");
	assert_string_equal(rows_text(rows, "timeout"), "20s");
	assert_string_equal(rows_text(rows, "path"), "public");
}

/* ---- transactions ---- */

static void test_failure_in_the_middle_undoes_all(void **state)
{
	struct fixture *f = *state;
	start(f);
	f->batch.is_write = true;
	add_thing(f, "1", "a@example.com");
	add_thing(f, "2", "a@example.com");
	add_thing(f, "3", "c@example.com");
	assert_int_equal(run(f), DB_REFUSED);
	assert_int_equal(f->problem.code, PROBLEM_already_exists);
	assert_non_null(strstr(f->problem.cause, "23505 in insert_thing"));
	for (size_t i = 0; i < 3; i++)
		assert_null(f->batch.calls[i].rows);
	assert_int_equal(things(f), 0);
}

static void test_rollback_shows_rows_and_keeps_none(void **state)
{
	struct fixture *f = *state;
	start(f);
	f->batch.rollback = f->batch.is_write = true;
	add_thing(f, "1", "a@example.com");
	struct db_call *count = db_add(&f->batch, &count_things);
	assert_int_equal(run(f), DB_NONE);
	assert_int_equal(rows_int(count->rows, "n"), 1);
	assert_int_equal(things(f), 0);
}

static void test_rollback_after_failure_leaves_a_clean_session(void **state)
{
	struct fixture *f = *state;
	start(f);
	f->batch.rollback = true;
	add_thing(f, "1", "a@example.com");
	add_thing(f, "1", "b@example.com");
	assert_int_equal(run(f), DB_BROKEN); /* deals_pkey */
	start(f);
	add_thing(f, "1", "a@example.com");
	assert_int_equal(run(f), DB_NONE);
	assert_int_equal(things(f), 1);
	struct db_usage usage;
	db_usage(f->db, &usage);
	assert_int_equal(usage.reconnects_total, 0);
}

static void add_orphan(struct fixture *f, bool rollback)
{
	start(f);
	f->batch.is_write = true;
	f->batch.rollback = rollback;
	db_add(&f->batch, &insert_part)->params[0] = "99";
	add_thing(f, "1", "a@example.com");
}

static void test_commit_that_fails_is_a_failure(void **state)
{
	struct fixture *f = *state;
	add_orphan(f, /* rollback = */ false);
	assert_int_equal(run(f), DB_REFUSED);
	assert_int_equal(f->problem.code, PROBLEM_validation_failed);
	assert_string_equal(f->problem.violations[0].where, "#/partner_id");
	assert_null(f->batch.calls[1].rows);
	assert_int_equal(things(f), 0);
}

static void test_dry_run_sees_what_commit_would_refuse(void **state)
{
	struct fixture *f = *state;
	add_orphan(f, /* rollback = */ true);
	assert_int_equal(run(f), DB_REFUSED);
	assert_int_equal(f->problem.violations[0].code, VIOLATION_reference_not_found);
	assert_int_equal(things(f), 0);
}

/* ---- failures by kind ---- */

static enum db_failure refused_with(struct fixture *f, const char *sqlstate)
{
	db_add(start(f), &refuse)->params[0] = sqlstate;
	f->batch.is_write = true;
	return run(f);
}

static void test_raised_states(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(refused_with(f, "PD000"), DB_WORLD_MOVED);
	assert_int_equal(refused_with(f, "PD002"), DB_UNCHANGED);
	assert_int_equal(f->problem.code, PROBLEM_conflict);
	assert_int_equal(refused_with(f, "PD001"), DB_KEY_IN_PROGRESS);
	assert_int_equal(f->problem.code, PROBLEM_idempotency_in_progress);
	assert_int_equal(refused_with(f, "55P03"), DB_UNAVAILABLE);
	assert_int_equal(refused_with(f, "XX001"), DB_BROKEN);
	assert_int_equal(refused_with(f, "22003"), DB_REFUSED);
}

static void test_taken_idempotency_key(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < 2; i++) {
		db_add(start(f), &insert_key)->params[0] = "k";
		assert_int_equal(run(f), i == 0 ? DB_NONE : DB_KEY_TAKEN);
	}
}

static void test_our_own_fault(void **state)
{
	struct fixture *f = *state;
	static const struct statement no_table = { "no_table", "select * from no_such_table", "" };
	static const struct statement no_type = { "no_type", "select $1", "?" };
	db_add(start(f), &no_table);
	assert_int_equal(run(f), DB_BROKEN);
	assert_int_equal(f->problem.code, PROBLEM_internal);
	assert_null(strstr(f->problem.detail, "no_such_table"));
	db_add(start(f), &no_type);
	assert_int_equal(run(f), DB_BROKEN);
	assert_non_null(strstr(f->problem.cause, "no_type"));
	assert_int_equal(things(f), 0);
}

static void test_bad_value_is_a_refusal(void **state)
{
	struct fixture *f = *state;
	start(f);
	add_thing(f, "not a number", "a@example.com");
	assert_int_equal(run(f), DB_REFUSED);
	assert_int_equal(f->problem.code, PROBLEM_validation_failed);
	assert_int_equal(things(f), 0);
}

static void test_statement_timeout(void **state)
{
	struct fixture *f = *state;
	f->settings.statement_timeout_ms = 100;
	reopen(f);
	db_add(start(f), &nap);
	assert_int_equal(run(f), DB_TIMEOUT);
	assert_int_equal(f->problem.code, PROBLEM_timeout);
	assert_int_equal(things(f), 0);
}

static void test_server_that_does_not_answer(void **state)
{
	struct fixture *f = *state;
	db_add(start(f), &nap);
	f->batch.is_write = true;
	const struct run_limits limits = { .wait_ms = 1000, .answer_ms = 50 };
	assert_int_equal(db_run_within(f->db, &f->batch, &limits, &f->problem), DB_UNAVAILABLE);
	assert_non_null(strstr(f->problem.cause, "did not answer in time"));
	assert_int_equal(things(f), 0);
}

static void test_serialization_failures_are_tried_again(void **state)
{
	struct fixture *f = *state;
	struct db_call *call = db_add(start(f), &refuse_first);
	f->batch.is_write = true;
	call->params[0] = "40001";
	call->params[1] = "3";
	assert_int_equal(run(f), DB_NONE);
	assert_int_equal(rows_int(call->rows, "call"), 4);
	assert_int_equal(refused_with(f, "40P01"), DB_UNAVAILABLE);
	assert_int_equal(f->problem.retry_after_s, 1);
	assert_non_null(strstr(f->problem.cause, "refused 8")); /* four tries, no more */
}

/* ---- a session that ends ---- */

/* The first `up_to` inserts are refused when the transaction ends, as if the session had ended
 * then.
 */
static const char refuse_at_commit[] =
	"create function refuse_late() returns trigger language plpgsql security definer as"
	" $$ begin perform refuse(tg_argv[0], tg_argv[1]::bigint); return null; end $$;"
	"create constraint trigger late after insert on things deferrable initially deferred"
	" for each row execute function refuse_late('57P01', 1)";

static enum db_failure add_one(struct fixture *f, bool is_write, bool rollback)
{
	start(f);
	f->batch.is_write = is_write;
	f->batch.rollback = rollback;
	add_thing(f, "1", "a@example.com");
	return run(f);
}

static void test_write_ended_at_its_commit_is_not_run_again(void **state)
{
	struct fixture *f = *state;
	cluster_run(f->pg, refuse_at_commit);
	assert_int_equal(add_one(f, /* is_write = */ true, /* rollback = */ false), DB_UNAVAILABLE);
	assert_int_equal(f->problem.retry_after_s, 1);
	assert_non_null(strstr(f->problem.cause, "57P01 in commit"));
	assert_int_equal(things(f), 0);
	assert_int_equal(add_one(f, /* is_write = */ true, /* rollback = */ false), DB_NONE);
}

static void test_what_was_not_committed_is_run_again(void **state)
{
	struct fixture *f = *state;
	cluster_run(f->pg, refuse_at_commit);
	assert_int_equal(add_one(f, /* is_write = */ true, /* rollback = */ true), DB_NONE);
	cluster_run(f->pg, "alter sequence calls restart");
	assert_int_equal(add_one(f, /* is_write = */ false, /* rollback = */ false), DB_NONE);
	cluster_run(f->pg, "alter sequence calls restart");
	struct db_call *call = db_add(start(f), &refuse_first);
	f->batch.is_write = true;
	call->params[0] = "57P01";
	call->params[1] = "1";
	assert_int_equal(run(f), DB_NONE);
	assert_int_equal(rows_int(call->rows, "call"), 2);
}

static void test_write_lost_by_a_pooler_is_not_run_again(void **state)
{
	struct fixture *f = *state;
	for (int is_write = 0; is_write < 2; is_write++) {
		cluster_run(f->pg, "alter sequence calls restart");
		struct db_call *call = db_add(start(f), &refuse_first);
		f->batch.is_write = is_write;
		call->params[0] = "08P01";
		call->params[1] = "1";
		assert_int_equal(run(f), is_write ? DB_UNAVAILABLE : DB_NONE);
	}
}

/* ---- prepared statements ---- */

static void test_failed_prepare_is_not_remembered(void **state)
{
	struct fixture *f = *state;
	static const struct statement late = { "late", "select count(*) as n from late", "" };
	static const struct statement after = { "after", "select 5 as n", "" };
	start(f);
	db_add(&f->batch, &late);
	db_add(&f->batch, &after);
	assert_int_equal(run(f), DB_BROKEN);
	assert_int_equal(rows_int(run_one(f, &after), "n"), 5);
	cluster_run(f->pg, "create table late (); grant select on late to partnerd_app");
	assert_int_equal(rows_int(run_one(f, &late), "n"), 0);
	assert_int_equal(rows_int(run_one(f, &after), "n"), 5);
}

static void test_same_statement_twice_in_its_first_batch(void **state)
{
	struct fixture *f = *state;
	static const struct statement twice = { "twice", "select $1 as n", "i" };
	start(f);
	for (int i = 0; i < 3; i++)
		db_add(&f->batch, &twice)->params[0] = i == 0 ? "10" : "20";
	assert_int_equal(run(f), DB_NONE);
	assert_int_equal(rows_int(f->batch.calls[0].rows, "n"), 10);
	assert_int_equal(rows_int(f->batch.calls[2].rows, "n"), 20);
}

static void test_prepared_statements_vanish(void **state)
{
	struct fixture *f = *state;
	static const struct statement deallocate = { "deallocate", "deallocate all", "" };
	assert_int_equal(things(f), 0);
	run_one(f, &deallocate);
	start(f);
	f->batch.is_write = true;
	add_thing(f, "1", "a@example.com");
	assert_int_equal(run(f), DB_NONE);
	assert_int_equal(things(f), 1);
}

static void test_prepared_statement_exists_already(void **state)
{
	struct fixture *f = *state;
	static const struct statement prepare = { "prepare_other", "prepare other as select 1",
		"" };
	static const struct statement other = { "other", "select 2 as n", "" };
	run_one(f, &prepare);
	assert_int_equal(rows_int(run_one(f, &other), "n"), 2);
}

static void test_result_type_changes(void **state)
{
	struct fixture *f = *state;
	static const struct statement all = { "all_things", "select * from things", "" };
	assert_int_equal(rows_columns(run_one(f, &all)), 2);
	cluster_run(f->pg, "alter table things add column extra int");
	assert_int_equal(rows_columns(run_one(f, &all)), 3);
}

static void test_prepared_statements_are_bounded(void **state)
{
	struct fixture *f = *state;
	for (int i = 0; i < PREPARED_MAX + 20; i++) {
		char sql[40];
		snprintf(sql, sizeof(sql), "select %d as n", i);
		assert_int_equal(rows_int(run_one(f, statement_intern("many", sql, "")), "n"), i);
	}
	assert_true(rows_int(run_one(f, &session), "prepared") < 50);
}

static void test_statement_without_a_name_is_not_prepared(void **state)
{
	struct fixture *f = *state;
	static const struct statement unnamed = { "", "select $1 as n", "i" };
	int64_t before = rows_int(run_one(f, &session), "prepared");
	start(f);
	db_add(&f->batch, &unnamed)->params[0] = "10";
	db_add(&f->batch, &unnamed)->params[0] = "20";
	assert_int_equal(run(f), DB_NONE);
	assert_int_equal(rows_int(f->batch.calls[0].rows, "n"), 10);
	assert_int_equal(rows_int(f->batch.calls[1].rows, "n"), 20);
	assert_int_equal(rows_int(run_one(f, &session), "prepared"), before);
}

/* ---- behind a transaction pooler ---- */

static void test_unprepared_mode(void **state)
{
	struct fixture *f = *state;
	f->settings.prepared_statements = false;
	reopen(f);
	struct rows *rows = run_one(f, &session);
	assert_string_equal(rows_text(rows, "role"), "partnerd_app");
	assert_string_equal(rows_text(rows, "program"), PROGRAM);
	assert_string_equal(rows_text(rows, "partner"), "*");
	assert_string_equal(rows_text(rows, "zone"), "UTC");
	assert_string_equal(rows_text(rows, "timeout"), "20s");
	assert_int_equal(rows_int(rows, "prepared"), 0);
	test_identity_door_leaves_nothing_behind(state);
}

static void test_unprepared_transactions(void **state)
{
	struct fixture *f = *state;
	f->settings.prepared_statements = false;
	reopen(f);
	test_failure_in_the_middle_undoes_all(state);
	test_rollback_shows_rows_and_keeps_none(state);
	test_commit_that_fails_is_a_failure(state);
	test_rows_of_several_calls(state);
}

static void test_unprepared_mode_sets_nothing_for_the_session(void **state)
{
	struct fixture *f = *state;
	const struct connect_options options = { .database_url = f->cluster.url,
		.statement_timeout_ms = 5 };
	struct text error = TEXT_INIT;
	struct connection *connection = connection_open(&options, &error);
	assert_non_null(connection);
	PQexitPipelineMode(connection->pg);
	PGresult *result = PQexec(connection->pg, "select current_user <> 'partnerd_app',"
						  " current_setting('statement_timeout') <> '5ms'");
	assert_string_equal(PQgetvalue(result, 0, 0), "t");
	assert_string_equal(PQgetvalue(result, 0, 1), "t");
	PQclear(result);
	connection_close(connection);
}

#define TESTS(X)                                              \
	X(test_rows_of_several_calls)                         \
	X(test_parameters_travel_as_they_are)                 \
	X(test_walls)                                         \
	X(test_identity_door_leaves_nothing_behind)           \
	X(test_a_door_needs_all_that_it_asks_for)             \
	X(test_session_settings)                              \
	X(test_failure_in_the_middle_undoes_all)              \
	X(test_rollback_shows_rows_and_keeps_none)            \
	X(test_rollback_after_failure_leaves_a_clean_session) \
	X(test_commit_that_fails_is_a_failure)                \
	X(test_dry_run_sees_what_commit_would_refuse)         \
	X(test_raised_states)                                 \
	X(test_taken_idempotency_key)                         \
	X(test_our_own_fault)                                 \
	X(test_bad_value_is_a_refusal)                        \
	X(test_statement_timeout)                             \
	X(test_server_that_does_not_answer)                   \
	X(test_serialization_failures_are_tried_again)        \
	X(test_write_ended_at_its_commit_is_not_run_again)    \
	X(test_what_was_not_committed_is_run_again)           \
	X(test_write_lost_by_a_pooler_is_not_run_again)       \
	X(test_failed_prepare_is_not_remembered)              \
	X(test_same_statement_twice_in_its_first_batch)       \
	X(test_prepared_statements_vanish)                    \
	X(test_prepared_statement_exists_already)             \
	X(test_result_type_changes)                           \
	X(test_prepared_statements_are_bounded)               \
	X(test_statement_without_a_name_is_not_prepared)      \
	X(test_unprepared_mode)                               \
	X(test_unprepared_transactions)                       \
	X(test_unprepared_mode_sets_nothing_for_the_session)

TESTS(AGAINST_CLUSTER)

int main(void)
{
	const struct CMUnitTest tests[] = { TESTS(UNIT_TEST) };
	return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
