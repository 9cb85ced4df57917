/* SPDX-License-Identifier: Apache-2.0 */
/* Accelerators, proration and channel cost by their case files. */
#include "domain/rates.h"

#include "base/money.h"

#include "tsv.h"

static void accelerators_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("accelerator.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		struct accelerator accelerator = { tsv_int(tsv, "target_minor"),
			tsv_int(tsv, "rate_bps"), tsv_int(tsv, "above_bps"), 0 };
		int64_t earned_minor;

		assert_true(accelerator_mode_parse(tsv_text(tsv, "mode"), &accelerator.mode));
		assert_true(accelerator_earn_next(&accelerator, tsv_int(tsv, "won_minor"),
			tsv_int(tsv, "amount_minor"), &earned_minor));
		tsv_expect_int(tsv, "earned_minor", earned_minor);
	}
	tsv_close(tsv);
}

static void proration_follows_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("prorate.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		struct dated_rate rates[8];
		const char *at = tsv_text(tsv, "rates");
		size_t count = 0;
		enum rate_at rate_at;
		int64_t share_minor;
		bool is_good;

		while (*at) {
			char *end;

			rates[count].from_day = strtoll(at, &end, 10);
			rates[count++].rate_bps = strtoll(end + 1, &end, 10);
			at = *end == ',' ? end + 1 : end;
		}
		assert_true(rate_at_parse(tsv_text(tsv, "rate_at"), &rate_at));
		is_good = prorate(tsv_int(tsv, "amount_minor"), tsv_int(tsv, "days"), rates, count,
			rate_at, &share_minor);
		assert_int_equal(is_good, tsv_text(tsv, "share_minor") != NULL);
		if (is_good)
			tsv_expect_int(tsv, "share_minor", share_minor);
	}
	tsv_close(tsv);
}

static void channel_cost_follows_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("channel_cost.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		int64_t net_minor = tsv_int(tsv, "net_minor");
		int64_t margin_minor;
		struct channel_cost cost;

		assert_true(money_share(net_minor, tsv_int(tsv, "margin_bps"), &margin_minor));
		assert_true(channel_cost(net_minor, margin_minor, tsv_int(tsv, "override_bps"),
			tsv_text(tsv, "cap_bps") ? tsv_int(tsv, "cap_bps") : -1, &cost));
		tsv_expect_int(tsv, "override_minor", cost.override_minor);
		tsv_expect_int(tsv, "total_minor", cost.total_minor);
		tsv_expect_int(tsv, "clipped_minor", cost.clipped_minor);
		tsv_expect_int(tsv, "exceeds", cost.exceeds_cap);
	}
	tsv_close(tsv);
}

static void what_leaves_the_range_of_money_is_refused(void **state)
{
	struct accelerator accelerator = { 0, 10000, 20000, ACCELERATE_MARGINAL };
	int64_t minor;
	struct channel_cost cost;

	(void)state;
	assert_false(accelerator_earn(&accelerator, MONEY_MAX_MINOR, &minor));
	assert_false(accelerator_earn_next(&accelerator, MONEY_MAX_MINOR, 1, &minor));
	assert_false(channel_cost(MONEY_MAX_MINOR, 1, 10000, -1, &cost));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accelerators_follow_the_cases),
		cmocka_unit_test(proration_follows_the_cases),
		cmocka_unit_test(channel_cost_follows_the_cases),
		cmocka_unit_test(what_leaves_the_range_of_money_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
