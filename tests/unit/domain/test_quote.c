/* SPDX-License-Identifier: Apache-2.0 */
/* Quotes by cases/quote.tsv; their steps lead from the list price to what the partner pays. */
#include "domain/quote.h"

#include "base/money.h"

#include "tsv.h"

#define MAX_ADJUSTERS 8

static void quotes_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("quote.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		struct margin_adjuster adjusters[MAX_ADJUSTERS] = { 0 };
		int64_t deltas_bps[MAX_ADJUSTERS];
		struct quote_input input = {
			.margin = { .band = { 2000, 2500, 3000 },
				.program_cap_bps = 4500,
				.amount_minor = tsv_int(tsv, "net_minor"),
				.adjusters = adjusters },
			.list_minor = tsv_int(tsv, "list_minor"),
			.override_bps = tsv_int(tsv, "override_bps"),
			.channel_cap_bps = tsv_text(tsv, "channel_cap_bps")
						   ? tsv_int(tsv, "channel_cap_bps")
						   : -1,
		};
		struct quote_terms terms;
		struct explanation explanation;
		struct problem problem = PROBLEM_INIT;
		const struct explain_step *last;

		input.margin.adjuster_count =
			tsv_ints(tsv, "adjusters_bps", deltas_bps, MAX_ADJUSTERS);
		for (size_t i = 0; i < input.margin.adjuster_count; i++)
			adjusters[i] =
				(struct margin_adjuster){ "adjuster", deltas_bps[i], "A reason." };
		assert_true(quote_decide(&input, &terms, &explanation, &problem));
		tsv_expect_int(tsv, "margin_bps", terms.margin.margin_bps);
		tsv_expect_int(tsv, "margin_minor", terms.margin.margin_minor);
		tsv_expect_int(tsv, "partner_price_minor", terms.partner_price_minor);
		tsv_expect_int(tsv, "vendor_net_minor", terms.vendor_net_minor);
		assert_string_equal(explanation.steps[0].rule, "list_price");
		assert_int_equal(explanation.steps[1].before, input.list_minor);
		last = &explanation.steps[explanation.step_count - 1];
		assert_string_equal(last->rule, "partner_price");
		assert_int_equal(last->after, terms.partner_price_minor);
	}
	tsv_close(tsv);
}

static void what_leaves_the_range_of_money_is_refused(void **state)
{
	struct quote_input input = { .margin = { .band = { 0, 0, 10000 },
					     .program_cap_bps = 10000,
					     .amount_minor = MONEY_MAX_MINOR + 1 },
		.channel_cap_bps = -1 };
	struct quote_terms terms;
	struct explanation explanation;
	struct problem problem = PROBLEM_INIT;

	(void)state;
	input.override_bps = 10000;
	assert_false(quote_decide(&input, &terms, &explanation, &problem));
	assert_int_equal(problem.code, PROBLEM_validation_failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quotes_follow_the_cases),
		cmocka_unit_test(what_leaves_the_range_of_money_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
