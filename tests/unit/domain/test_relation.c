/* SPDX-License-Identifier: Apache-2.0 */
/* The hierarchy, by its files of cases. */
#include "domain/relation.h"

#include "tsv.h"

#define NOW_US 1000

static const char *first_code(const struct problem *problem)
{
	return problem->violation_count > 0 ? violation_code_text(problem->violations[0].code)
					    : NULL;
}

static void beginnings_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("relation_begin.tsv");
	struct arena *arena = arena_new();

	(void)state;
	while (tsv_next(tsv)) {
		const struct relation_facts facts = {
			.child_status = tsv_text(tsv, "child"),
			.parent_status = tsv_text(tsv, "parent"),
			.parent_type = tsv_text(tsv, "parent_type"),
			.makes_circle = tsv_int(tsv, "circle") == 1,
			.now_us = NOW_US,
			.starts_us = tsv_int(tsv, "starts_us"),
			.ends_us = tsv_int(tsv, "ends_us"),
		};
		struct problem problem = PROBLEM_INIT;

		assert_int_equal(
			relation_begin(&facts, arena, &problem), tsv_int(tsv, "faults") == 0);
		tsv_expect_int(tsv, "faults", (int64_t)problem.violation_count);
		tsv_expect_text(tsv, "where",
			problem.violation_count > 0 ? problem.violations[0].where : NULL);
		tsv_expect_text(tsv, "code", first_code(&problem));
		arena_reset(arena);
	}
	arena_free(arena);
	tsv_close(tsv);
}

static void ends_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("relation_end.tsv");
	struct arena *arena = arena_new();

	(void)state;
	while (tsv_next(tsv)) {
		const struct relation_facts facts = { .now_us = NOW_US,
			.ends_us = tsv_int(tsv, "ends_us") };
		struct problem problem = PROBLEM_INIT;

		assert_int_equal(relation_end(&facts, tsv_int(tsv, "wanted_us"), arena, &problem),
			tsv_text(tsv, "code") == NULL);
		tsv_expect_text(tsv, "code", first_code(&problem));
		arena_reset(arena);
	}
	arena_free(arena);
	tsv_close(tsv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(beginnings_follow_the_cases),
		cmocka_unit_test(ends_follow_the_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
