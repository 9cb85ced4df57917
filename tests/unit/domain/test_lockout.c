/* SPDX-License-Identifier: Apache-2.0 */
/* Delays by cases/lockout.tsv; they only grow, end somewhere, and what is forgiven comes back. */
#include "domain/lockout.h"

#include "tsv.h"

static enum lockout lockout_of(const char *text)
{
	for (int i = 0; i < LOCKOUT_COUNT; i++)
		if (strcmp(lockout_text((enum lockout)i), text) == 0)
			return (enum lockout)i;
	fail_msg("there is no lockout %s", text);
	return LOCKOUT_COUNT;
}

static void delays_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("lockout.tsv");

	(void)state;
	while (tsv_next(tsv))
		tsv_expect_int(tsv, "delay_s",
			lockout_delay_s(
				lockout_of(tsv_text(tsv, "lockout")), tsv_int(tsv, "failures")));
	tsv_close(tsv);
}

static void delays_only_grow(void **state)
{
	(void)state;
	for (int i = 0; i < LOCKOUT_COUNT; i++) {
		int64_t last_s = 0;
		for (int64_t failures = 0; failures < 200; failures++) {
			int64_t delay_s = lockout_delay_s((enum lockout)i, failures);
			assert_true(delay_s >= last_s && delay_s <= LOCKOUT_LONGEST_S);
			assert_int_equal(delay_s == 0, failures < lockout_free((enum lockout)i));
			last_s = delay_s;
		}
		assert_int_equal(last_s, LOCKOUT_LONGEST_S);
	}
}

/* One address meets its own limit before a whole account is slowed for everybody. */
static void wider_keys_bear_more(void **state)
{
	(void)state;
	assert_true(lockout_free(LOCKOUT_pair) < lockout_free(LOCKOUT_account));
	assert_true(lockout_free(LOCKOUT_account) < lockout_free(LOCKOUT_address));
	for (int i = 0; i < LOCKOUT_COUNT; i++)
		assert_true(lockout_forgive_s((enum lockout)i) > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(delays_follow_the_cases),
		cmocka_unit_test(delays_only_grow),
		cmocka_unit_test(wider_keys_bear_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
