/* SPDX-License-Identifier: Apache-2.0 */
/* Rounding and splitting of money by cases/money_*.tsv; the laws are in unit/base and in
 * tests/properties. */
#include "base/money.h"

#include "tsv.h"

#define MAX_PARTS 8

static void shares_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("money_share.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		int64_t result = 0;
		bool is_valid =
			money_share(tsv_int(tsv, "amount_minor"), tsv_int(tsv, "bps"), &result);

		tsv_expect_int(tsv, "is_valid", is_valid);
		tsv_expect_int(tsv, "result_minor", result);
	}
	tsv_close(tsv);
}

static void ratios_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("money_ratio.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		int64_t result = 0;
		bool is_valid = money_ratio(tsv_int(tsv, "amount_minor"), tsv_int(tsv, "numerator"),
			tsv_int(tsv, "denominator"), &result);

		tsv_expect_int(tsv, "is_valid", is_valid);
		tsv_expect_int(tsv, "result_minor", result);
	}
	tsv_close(tsv);
}

static void check_parts(struct tsv *tsv, const char *weights_column,
	bool (*divide)(int64_t, const int64_t *, size_t, int64_t *))
{
	while (tsv_next(tsv)) {
		int64_t weights[MAX_PARTS];
		int64_t expected[MAX_PARTS];
		int64_t parts[MAX_PARTS] = { 0 };
		size_t count = tsv_ints(tsv, weights_column, weights, MAX_PARTS);
		size_t expected_count = tsv_ints(tsv, "parts_minor", expected, MAX_PARTS);
		bool is_valid = divide(tsv_int(tsv, "amount_minor"), weights, count, parts);

		tsv_expect_int(tsv, "is_valid", is_valid);
		if (is_valid)
			assert_int_equal(expected_count, count);
		for (size_t i = 0; i < expected_count; i++) {
			if (parts[i] != expected[i])
				fail_msg("%s:%d: part %zu is %lld", tsv->name, tsv->line, i,
					(long long)parts[i]);
		}
	}
	tsv_close(tsv);
}

static void splits_follow_the_cases(void **state)
{
	(void)state;
	check_parts(tsv_open("money_split.tsv"), "shares_bps", money_split);
}

static void allocations_follow_the_cases(void **state)
{
	(void)state;
	check_parts(tsv_open("money_allocate.tsv"), "weights", money_allocate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shares_follow_the_cases),
		cmocka_unit_test(ratios_follow_the_cases),
		cmocka_unit_test(splits_follow_the_cases),
		cmocka_unit_test(allocations_follow_the_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
