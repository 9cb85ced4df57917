/* SPDX-License-Identifier: Apache-2.0 */
/* Currencies and arithmetic. Worked cases of rounding and splitting live in unit/domain/cases; here
 * are the laws. */
#include "base/money.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A fixed sequence (xorshift), so that a failure happens again. */
static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* Of every size, so that small amounts, where rounding shows, are as frequent as large ones. */
static int64_t random_amount(void)
{
	int64_t magnitude =
		(int64_t)(next_random() & (uint64_t)MONEY_MAX_MINOR) >> (next_random() % 54);

	return next_random() % 2 ? -magnitude : magnitude;
}

static int exponent_of(const char *code)
{
	int exponent = -1;

	assert_true(currency_exponent(code, &exponent));
	return exponent;
}

static void currencies_have_their_decimals(void **state)
{
	(void)state;
	assert_int_equal(exponent_of("EUR"), 2);
	assert_int_equal(exponent_of("USD"), 2);
	assert_int_equal(exponent_of("JPY"), 0);
	assert_int_equal(exponent_of("KRW"), 0);
	for (const char *code = "KWD\0BHD\0OMR\0TND\0JOD\0IQD\0LYD\0"; *code; code += 4)
		assert_int_equal(exponent_of(code), 3);
	assert_int_equal(exponent_of("CLF"), 4);
	assert_int_equal(exponent_of("UYW"), 4);
	assert_true(currency_exponent("CHF", NULL));
}

static void what_is_no_active_currency_is_unknown(void **state)
{
	int exponent = 7;

	(void)state;
	for (const char *code = "eur\0DEM\0XXX\0XTS\0XAU\0HRK\0ZZZ\0AAA\0"; *code; code += 4)
		assert_false(currency_exponent(code, &exponent));
	assert_false(currency_exponent("", &exponent));
	assert_false(currency_exponent("EURO", &exponent));
	assert_false(currency_exponent("EU", &exponent));
	assert_int_equal(exponent, 7);
}

static void the_table_is_sorted_and_finds_itself(void **state)
{
	const char *previous = "";

	(void)state;
	assert_in_range(currency_count(), 150, 200);
	for (size_t i = 0; i < currency_count(); i++) {
		int exponent;
		const char *code = currency_at(i, &exponent);

		assert_int_equal(strlen(code), 3);
		assert_true(strcmp(previous, code) < 0);
		assert_int_equal(exponent_of(code), exponent);
		previous = currency_at(i, NULL);
	}
}

/* The double of the distance to the exact share, in ten-thousandths, tells nearest and which side
 * of a tie. */
static void a_share_is_the_nearest_and_symmetric(void **state)
{
	(void)state;
	for (int i = 0; i < 200000; i++) {
		int64_t amount = random_amount();
		int64_t bps = (int64_t)(next_random() % 10001);
		int64_t share = 0;
		int64_t mirrored = 0;
		__int128 twice_error;

		assert_true(money_share(amount, bps, &share));
		assert_true(money_share(-amount, bps, &mirrored));
		assert_int_equal(mirrored, -share);
		assert_true(money_share(amount, -bps, &mirrored));
		assert_int_equal(mirrored, -share);
		twice_error = 2 * ((__int128)share * 10000 - (__int128)amount * bps);
		if (amount < 0)
			twice_error = -twice_error;
		assert_true(twice_error > -10000 && twice_error <= 10000);
	}
}

static void results_stay_within_what_json_keeps_exact(void **state)
{
	int64_t result = 5;

	(void)state;
	assert_false(money_share(MONEY_MAX_MINOR, 10001, &result));
	assert_false(money_share(-MONEY_MAX_MINOR, 10001, &result));
	assert_false(money_share(INT64_MIN, INT64_MIN, &result));
	assert_false(money_add(MONEY_MAX_MINOR, 1, &result));
	assert_false(money_add(-MONEY_MAX_MINOR, -1, &result));
	assert_false(money_add(INT64_MAX, INT64_MAX, &result));
	assert_false(money_multiply(INT64_MIN, -1, &result));
	assert_false(money_multiply(INT64_C(1) << 27, INT64_C(1) << 26, &result));
	assert_int_equal(result, 5);
	assert_true(money_share(MONEY_MAX_MINOR, 10000, &result));
	assert_int_equal(result, MONEY_MAX_MINOR);
	assert_true(money_add(-MONEY_MAX_MINOR, 2 * MONEY_MAX_MINOR, &result));
	assert_int_equal(result, MONEY_MAX_MINOR);
	assert_true(money_multiply(-3, 7, &result));
	assert_int_equal(result, -21);
}

/* Shares that total 10,000: random cuts of what is left. */
static size_t random_shares(int64_t shares_bps[static 12])
{
	size_t count = 1 + next_random() % 12;
	int64_t left_bps = 10000;

	for (size_t i = 0; i + 1 < count; i++) {
		shares_bps[i] =
			(int64_t)(next_random() % (uint64_t)(left_bps + 1)) >> (next_random() % 4);
		left_bps -= shares_bps[i];
	}
	shares_bps[count - 1] = left_bps;
	return count;
}

static void assert_split_is_fair(int64_t amount, const int64_t *shares_bps, size_t count)
{
	int64_t parts[12];
	int64_t mirrored[12];
	int64_t sum = 0;

	assert_true(money_split(amount, shares_bps, count, parts));
	assert_true(money_split(-amount, shares_bps, count, mirrored));
	for (size_t i = 0; i < count; i++) {
		__int128 error = (__int128)parts[i] * 10000 - (__int128)amount * shares_bps[i];

		assert_true(error > -10000 && error < 10000);
		assert_int_equal(mirrored[i], -parts[i]);
		sum += parts[i];
	}
	assert_int_equal(sum, amount);
}

static void splits_are_exact_in_sum_and_fair_in_parts(void **state)
{
	int64_t shares_bps[12];

	(void)state;
	for (int i = 0; i < 50000; i++) {
		size_t count = random_shares(shares_bps);

		assert_split_is_fair(random_amount(), shares_bps, count);
	}
	assert_split_is_fair(MONEY_MAX_MINOR, (int64_t[]){ 3333, 3333, 3334 }, 3);
}

static void shares_that_are_not_the_whole_are_refused(void **state)
{
	int64_t parts[3];

	(void)state;
	assert_false(money_split(100, NULL, 0, parts));
	assert_false(money_split(100, (int64_t[]){ 5000, 4999 }, 2, parts));
	assert_false(money_split(100, (int64_t[]){ 5000, 5001 }, 2, parts));
	assert_false(money_split(100, (int64_t[]){ 11000, -1000 }, 2, parts));
	assert_false(money_split(100, (int64_t[]){ -1000, 11000 }, 2, parts));
	assert_false(money_split(100, (int64_t[]){ INT64_MAX, INT64_MAX, 10002 }, 3, parts));
	assert_false(money_split(MONEY_MAX_MINOR + 1, (int64_t[]){ 10000 }, 1, parts));
	assert_false(money_split(INT64_MIN, (int64_t[]){ 10000 }, 1, parts));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(currencies_have_their_decimals),
		cmocka_unit_test(what_is_no_active_currency_is_unknown),
		cmocka_unit_test(the_table_is_sorted_and_finds_itself),
		cmocka_unit_test(a_share_is_the_nearest_and_symmetric),
		cmocka_unit_test(results_stay_within_what_json_keeps_exact),
		cmocka_unit_test(splits_are_exact_in_sum_and_fair_in_parts),
		cmocka_unit_test(shares_that_are_not_the_whole_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
