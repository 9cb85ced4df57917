/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a quantity of a product costs (domain.md §5.7): the list price of a unit, and volume bands
 * that either give each part of the quantity the price of its own band (graduated) or the whole
 * quantity the price of the band it reaches (slab). The discount comes off the price; the margin is
 * taken of what is left.
 */
#ifndef PARTNERD_DOMAIN_PRICE_H
#define PARTNERD_DOMAIN_PRICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/problem.h"

#define PRICE_MAX_BANDS    20
#define PRICE_MAX_QUANTITY 1000000
#define PRICE_MAX_PERIODS  1200

enum volume_mode { VOLUME_GRADUATED, VOLUME_SLAB };

/* From this quantity on, up to the next band: a unit price, or a discount on the list price. */
struct price_band {
	int64_t from_quantity;
	bool has_amount, has_discount; /* exactly one */
	int64_t unit_amount_minor;
	int64_t discount_bps;
};

struct price {
	int64_t unit_amount_minor; /* for one unit and one period; also below the first band */
	enum volume_mode mode;
	struct price_band bands[PRICE_MAX_BANDS];
	size_t band_count;
};

struct price_line {
	int64_t list_minor;     /* quantity * periods * list price */
	int64_t discount_minor; /* list - net; negative when a band is dearer than the list */
	int64_t net_minor;      /* rounded once, half away from zero */
};

const char *volume_mode_text(enum volume_mode mode);
bool volume_mode_parse(const char *text, enum volume_mode *ret_mode);

/* Bands ascend, and each has a price or a discount: else violations below `where`. */
bool price_check(
	const struct price *price, const char *where, struct arena *arena, struct problem *problem);

/* False when an amount leaves the range of money. */
bool price_line(
	const struct price *price, int64_t quantity, int64_t periods, struct price_line *ret_line);

/* A larger order that costs less than a smaller one. */
struct price_anomaly {
	size_t band;           /* where the price drops too far */
	int64_t from_quantity; /* this many cost `costs_minor` ... */
	int64_t costs_minor;
	int64_t dearer_quantity; /* ... but as few as these more than that */
	int64_t dearer_costs_minor;
};

/* Writes up to PRICE_MAX_BANDS anomalies, in the order of the bands; returns how many. */
size_t price_anomalies(
	const struct price *price, struct price_anomaly ret_anomalies[static PRICE_MAX_BANDS]);

#endif
