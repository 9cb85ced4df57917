/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amounts are kept in ten-thousandths of a minor unit until the whole line is added up, so that a
 * line is rounded once however many bands it touches. 128 bits hold the largest line: 2^53 minor
 * units times a million units, 1,200 periods and 10,000.
 */
#include "domain/price.h"

#include "base/money.h"

#include <string.h>

__extension__ typedef __int128 wide;

static const char *const mode_names[] = {
	[VOLUME_GRADUATED] = "graduated", [VOLUME_SLAB] = "slab"
};

/* What a unit costs for one period in ten-thousandths of a minor unit; NULL: below the bands. */
static wide unit_cost(const struct price *price, const struct price_band *band)
{
	if (!band)
		return (wide)price->unit_amount_minor * BPS_ONE;
	if (band->has_amount)
		return (wide)band->unit_amount_minor * BPS_ONE;
	return (wide)price->unit_amount_minor * (BPS_ONE - band->discount_bps);
}

/* How many bands the quantity reaches. */
static size_t bands_reached(const struct price *price, int64_t quantity)
{
	size_t count = 0;

	while (count < price->band_count && price->bands[count].from_quantity <= quantity)
		count++;
	return count;
}

static wide slab_cost(const struct price *price, int64_t quantity)
{
	size_t reached = bands_reached(price, quantity);

	return quantity * unit_cost(price, reached ? &price->bands[reached - 1] : NULL);
}

/* Each part of the quantity at the price of its own band. */
static wide graduated_cost(const struct price *price, int64_t quantity)
{
	size_t reached = bands_reached(price, quantity);
	int64_t above = quantity;
	wide cost = 0;

	while (reached > 0) {
		const struct price_band *band = &price->bands[--reached];

		cost += (above - (band->from_quantity - 1)) * unit_cost(price, band);
		above = band->from_quantity - 1;
	}
	return cost + above * unit_cost(price, NULL);
}

static wide cost_of(const struct price *price, int64_t quantity)
{
	return price->mode == VOLUME_SLAB ? slab_cost(price, quantity)
					  : graduated_cost(price, quantity);
}

/* Costs are never negative. */
static bool to_minor(wide cost, int64_t *ret_minor)
{
	wide rounded = (cost + BPS_ONE / 2) / BPS_ONE;

	if (rounded > MONEY_MAX_MINOR)
		return false;
	*ret_minor = (int64_t)rounded;
	return true;
}

const char *volume_mode_text(enum volume_mode mode)
{
	return mode_names[mode];
}

bool volume_mode_parse(const char *text, enum volume_mode *ret_mode)
{
	*ret_mode = strcmp(text, mode_names[VOLUME_SLAB]) == 0 ? VOLUME_SLAB : VOLUME_GRADUATED;
	return strcmp(text, mode_names[*ret_mode]) == 0;
}

bool price_check(
	const struct price *price, const char *where, struct arena *arena, struct problem *problem)
{
	size_t before = problem->violation_count;

	for (size_t i = 0; i < price->band_count; i++) {
		const struct price_band *band = &price->bands[i];

		if (band->has_amount == band->has_discount)
			problem_add(problem, arena, PLACE_POINTER,
				arena_printf(arena, "%s/%zu", where, i), VIOLATION_inconsistent,
				"A band has either unit_amount_minor or discount_bps.");
		if (i > 0 && band->from_quantity <= price->bands[i - 1].from_quantity)
			problem_add(problem, arena, PLACE_POINTER,
				arena_printf(arena, "%s/%zu/from_quantity", where, i),
				VIOLATION_inconsistent,
				"A band must begin above the one before it.");
	}
	return problem->violation_count == before;
}

bool price_line(
	const struct price *price, int64_t quantity, int64_t periods, struct price_line *ret_line)
{
	wide list = (wide)price->unit_amount_minor * BPS_ONE * quantity * periods;

	if (!to_minor(list, &ret_line->list_minor) ||
		!to_minor(cost_of(price, quantity) * periods, &ret_line->net_minor))
		return false;
	ret_line->discount_minor = ret_line->list_minor - ret_line->net_minor;
	return true;
}

/* The smallest quantity below `quantity` that costs more than `cost`; within a band the cost rises
 * with the quantity, so that each band is answered by a division. 0: there is none. */
static int64_t dearer_below(const struct price *price, int64_t quantity, wide cost)
{
	size_t reached = bands_reached(price, quantity);

	for (size_t i = 0; i < reached; i++) {
		const struct price_band *band = i > 0 ? &price->bands[i - 1] : NULL;
		wide unit = unit_cost(price, band);
		int64_t first = band ? band->from_quantity : 1;
		int64_t last = price->bands[i].from_quantity - 1;
		wide dearer = unit > 0 ? cost / unit + 1 : (wide)last + 1;

		if (dearer < first)
			dearer = first;
		if (dearer <= last)
			return (int64_t)dearer;
	}
	return 0;
}

size_t price_anomalies(
	const struct price *price, struct price_anomaly ret_anomalies[static PRICE_MAX_BANDS])
{
	size_t count = 0;

	for (size_t i = 0; price->mode == VOLUME_SLAB && i < price->band_count; i++) {
		int64_t quantity = price->bands[i].from_quantity;
		wide cost = slab_cost(price, quantity);
		int64_t dearer = dearer_below(price, quantity, cost);
		struct price_anomaly *anomaly = &ret_anomalies[count];

		if (dearer == 0 || !to_minor(cost, &anomaly->costs_minor) ||
			!to_minor(slab_cost(price, dearer), &anomaly->dearer_costs_minor))
			continue;
		anomaly->band = i;
		anomaly->from_quantity = quantity;
		anomaly->dearer_quantity = dearer;
		count++;
	}
	return count;
}
