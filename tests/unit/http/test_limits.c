/* SPDX-License-Identifier: Apache-2.0 */
/* The sliding minute with a clock of our own, and a table that never grows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "http/limits.h"

#define SECOND INT64_C(1000000)
#define START  (INT64_C(1000) * LIMIT_WINDOW_S * SECOND)

static struct limits *make(int64_t per_minute)
{
	const struct settings settings = { .rate_limit_per_minute = per_minute,
		.rate_limit_address_per_minute = 2 * per_minute,
		.rate_limit_sign_in_per_minute = 1 };

	return limits_make(&settings);
}

static bool take(struct limits *limits, const char *key, int64_t second, struct budget *budget)
{
	return limits_take(limits, LIMIT_CLIENT, key, START + second * SECOND, budget);
}

static void a_budget_is_used_up_and_comes_back(void **state)
{
	struct limits *limits = make(3);
	struct budget budget;

	(void)state;
	for (int left = 2; left >= 0; left--) {
		assert_true(take(limits, "a", 10, &budget));
		assert_int_equal(budget.remaining, left);
		assert_int_equal(budget.quota, 3);
		assert_int_equal(budget.reset_s, 50);
	}
	assert_false(take(limits, "a", 10, &budget));
	assert_int_equal(budget.remaining, 0);
	assert_true(budget.reset_s > 50);
	assert_int_equal(limits_refused_total(limits), 1);
	assert_true(take(limits, "a", 10 + budget.reset_s, &budget));
	assert_true(take(limits, "a", 180, &budget));
	assert_int_equal(budget.remaining, 2);
	limits_free(limits);
}

static void the_window_slides(void **state)
{
	struct limits *limits = make(60);
	struct budget budget;

	(void)state;
	for (int i = 0; i < 60; i++)
		assert_true(take(limits, "a", 59, &budget));
	assert_false(take(limits, "a", 60, &budget));
	for (int i = 0; i < 30; i++)
		assert_true(take(limits, "a", 90, &budget));
	assert_false(take(limits, "a", 90, &budget));
	assert_int_equal(budget.reset_s, 1);
	assert_true(take(limits, "a", 91, &budget));
	limits_free(limits);
}

/* Whatever was used before, waiting as long as was said is enough, and never more than two windows.
 */
/* Who looked at the clock just before the minute ended comes after others have begun the next. */
static void who_comes_late_gives_nothing_back(void **state)
{
	struct limits *limits = make(2);
	struct budget budget;

	(void)state;
	assert_true(take(limits, "a", 180, &budget));
	assert_true(take(limits, "a", 180, &budget));
	assert_false(take(limits, "a", 179, &budget));
	assert_true(budget.reset_s > 0);
	assert_false(take(limits, "a", 180, &budget));
	limits_free(limits);
}

static void waiting_as_told_is_enough(void **state)
{
	(void)state;
	for (int64_t quota = 1; quota < 200; quota += 13) {
		struct limits *limits = make(quota);
		struct budget budget;
		int64_t second = quota % 60;

		for (int round = 0; round < 5; round++) {
			while (take(limits, "a", second, &budget))
				;
			assert_in_range(budget.reset_s, 1, 2 * LIMIT_WINDOW_S);
			second += budget.reset_s;
			assert_true(take(limits, "a", second, &budget));
		}
		limits_free(limits);
	}
}

static void keys_and_classes_have_budgets_of_their_own(void **state)
{
	struct limits *limits = make(1);
	struct budget budget;

	(void)state;
	assert_true(take(limits, "a", 0, &budget));
	assert_false(take(limits, "a", 0, &budget));
	assert_true(take(limits, "b", 0, &budget));
	assert_true(limits_take(limits, LIMIT_ADDRESS, "a", START, &budget));
	assert_int_equal(budget.remaining, 1);
	assert_string_equal(budget.policy, "address");
	assert_true(limits_take(limits, LIMIT_SIGN_IN, "a", START, &budget));
	assert_false(limits_take(limits, LIMIT_SIGN_IN, "a", START, &budget));
	limits_free(limits);
}

static void zero_is_no_limit(void **state)
{
	struct limits *limits = make(0);
	struct budget budget;

	(void)state;
	for (int i = 0; i < 10000; i++)
		assert_true(take(limits, "a", 0, &budget));
	assert_int_equal(budget.quota, 0);
	limits_free(limits);
}

static void the_table_forgets_the_least_used_key(void **state)
{
	struct limits *limits = make(1);
	struct budget budget;
	char key[32];

	(void)state;
	assert_true(take(limits, "kept", 0, &budget));
	for (int i = 0; i < 200000; i++) {
		snprintf(key, sizeof(key), "key-%d", i);
		assert_true(take(limits, key, 1, &budget));
		if (i % 1000 == 0)
			assert_false(take(limits, "kept", 1, &budget));
	}
	assert_false(take(limits, "kept", 1, &budget));
	assert_false(take(limits, "key-199999", 1, &budget));
	assert_true(take(limits, "key-0", 1, &budget));
	limits_free(limits);
}

static void many_addresses_push_out_no_client(void **state)
{
	struct limits *limits = make(1);
	struct budget budget;
	char key[32];

	(void)state;
	assert_true(take(limits, "kept", 0, &budget));
	for (int i = 0; i < 100000; i++) {
		snprintf(key, sizeof(key), "address-%d", i);
		assert_true(limits_take(limits, LIMIT_ADDRESS, key, START, &budget));
	}
	assert_false(take(limits, "kept", 0, &budget));
	limits_free(limits);
}

struct taker {
	struct limits *limits;
	int taken;
};

static void *take_many(void *context)
{
	struct taker *taker = context;
	struct budget budget;

	for (int i = 0; i < 2000; i++)
		taker->taken += take(taker->limits, "shared", 0, &budget);
	return NULL;
}

static void threads_share_a_budget_exactly(void **state)
{
	struct limits *limits = make(5000);
	struct taker takers[4];
	pthread_t threads[4];
	int total = 0;

	(void)state;
	for (int i = 0; i < 4; i++) {
		takers[i] = (struct taker){ limits, 0 };
		assert_int_equal(pthread_create(&threads[i], NULL, take_many, &takers[i]), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		total += takers[i].taken;
	}
	assert_int_equal(total, 5000);
	limits_free(limits);
}

static void ipv6_is_counted_by_its_subscriber(void **state)
{
	char key[64];

	(void)state;
	limits_address_key("2001:db8:1:2:3:4:5:6", key);
	assert_string_equal(key, "2001:db8:1:2::");
	limits_address_key("::1", key);
	assert_string_equal(key, "::");
	limits_address_key("192.0.2.7", key);
	assert_string_equal(key, "192.0.2.7");
	limits_address_key("", key);
	assert_string_equal(key, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_budget_is_used_up_and_comes_back),
		cmocka_unit_test(the_window_slides),
		cmocka_unit_test(who_comes_late_gives_nothing_back),
		cmocka_unit_test(waiting_as_told_is_enough),
		cmocka_unit_test(keys_and_classes_have_budgets_of_their_own),
		cmocka_unit_test(zero_is_no_limit),
		cmocka_unit_test(the_table_forgets_the_least_used_key),
		cmocka_unit_test(many_addresses_push_out_no_client),
		cmocka_unit_test(threads_share_a_budget_exactly),
		cmocka_unit_test(ipv6_is_counted_by_its_subscriber),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
