/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long somebody who guesses passwords or codes has to wait: exponential delay, never a lock. An
 * attempt counts against three keys at once and must be free by all of them. Who mistypes meets the
 * first only; one account guessed from many addresses meets the second, many accounts guessed from
 * one address the third.
 */
#ifndef PARTNERD_DOMAIN_LOCKOUT_H
#define PARTNERD_DOMAIN_LOCKOUT_H

#include <stdint.h>

#define LOCKOUTS(X)                                              \
	X(pair)    /* an account from one address */             \
	X(account) /* an account, known or not, from anywhere */ \
	X(address) /* an address (IPv6: its /64), whatever account */

enum lockout {
#define LOCKOUT_ENUM(name) LOCKOUT_##name,
	LOCKOUTS(LOCKOUT_ENUM)
#undef LOCKOUT_ENUM
		LOCKOUT_COUNT
};

#define LOCKOUT_LONGEST_S 900

const char *lockout_text(enum lockout lockout);

/* How many attempts may fail before the next one has to wait at all. */
int64_t lockout_free(enum lockout lockout);

/* How long after the last failed attempt the next one is taken. */
int64_t lockout_delay_s(enum lockout lockout, int64_t failures);

/* One failure is forgiven for so many seconds without one. */
int64_t lockout_forgive_s(enum lockout lockout);

#endif
