/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting longer each time, never too long, never all at once. */
#include "domain/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void each_wait_is_twice_the_last(void **state)
{
	(void)state;
	assert_int_equal(retry_delay_s(1, 0), 15);
	assert_int_equal(retry_delay_s(2, 0), 30);
	assert_int_equal(retry_delay_s(5, 0), 240);
}

static void waits_are_bounded(void **state)
{
	(void)state;
	assert_int_equal(retry_delay_s(9, 0), RETRY_MOST_S);
	assert_int_equal(retry_delay_s(INT64_MAX, 0), RETRY_MOST_S);
	assert_int_equal(retry_delay_s(0, 0), RETRY_FIRST_S);
	assert_int_equal(retry_delay_s(-5, 0), RETRY_FIRST_S);
	for (uint32_t random = 0; random < 5000; random++)
		assert_in_range(retry_delay_s(100, random), RETRY_MOST_S, RETRY_MOST_S / 4 * 5);
}

static void chance_spreads_them(void **state)
{
	(void)state;
	assert_int_equal(retry_delay_s(1, 3), 18);
	assert_int_equal(retry_delay_s(1, 4), 15);
	assert_int_equal(retry_delay_s(1, UINT32_MAX), 15 + UINT32_MAX % 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_wait_is_twice_the_last),
		cmocka_unit_test(waits_are_bounded),
		cmocka_unit_test(chance_spreads_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
