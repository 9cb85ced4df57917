/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who buys through whom (domain.md §5.15): only distributors are above others, nobody is above
 * themselves, and a move begins now or later.
 */
#ifndef PARTNERD_DOMAIN_RELATION_H
#define PARTNERD_DOMAIN_RELATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/problem.h"

struct relation_facts {
	const char *child_status; /* NULL: there is no such partner */
	const char *parent_status, *parent_type;
	bool makes_circle; /* at some instant of the period */
	int64_t now_us, starts_us;
	int64_t ends_us; /* 0: until further notice */
};

/* All faults at once, each at its member. */
bool relation_begin(
	const struct relation_facts *facts, struct arena *arena, struct problem *problem);

/* An end is not in the past, and only brings forward one that is set already. */
bool relation_end(const struct relation_facts *facts, int64_t wanted_us, struct arena *arena,
	struct problem *problem);

#endif
