/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The numbers of the lock-out. An attempt counts as failed from its beginning, so that many at once
 * are no way around the delay; as many attempts are free for a pair as an instance verifies at a
 * time, and people who sign in rightly at once do not hinder each other. Cases:
 * tests/unit/domain/cases/lockout.tsv.
 */
#include "domain/lockout.h"

#define LONGEST_DOUBLING 10 /* 2^10 s is beyond LOCKOUT_LONGEST_S */

static const struct {
	const char *text;
	int64_t free;
	int64_t forgive_s;
} rules[] = {
	[LOCKOUT_pair] = { "pair", 10, 900 },
	[LOCKOUT_account] = { "account", 30, 900 },
	[LOCKOUT_address] = { "address", 100, 36 },
};

const char *lockout_text(enum lockout lockout)
{
	return rules[lockout].text;
}

int64_t lockout_free(enum lockout lockout)
{
	return rules[lockout].free;
}

int64_t lockout_delay_s(enum lockout lockout, int64_t failures)
{
	int64_t beyond = failures - rules[lockout].free;

	if (beyond < 0)
		return 0;
	if (beyond >= LONGEST_DOUBLING)
		return LOCKOUT_LONGEST_S;
	return INT64_C(1) << beyond;
}

int64_t lockout_forgive_s(enum lockout lockout)
{
	return rules[lockout].forgive_s;
}
