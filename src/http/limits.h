/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rate limits: how many requests a key (an address, a client) may make in a minute. Counters of all
 * keys live in one table of fixed size; when it is full, the counter that was used least recently
 * is forgotten.
 */
#ifndef PARTNERD_SRC_HTTP_LIMITS_H
#define PARTNERD_SRC_HTTP_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/settings.h"

struct limits;

enum limit_class {
	LIMIT_ADDRESS, /* every request, before authentication */
	LIMIT_SIGN_IN, /* sessions, tokens, passwords and links by mail, per address */
	LIMIT_CLIENT,  /* a user or a machine client */
	LIMIT_CHECKS,  /* questions about accounts: a partner, or one of the vendor's side */
	LIMIT_COUNT,
};

#define LIMIT_WINDOW_S 60

/* What RateLimit and RateLimit-Policy say. quota 0: no limit applies. */
struct budget {
	const char *policy;
	int64_t quota;
	int64_t remaining;
	int64_t reset_s; /* after a refusal: when the next request will pass; else the end of the
			    window */
};

struct limits *limits_make(const struct settings *settings);
struct limits *limits_free(struct limits *limits);

/* Takes one from the key's budget. False when none was left; nothing is taken then. */
bool limits_take(struct limits *limits, enum limit_class class, const char *key, int64_t now_us,
	struct budget *ret_budget);

/* IPv6 addresses are counted by their /64: one subscriber has all of it. `out` has room for the
 * address. */
void limits_address_key(const char *address, char out[static 64]);

int64_t limits_refused_total(const struct limits *limits);

#endif
