/* SPDX-License-Identifier: Apache-2.0 */
/* What SQLSTATEs and constraint names become: failure kind, problem, violation, remedy. */
#include "db/internal.h"

#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static enum db_failure explain(struct arena *arena, const char *sqlstate, const char *constraint,
	struct problem *ret_problem)
{
	const struct failure failure = {
		.sqlstate = sqlstate,
		.constraint = constraint,
		.message = "a secret of the database",
		.statement = "deal_register",
	};
	*ret_problem = (struct problem)PROBLEM_INIT;
	return failure_explain(&failure, arena, ret_problem);
}

static void test_states(void **state)
{
	static const struct {
		const char *sqlstate;
		enum db_failure failure;
		enum problem_code code;
		int retry_after_s;
	} cases[] = {
		{ "PD000", DB_WORLD_MOVED, PROBLEM_conflict, 0 },
		{ "PD001", DB_KEY_IN_PROGRESS, PROBLEM_idempotency_in_progress, 1 },
		{ "40001", DB_UNAVAILABLE, PROBLEM_unavailable, 1 },
		{ "40P01", DB_UNAVAILABLE, PROBLEM_unavailable, 1 },
		{ "55P03", DB_UNAVAILABLE, PROBLEM_unavailable, 1 },
		{ "57014", DB_TIMEOUT, PROBLEM_timeout, 0 },
		{ "57P01", DB_UNAVAILABLE, PROBLEM_unavailable, 1 },
		{ "08006", DB_UNAVAILABLE, PROBLEM_unavailable, 1 },
		{ "25006", DB_UNAVAILABLE, PROBLEM_unavailable, 1 },
		{ "53300", DB_UNAVAILABLE, PROBLEM_unavailable, 1 },
		{ NULL, DB_UNAVAILABLE, PROBLEM_unavailable, 1 },
		{ "22001", DB_REFUSED, PROBLEM_validation_failed, 0 },
		{ "22P02", DB_REFUSED, PROBLEM_validation_failed, 0 },
		{ "23502", DB_REFUSED, PROBLEM_validation_failed, 0 },
		{ "42P01", DB_BROKEN, PROBLEM_internal, 0 },
		{ "42501", DB_BROKEN, PROBLEM_internal, 0 },
		{ "26000", DB_BROKEN, PROBLEM_internal, 0 },
		{ "P0001", DB_BROKEN, PROBLEM_internal, 0 },
		{ "XX000", DB_BROKEN, PROBLEM_internal, 0 },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct problem problem;
		assert_int_equal(
			explain(*state, cases[i].sqlstate, NULL, &problem), cases[i].failure);
		assert_true(problem.is_set);
		assert_int_equal(problem.code, cases[i].code);
		assert_int_equal(problem.retry_after_s, cases[i].retry_after_s);
		assert_int_equal(problem.violation_count, 0);
	}
}

static void test_cause_stays_inside(void **state)
{
	struct problem problem;
	explain(*state, "42P01", NULL, &problem);
	assert_null(strstr(problem.detail, "secret"));
	assert_string_equal(problem.cause, "42P01 in deal_register: a secret of the database");
}

static void test_taken_key(void **state)
{
	struct problem problem;
	assert_int_equal(explain(*state, "23505", "idempotency_keys_pkey", &problem), DB_KEY_TAKEN);
	assert_int_equal(problem.code, PROBLEM_conflict);
}

static void test_special_code(void **state)
{
	struct problem problem;
	assert_int_equal(explain(*state, "23505", "deal_external_ids_pkey", &problem), DB_REFUSED);
	assert_int_equal(problem.code, PROBLEM_duplicate_deal);
	assert_int_equal(problem.violation_count, 0);
	assert_int_equal(explain(*state, "23505", "users_email_key", &problem), DB_REFUSED);
	assert_int_equal(problem.code, PROBLEM_already_exists);
	assert_int_equal(problem.violation_count, 1);
	assert_int_equal(problem.violations[0].code, VIOLATION_not_unique);
	assert_string_equal(problem.violations[0].where, "#/email");
	assert_int_equal(explain(*state, "23514", "programs_test_now_check", &problem), DB_REFUSED);
	assert_int_equal(problem.code, PROBLEM_test_clock_unavailable);
}

static void test_reference(void **state)
{
	struct problem problem;
	assert_int_equal(explain(*state, "23503", "deals_partner_fkey", &problem), DB_REFUSED);
	assert_int_equal(problem.code, PROBLEM_validation_failed);
	assert_int_equal(problem.violation_count, 1);
	assert_int_equal(problem.violations[0].code, VIOLATION_reference_not_found);
	assert_int_equal(problem.violations[0].place, PLACE_POINTER);
	assert_string_equal(problem.violations[0].where, "#/partner_id");
}

