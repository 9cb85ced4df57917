/* SPDX-License-Identifier: Apache-2.0 */
/* Refusals: the first wins, violations are all told, texts stay valid when they are cut. */
#include "base/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/text.h"

static void every_row_reads_back_from_its_code(void **state)
{
	(void)state;
	for (int i = 0; i < PROBLEM_COUNT; i++) {
		enum problem_code code = (enum problem_code)i;
		enum problem_code parsed = PROBLEM_COUNT;

		assert_true(problem_code_parse(problem_code_text(code), &parsed));
		assert_int_equal(parsed, code);
		assert_in_range(problem_status(code), 400, 599);
		assert_true(strlen(problem_title(code)) > 0);
	}
}

static void codes_are_spelt_as_on_the_wire(void **state)
{
	enum problem_code code = PROBLEM_internal;

	(void)state;
	assert_string_equal(problem_code_text(PROBLEM_invalid_transition), "invalid_transition");
	assert_int_equal(problem_status(PROBLEM_precondition_required), 428);
	assert_string_equal(problem_title(PROBLEM_not_found), "Not found");
	assert_string_equal(violation_code_text(VIOLATION_unknown_field), "unknown_field");
	assert_string_equal(violation_code_text(VIOLATION_inconsistent), "inconsistent");
	assert_false(problem_code_parse("", &code));
	assert_false(problem_code_parse("Not_found", &code));
	assert_int_equal(code, PROBLEM_internal);
}

static void the_first_refusal_wins(void **state)
{
	struct problem problem = PROBLEM_INIT;

	(void)state;
	assert_false(problem.is_set);
	assert_false(problem_set(&problem, PROBLEM_not_found, "No deal %d.", 7));
	assert_false(problem_set(&problem, PROBLEM_internal, "Something else."));
	assert_true(problem.is_set);
	assert_int_equal(problem.code, PROBLEM_not_found);
	assert_string_equal(problem.detail, "No deal 7.");
}

static void the_first_cause_is_kept_for_the_log(void **state)
{
	struct problem problem = PROBLEM_INIT;

	(void)state;
	problem_cause(&problem, "errno %d", 5);
	problem_cause(&problem, "consequence");
	assert_string_equal(problem.cause, "errno 5");
	assert_false(problem.is_set);
	assert_string_equal(problem.detail, "");
}

static void violations_are_copied_and_make_a_validation_failure(void **state)
{
	struct arena *arena = arena_new();
	struct problem problem = PROBLEM_INIT;
	char where[] = "#/amount/currency";

	(void)state;
	problem_add(&problem, arena, PLACE_POINTER, where, VIOLATION_invalid_choice,
		"%s is no currency.", "EUX");
	memset(where, 'x', sizeof(where) - 1);
	assert_int_equal(problem.code, PROBLEM_validation_failed);
	assert_true(problem.is_set);
	assert_true(strlen(problem.detail) > 0);
	assert_int_equal(problem.violation_count, 1);
	assert_int_equal(problem.violations[0].place, PLACE_POINTER);
	assert_int_equal(problem.violations[0].code, VIOLATION_invalid_choice);
	assert_string_equal(problem.violations[0].where, "#/amount/currency");
	assert_string_equal(problem.violations[0].detail, "EUX is no currency.");
	arena_free(arena);
}

static void violations_may_belong_to_another_problem(void **state)
{
	struct arena *arena = arena_new();
	struct problem problem = PROBLEM_INIT;

	(void)state;
	problem_set(&problem, PROBLEM_unknown_parameter, "There is no such parameter.");
	problem_add(&problem, arena, PLACE_PARAMETER, "limti", VIOLATION_unknown_field, "Unknown.");
	assert_int_equal(problem.code, PROBLEM_unknown_parameter);
	assert_int_equal(problem.violation_count, 1);
	arena_free(arena);
}

static void violations_past_the_room_are_dropped(void **state)
{
	struct arena *arena = arena_new();
	struct problem problem = PROBLEM_INIT;

	(void)state;
	for (int i = 0; i < PROBLEM_MAX_VIOLATIONS + 5; i++)
		problem_add(&problem, arena, PLACE_POINTER, "#/a", VIOLATION_required, "%d", i);
	assert_int_equal(problem.violation_count, PROBLEM_MAX_VIOLATIONS);
	assert_string_equal(problem.violations[PROBLEM_MAX_VIOLATIONS - 1].detail, "19");
	arena_free(arena);
}

/* Characters of one to four bytes, at every distance from the end of the room. */
static void long_texts_are_cut_between_characters(void **state)
{
	static const char *const characters[] = { "x", "\xc3\xa9", "\xe2\x82\xac",
		"\xf0\x9f\x98\x80" };

	(void)state;
	for (size_t kind = 0; kind < 4; kind++) {
		for (int shift = 0; shift < 4; shift++) {
			struct problem problem = PROBLEM_INIT;
			struct text text = TEXT_INIT;
			size_t size = strlen(characters[kind]);
			size_t room = PROBLEM_DETAIL_BYTES - 1 - (size_t)shift;

			for (int i = 0; i < PROBLEM_DETAIL_BYTES; i++)
				text_append_string(&text, characters[kind]);
			problem_set(
				&problem, PROBLEM_conflict, "%.*s%s", shift, "abcd", text.bytes);
			assert_true(utf8_is_valid(problem.detail, strlen(problem.detail)));
			assert_int_equal(
				strlen(problem.detail), (size_t)shift + room / size * size);
			text_release(&text);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_reads_back_from_its_code),
		cmocka_unit_test(codes_are_spelt_as_on_the_wire),
		cmocka_unit_test(the_first_refusal_wins),
		cmocka_unit_test(the_first_cause_is_kept_for_the_log),
		cmocka_unit_test(violations_are_copied_and_make_a_validation_failure),
		cmocka_unit_test(violations_may_belong_to_another_problem),
		cmocka_unit_test(violations_past_the_room_are_dropped),
		cmocka_unit_test(long_texts_are_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
