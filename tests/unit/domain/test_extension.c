/* SPDX-License-Identifier: Apache-2.0 */
/* When protection may be extended, by its file of cases. */
#include "domain/extension.h"

#include "tsv.h"

/* "code", with the place and the kind of the first violation behind it. */
static const char *told(const struct problem *problem, struct arena *arena)
{
	const struct violation *violation = problem->violations;

	if (!problem->is_set)
		return NULL;
	assert_in_range(
		problem->violation_count ? violation->detail[0] : problem->detail[0], 'A', 'Z');
	if (problem->code != PROBLEM_validation_failed)
		return problem_code_text(problem->code);
	return arena_printf(arena, "%s %s:%s", problem_code_text(problem->code), violation->where,
		violation_code_text(violation->code));
}

static void extensions_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("extension.tsv");
	struct arena *arena = arena_new();

	(void)state;
	while (tsv_next(tsv)) {
		const struct extension_facts facts = {
			.deal_status = tsv_text(tsv, "deal"),
			.partner_status = tsv_text(tsv, "partner"),
			.open_id = tsv_text(tsv, "open"),
			.now_us = tsv_int(tsv, "now"),
			.ends_us = tsv_int(tsv, "ends"),
			.extends_us = tsv_int(tsv, "extends"),
			.days = tsv_int(tsv, "days"),
			.extension_days = tsv_int(tsv, "most"),
			.granted = tsv_int(tsv, "granted"),
			.max_extensions = tsv_int(tsv, "max"),
		};
		struct problem problem = PROBLEM_INIT;
		bool is_request = strcmp(tsv_text(tsv, "step"), "request") == 0;
		bool may = is_request ? extension_request(&facts, arena, &problem)
				      : extension_grant(&facts, arena, &problem);

		assert_int_equal(may, !problem.is_set);
		tsv_expect_text(tsv, "code", told(&problem, arena));
		if (is_request && facts.open_id && problem.code == PROBLEM_already_exists)
			assert_string_equal(problem.resource_id, facts.open_id);
		arena_reset(arena);
	}
	arena_free(arena);
	tsv_close(tsv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(extensions_follow_the_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
