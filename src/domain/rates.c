/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums are kept exact in 128 bits and rounded once at the end, so that two rates on one amount do
 * not round twice.
 */
#include "domain/rates.h"

#include <string.h>

#include "base/money.h"

__extension__ typedef __int128 wide;

static bool rounded(wide numerator, wide denominator, int64_t *ret_minor)
{
	wide magnitude = numerator < 0 ? -numerator : numerator;
	wide whole = (magnitude + denominator / 2) / denominator;

	if (whole > MONEY_MAX_MINOR)
		return false;
	*ret_minor = (int64_t)(numerator < 0 ? -whole : whole);
	return true;
}

bool accelerator_mode_parse(const char *text, enum accelerator_mode *ret_mode)
{
	*ret_mode = strcmp(text, "retroactive") == 0 ? ACCELERATE_RETROACTIVE : ACCELERATE_MARGINAL;
	return strcmp(text, accelerator_mode_text(*ret_mode)) == 0;
}

const char *accelerator_mode_text(enum accelerator_mode mode)
{
	return mode == ACCELERATE_RETROACTIVE ? "retroactive" : "marginal";
}

bool accelerator_earn(
	const struct accelerator *accelerator, int64_t revenue_minor, int64_t *ret_minor)
{
	int64_t above_minor = revenue_minor - accelerator->target_minor;
	wide earned = (wide)revenue_minor * accelerator->rate_bps;

	if (above_minor > 0 && accelerator->mode == ACCELERATE_RETROACTIVE)
		earned = (wide)revenue_minor * accelerator->above_bps;
	else if (above_minor > 0)
		earned += (wide)above_minor * (accelerator->above_bps - accelerator->rate_bps);
	return rounded(earned, BPS_ONE, ret_minor);
}

bool accelerator_earn_next(const struct accelerator *accelerator, int64_t won_minor,
	int64_t amount_minor, int64_t *ret_minor)
{
	int64_t total_minor;
	int64_t before_minor;
	int64_t after_minor;

	if (!money_add(won_minor, amount_minor, &total_minor) ||
		!accelerator_earn(accelerator, won_minor, &before_minor) ||
		!accelerator_earn(accelerator, total_minor, &after_minor))
		return false;
	return money_add(after_minor, -before_minor, ret_minor);
}

bool rate_at_parse(const char *text, enum rate_at *ret_rate_at)
{
	*ret_rate_at = strcmp(text, "daily") == 0 ? RATE_AT_DAILY : RATE_AT_INVOICE;
	return *ret_rate_at == RATE_AT_DAILY || strcmp(text, "invoice") == 0;
}

static bool rates_are_ordered(int64_t days, const struct dated_rate *rates, size_t count)
{
	if (days < 1 || count == 0 || rates[0].from_day != 0)
		return false;
	for (size_t i = 1; i < count; i++)
		if (rates[i].from_day <= rates[i - 1].from_day || rates[i].from_day >= days)
			return false;
	return true;
}

bool prorate(int64_t amount_minor, int64_t days, const struct dated_rate *rates, size_t count,
	enum rate_at rate_at, int64_t *ret_minor)
{
	wide sum = 0;

	if (!rates_are_ordered(days, rates, count))
		return false;
	if (rate_at == RATE_AT_INVOICE)
		return money_share(amount_minor, rates[0].rate_bps, ret_minor);
	for (size_t i = 0; i < count; i++) {
		int64_t until_day = i + 1 < count ? rates[i + 1].from_day : days;

		sum += (wide)amount_minor * rates[i].rate_bps * (until_day - rates[i].from_day);
	}
	return rounded(sum, (wide)BPS_ONE * days, ret_minor);
}

bool channel_cost(int64_t net_minor, int64_t margin_minor, int64_t override_bps, int64_t cap_bps,
	struct channel_cost *ret_cost)
{
	int64_t wanted_minor;
	int64_t cap_minor;
	int64_t room_minor = MONEY_MAX_MINOR;

	if (!money_share(net_minor, override_bps, &wanted_minor))
		return false;
	if (cap_bps >= 0) {
		if (!money_share(net_minor, cap_bps, &cap_minor))
			return false;
		room_minor = cap_minor > margin_minor ? cap_minor - margin_minor : 0;
	}
	*ret_cost = (struct channel_cost){ .margin_minor = margin_minor };
	ret_cost->exceeds_cap = cap_bps >= 0 && margin_minor > cap_minor;
	ret_cost->override_minor = wanted_minor < room_minor ? wanted_minor : room_minor;
	ret_cost->clipped_minor = wanted_minor - ret_cost->override_minor;
	return money_add(margin_minor, ret_cost->override_minor, &ret_cost->total_minor);
}
