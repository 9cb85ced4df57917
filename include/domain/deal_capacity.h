/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many registrations a partner may have open at once. Open is what waits for a decision, and
 * what is approved while its protection runs, so that the end of protection makes room by itself.
 */
#ifndef PARTNERD_DOMAIN_DEAL_CAPACITY_H
#define PARTNERD_DOMAIN_DEAL_CAPACITY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/problem.h"

struct capacity {
	bool is_limited;
	int64_t open_limit;
	int64_t open_count; /* without the one that is about to be opened */
};

/* Room for one more. */
bool capacity_check(const struct capacity *capacity, struct problem *problem);

#endif