static void test_check(void **state)
{
	struct problem problem;
	assert_int_equal(
		explain(*state, "23514", "tier_versions_margin_band_check", &problem), DB_REFUSED);
	assert_int_equal(problem.code, PROBLEM_validation_failed);
	assert_int_equal(problem.violations[0].code, VIOLATION_inconsistent);
	assert_string_equal(problem.violations[0].where, "#/margin_band");
}

static void test_constraint_no_input_can_reach(void **state)
{
	struct problem problem;
	assert_int_equal(explain(*state, "23505", "deals_pkey", &problem), DB_BROKEN);
	assert_int_equal(problem.code, PROBLEM_internal);
}

static void test_unknown_constraint_goes_by_class(void **state)
{
	struct problem problem;
	assert_int_equal(explain(*state, "23505", "new_table_key", &problem), DB_REFUSED);
	assert_int_equal(problem.code, PROBLEM_already_exists);
	assert_int_equal(explain(*state, "23503", "new_table_fkey", &problem), DB_REFUSED);
	assert_int_equal(problem.code, PROBLEM_validation_failed);
	assert_int_equal(explain(*state, "23P01", "new_table_excl", &problem), DB_REFUSED);
	assert_int_equal(problem.code, PROBLEM_conflict);
}

static void test_name_counts_in_its_class_only(void **state)
{
	struct problem problem;
	assert_int_equal(explain(*state, "42704", "users_email_key", &problem), DB_BROKEN);
}

static void test_first_refusal_wins(void **state)
{
	struct problem problem = PROBLEM_INIT;
	problem_set(&problem, PROBLEM_gone, "said before");
	const struct failure failure = { .sqlstate = "57P01" };
	assert_int_equal(failure_explain(&failure, *state, &problem), DB_UNAVAILABLE);
	assert_int_equal(problem.code, PROBLEM_gone);
	assert_int_equal(problem.retry_after_s, 0);
}

static void test_remedies(void **state)
{
	(void)state;
	static const struct {
		const char *sqlstate;
		enum remedy remedy;
	} cases[] = {
		{ "40001", REMEDY_AGAIN },
		{ "40P01", REMEDY_AGAIN },
		{ "40003", REMEDY_NONE },
		{ "26000", REMEDY_FORGET },
		{ "42P05", REMEDY_FORGET },
		{ "0A000", REMEDY_FORGET },
		{ NULL, REMEDY_RECONNECT },
		{ "57P02", REMEDY_RECONNECT },
		{ "08003", REMEDY_RECONNECT },
		{ "25006", REMEDY_RECONNECT },
		{ "57014", REMEDY_NONE },
		{ "23505", REMEDY_NONE },
		{ "PD000", REMEDY_NONE },
		{ "53300", REMEDY_NONE },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct failure failure = { .sqlstate = cases[i].sqlstate };
		assert_int_equal(failure_remedy(&failure), cases[i].remedy);
	}
}

/* A row with a pointer that is none, or without a sentence, would answer nonsense. */
static void test_every_row_makes_sense(void **state)
{
	static const char *const classes[] = { "23503", "23505", "23514" };
	for (size_t i = 0; i < constraint_count(); i++) {
		struct problem problem;
		explain(*state, classes[i % 3], constraint_name(i), &problem);
		assert_true(problem.is_set);
		assert_true(strlen(problem.detail) > 0);
		if (problem.violation_count == 0)
			continue;
		assert_memory_equal(problem.violations[0].where, "#/", 2);
		assert_true(strlen(problem.violations[0].detail) > 0);
	}
}

static void test_names_are_unique_and_sorted(void **state)
{
	(void)state;
	for (size_t i = 1; i < constraint_count(); i++)
		assert_true(strcmp(constraint_name(i - 1), constraint_name(i)) < 0);
}

static int set_up(void **state)
{
	log_set_level(LOG_OFF);
	*state = arena_new();
	return 0;
}

static int tear_down(void **state)
{
	arena_free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_cause_stays_inside),
		cmocka_unit_test(test_taken_key),
		cmocka_unit_test(test_special_code),
		cmocka_unit_test(test_reference),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_constraint_no_input_can_reach),
		cmocka_unit_test(test_unknown_constraint_goes_by_class),
		cmocka_unit_test(test_name_counts_in_its_class_only),
		cmocka_unit_test(test_first_refusal_wins),
		cmocka_unit_test(test_remedies),
		cmocka_unit_test(test_every_row_makes_sense),
		cmocka_unit_test(test_names_are_unique_and_sorted),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
