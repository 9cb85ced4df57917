/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rates that change: past a target (accelerators, domain.md §5.8), in the middle of a billing
 * period (proration, §5.10), and the sum of what a channel may cost (§5.15). Each rounds its result
 * once, half away from zero.
 */
#ifndef PARTNERD_DOMAIN_RATES_H
#define PARTNERD_DOMAIN_RATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- accelerators ---- */

enum accelerator_mode {
	ACCELERATE_MARGINAL,    /* the higher rate covers only what lies above the target */
	ACCELERATE_RETROACTIVE, /* it covers everything as soon as the target is passed */
};

struct accelerator {
	int64_t target_minor;
	int64_t rate_bps;
	int64_t above_bps;
	enum accelerator_mode mode;
};

bool accelerator_mode_parse(const char *text, enum accelerator_mode *ret_mode);
const char *accelerator_mode_text(enum accelerator_mode mode);

/* What this much revenue earns. False when it leaves the range of money. */
bool accelerator_earn(
	const struct accelerator *accelerator, int64_t revenue_minor, int64_t *ret_minor);

/* What the next amount earns when so much has been won before: the difference of the two. */
bool accelerator_earn_next(const struct accelerator *accelerator, int64_t won_minor,
	int64_t amount_minor, int64_t *ret_minor);

/* ---- proration ---- */

enum rate_at {
	RATE_AT_INVOICE, /* the rate of the day the period begins, on which it is invoiced */
	RATE_AT_DAILY,   /* each day at its own rate */
};

bool rate_at_parse(const char *text, enum rate_at *ret_rate_at);

/* From this day of the period on, counted from 0; the first is from day 0, days ascend. */
struct dated_rate {
	int64_t from_day;
	int64_t rate_bps;
};

/* The share of an amount that is billed for `days` whole days in the billing zone. False when the
 * rates are not in order or the result leaves the range of money. */
bool prorate(int64_t amount_minor, int64_t days, const struct dated_rate *rates, size_t count,
	enum rate_at rate_at, int64_t *ret_minor);

/* ---- channel cost ---- */

struct channel_cost {
	int64_t margin_minor;   /* of the partner that sells */
	int64_t override_minor; /* of its distributor, after the cap */
	int64_t clipped_minor;  /* what the cap took from the override */
	int64_t total_minor;
	bool exceeds_cap; /* the margin alone is above it */
};

/* The partner's margin stands, as it is promised by its tier; the override takes what room the cap
 * leaves. `cap_bps` < 0: there is no cap. */
bool channel_cost(int64_t net_minor, int64_t margin_minor, int64_t override_bps, int64_t cap_bps,
	struct channel_cost *ret_cost);

#endif
