/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exchange rates: exact decimals, and how an amount is converted by them. A rate says how many
 * units of `quote` one unit of `base` is worth; it holds from its time until the next one of the
 * pair. What is converted is rounded once, half away from zero, at the end, whatever way it takes;
 * an inverse is never rounded by itself.
 */
#ifndef PARTNERD_DOMAIN_FX_H
#define PARTNERD_DOMAIN_FX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FX_RATE_TEXT_BYTES 24
#define FX_MOST_DIGITS     18
#define FX_MOST_DECIMALS   12
#define FX_MOST_LEGS       2

/* mantissa / 10^decimals, more than zero. */
struct fx_decimal {
	int64_t mantissa;
	int decimals;
};

/*
 * Digits with at most one point, no sign, no exponent, no leading zero but one; at most 9 digits
 * before the point, 12 after it and 18 from the first that is not zero. Zero is no rate.
 */
bool fx_decimal_parse(const char *text, struct fx_decimal *ret_decimal);
/* Without zeros at the end: the one form in which a rate is kept. */
void fx_decimal_format(const struct fx_decimal *decimal, char out[static FX_RATE_TEXT_BYTES]);

struct fx_rate {
	const char *base, *quote;
	struct fx_decimal rate;
	int64_t valid_from_us;
};

struct fx_leg {
	size_t rate; /* which of the rates that were given */
	bool is_inverse;
};

enum fx_way { FX_SAME, FX_DIRECT, FX_INVERSE, FX_CROSS };
const char *fx_way_text(enum fx_way way);

struct fx_route {
	enum fx_way way;
	struct fx_leg legs[FX_MOST_LEGS];
	size_t leg_count;
};

/*
 * The way from one currency to another by the rates in force (one a pair and direction). A currency
 * is itself; else the rate of the pair counts, be it written this way or the other: the younger one
 * where there are both, this way on a tie. Only when there is none, the way leads over `pivot`, the
 * program's own currency. False when there is no way.
 */
bool fx_route_find(const struct fx_rate *rates, size_t count, const char *from, const char *to,
	const char *pivot, struct fx_route *ret_route);

/* False when the result leaves the range of money, or a currency is none. */
bool fx_convert(const struct fx_rate *rates, const struct fx_route *route, int64_t amount_minor,
	const char *from, const char *to, int64_t *ret_minor);

/*
 * What part of an amount is worth that was converted before: by the rate that was frozen then,
 * whatever the market says now. All of it is exactly what was booked, with the other sign of the
 * part's.
 */
bool fx_convert_frozen(
	int64_t amount_minor, int64_t converted_minor, int64_t part_minor, int64_t *ret_minor);

#endif
