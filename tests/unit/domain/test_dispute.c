/* SPDX-License-Identifier: Apache-2.0 */
/* Decisions about disputes, by their file of cases. */
#include "domain/dispute.h"

#include "tsv.h"

static void decisions_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("dispute_decide.tsv");
	struct arena *arena = arena_new();

	(void)state;
	while (tsv_next(tsv)) {
		struct dispute_facts facts = {
			.phase = tsv_text(tsv, "phase"),
			.outcome = tsv_text(tsv, "outcome"),
			.claimant_sequence = tsv_int(tsv, "claimant"),
			.respondent_sequence = tsv_int(tsv, "respondent"),
			.is_second_opinion_needed = tsv_int(tsv, "same_person") != 0,
		};
		struct explanation explanation = { 0 };
		struct problem problem = PROBLEM_INIT;

		assert_true(dispute_rule_parse(tsv_text(tsv, "rule"), &facts.rule));
		const struct transition *move =
			dispute_decide(&facts, &explanation, arena, &problem);
		tsv_expect_text(tsv, "to", move ? move->to : NULL);
		tsv_expect_text(
			tsv, "code", problem.is_set ? problem_code_text(problem.code) : NULL);
		if (move)
			assert_string_equal(explanation.steps[0].rule, tsv_text(tsv, "rule"));
	}
	arena_free(arena);
	tsv_close(tsv);
}

static void only_known_rules_are_cited(void **state)
{
	enum dispute_rule rule;

	(void)state;
	assert_false(dispute_rule_parse("first", &rule));
	assert_false(dispute_rule_parse("", &rule));
	assert_true(dispute_rule_parse("program_policy", &rule));
	assert_int_equal(rule, DISPUTE_RULE_program_policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decisions_follow_the_cases),
		cmocka_unit_test(only_known_rules_are_cited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
