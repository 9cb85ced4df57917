/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of a partner's deals, by its file of cases. */
#include "domain/partner.h"

#include "tsv.h"

static bool run(const char *action, const struct partner_end_facts *facts,
	struct partner_effects *effects, struct explanation *explanation, struct problem *problem)
{
	if (strcmp(action, "suspend") == 0)
		return partner_suspend(facts, effects, explanation, problem);
	if (strcmp(action, "terminate") == 0)
		return partner_terminate(facts, effects, explanation, problem);
	return partner_merge(facts, effects, explanation, problem);
}

static void effects_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("partner_ends.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		const char *target = tsv_text(tsv, "target");
		const struct partner_end_facts facts = {
			.status = tsv_text(tsv, "status"),
			.open_deals = 5,
			.approved_deals = 3,
			.all_deals = 20,
			.cancels_approved = tsv_int(tsv, "cancels") == 1,
			.receives = tsv_int(tsv, "receives") == 1,
			.is_itself = target && strcmp(target, "itself") == 0,
			.target_status = target,
		};
		struct partner_effects effects = { 0 };
		struct explanation explanation = { 0 };
		struct problem problem = PROBLEM_INIT;
		bool good = run(tsv_text(tsv, "action"), &facts, &effects, &explanation, &problem);

		tsv_expect_text(
			tsv, "code", problem.is_set ? problem_code_text(problem.code) : NULL);
		assert_int_equal(good, !problem.is_set);
		assert_true(good == (explanation.step_count > 0));
		tsv_expect_int(tsv, "waiting", effects.waiting);
		tsv_expect_int(tsv, "withdrawn", effects.withdrawn);
		tsv_expect_int(tsv, "cancelled", effects.cancelled);
		tsv_expect_int(tsv, "kept", effects.kept);
		tsv_expect_int(tsv, "moved", effects.moved);
	}
	tsv_close(tsv);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(effects_follow_the_cases) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
