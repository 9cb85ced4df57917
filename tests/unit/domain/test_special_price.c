/* SPDX-License-Identifier: Apache-2.0 */
/* A margin of its own for one deal: cases/special_price.tsv. */
#include "domain/special_price.h"

#include "base/money.h"
#include "tsv.h"

static void what_was_granted_replaces_the_margin(void **state)
{
	struct tsv *tsv = tsv_open("special_price.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		struct problem problem = PROBLEM_INIT;
		struct explanation explanation = { 0 };
		struct margin_terms terms = { .margin_bps = tsv_int(tsv, "before_bps") };
		int64_t amount = tsv_int(tsv, "amount_minor");

		assert_true(money_share(amount, terms.margin_bps, &terms.margin_minor));
		assert_true(special_price_apply(tsv_int(tsv, "granted_bps"),
			tsv_int(tsv, "cap_bps"), amount, &terms, &explanation, &problem));
		tsv_expect_int(tsv, "margin_bps", terms.margin_bps);
		tsv_expect_int(tsv, "margin_minor", terms.margin_minor);
		tsv_expect_int(tsv, "clipped_bps", terms.clipped_bps);
		tsv_expect_int(tsv, "steps", (int64_t)explanation.step_count);
	}
	tsv_close(tsv);
}

static void nobody_goes_beyond_the_program(void **state)
{
	struct arena *arena = arena_new();
	struct problem problem = PROBLEM_INIT;

	(void)state;
	assert_true(special_price_check(4500, 4500, "#/x", arena, &problem));
	assert_false(special_price_check(4501, 4500, "#/x", arena, &problem));
	assert_int_equal(problem.code, PROBLEM_validation_failed);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_granted_replaces_the_margin),
		cmocka_unit_test(nobody_goes_beyond_the_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
