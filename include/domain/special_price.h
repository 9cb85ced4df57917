/* SPDX-License-Identifier: Apache-2.0 */
/* A margin of its own for one deal: beyond the tier's band if need be, never beyond the program. */
#ifndef PARTNERD_DOMAIN_SPECIAL_PRICE_H
#define PARTNERD_DOMAIN_SPECIAL_PRICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/problem.h"
#include "domain/explain.h"
#include "domain/margin.h"

/* May so much be asked for, or granted? Else a violation at `pointer`. */
bool special_price_check(int64_t margin_bps, int64_t program_cap_bps, const char *pointer,
	struct arena *arena, struct problem *problem);

/*
 * Puts what was granted in place of what rules or quote gave, and explains it; `granted_bps` 0:
 * nothing was. The program's cap holds as it is now. False when the amount is outside the range of
 * money.
 */
bool special_price_apply(int64_t granted_bps, int64_t program_cap_bps, int64_t amount_minor,
	struct margin_terms *terms, struct explanation *explanation, struct problem *problem);

#endif
