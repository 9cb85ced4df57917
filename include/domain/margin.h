/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Margin in basis points (domain.md §5.7): the tier's base, adjusters in order, clamped to the
 * tier's band, then to the program's cap. Every step goes into the explanation, also the one that
 * changed nothing.
 */
#ifndef PARTNERD_DOMAIN_MARGIN_H
#define PARTNERD_DOMAIN_MARGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/problem.h"
#include "domain/explain.h"

struct margin_band {
	int64_t floor_bps;
	int64_t base_bps;
	int64_t cap_bps;
};

struct margin_adjuster {
	const char *rule;   /* "deal_size", "first_line_support" */
	int64_t delta_bps;  /* negative lowers */
	const char *detail; /* a sentence that outlives the explanation */
};

struct margin_input {
	struct margin_band band;
	int64_t program_cap_bps;
	int64_t amount_minor; /* net of volume discounts */
	const struct margin_adjuster *adjusters;
	size_t adjuster_count;
};

struct margin_terms {
	int64_t margin_bps;
	int64_t margin_minor; /* amount * margin, half away from zero */
	int64_t clipped_bps;  /* what the clamps took away; negative when they added */
};

/* 0 ≤ floor ≤ base ≤ cap ≤ the program's cap, else validation problem `inconsistent` at the
 * pointers of margin_band. */
bool margin_band_check(const struct margin_band *band, int64_t program_cap_bps, struct arena *arena,
	struct problem *problem);

/* False only when the amount leaves the range of money. */
bool margin_decide(const struct margin_input *input, struct margin_terms *ret_terms,
	struct explanation *ret_explanation, struct problem *problem);

#endif
