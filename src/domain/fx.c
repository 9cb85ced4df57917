/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversion (see fx.h). A conversion is one fraction: amount, rates and powers of ten above and
 * below the line. Both are multiplied out in as many limbs as it takes (two rates of 18 digits and
 * an amount of 53 bits are more than 128 bits), each step in 128 bits, and divided once.
 */
#include "domain/fx.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/money.h"

__extension__ typedef unsigned __int128 wide;

/* ---- whole numbers of any size that occurs here ---- */

#define LIMBS 8

struct big {
	uint64_t limbs[LIMBS]; /* the lowest first */
};

static void big_multiply(struct big *big, uint64_t factor)
{
	wide carry = 0;

	for (size_t i = 0; i < LIMBS; i++) {
		carry += (wide)big->limbs[i] * factor;
		big->limbs[i] = (uint64_t)carry;
		carry >>= 64;
	}
	if (carry != 0)
		abort(); /* more factors than a route can have */
}

static void big_add(struct big *big, const struct big *other)
{
	wide carry = 0;

	for (size_t i = 0; i < LIMBS; i++) {
		carry += (wide)big->limbs[i] + other->limbs[i];
		big->limbs[i] = (uint64_t)carry;
		carry >>= 64;
	}
}

static void big_divide(struct big *big, uint64_t divisor)
{
	wide rest = 0;

	for (size_t i = LIMBS; i-- > 0;) {
		rest = rest << 64 | big->limbs[i];
		big->limbs[i] = (uint64_t)(rest / divisor);
		rest %= divisor;
	}
}

static bool big_fits(const struct big *big, int64_t *ret_value)
{
	for (size_t i = 1; i < LIMBS; i++)
		if (big->limbs[i] != 0)
			return false;
	if (big->limbs[0] > (uint64_t)MONEY_MAX_MINOR)
		return false;
	*ret_value = (int64_t)big->limbs[0];
	return true;
}

/* ---- fractions ---- */

#define MOST_FACTORS 6

struct fraction {
	struct big numerator;
	uint64_t divisors[MOST_FACTORS]; /* the denominator, factor by factor */
	size_t divisor_count;
};

static uint64_t power_of_ten(int exponent)
{
	uint64_t power = 1;

	while (exponent-- > 0)
		power *= 10;
	return power;
}

static void fraction_divide(struct fraction *fraction, uint64_t divisor)
{
	fraction->divisors[fraction->divisor_count++] = divisor;
}

static void fraction_rate(struct fraction *fraction, const struct fx_decimal *rate, bool is_inverse)
{
	uint64_t mantissa = (uint64_t)rate->mantissa;
	uint64_t scale = power_of_ten(rate->decimals);

	big_multiply(&fraction->numerator, is_inverse ? scale : mantissa);
	fraction_divide(fraction, is_inverse ? mantissa : scale);
}

/* Half up of what is not negative: (2n + d) / 2d, divided factor by factor, which is the same. */
static bool fraction_round(const struct fraction *fraction, int64_t *ret_value)
{
	struct big sum = fraction->numerator;
	struct big denominator = { { 1 } };

	for (size_t i = 0; i < fraction->divisor_count; i++)
		big_multiply(&denominator, fraction->divisors[i]);
	big_multiply(&sum, 2);
	big_add(&sum, &denominator);
	big_divide(&sum, 2);
	for (size_t i = 0; i < fraction->divisor_count; i++)
		big_divide(&sum, fraction->divisors[i]);
	return big_fits(&sum, ret_value);
}

/* ---- decimals ---- */

bool fx_decimal_parse(const char *text, struct fx_decimal *ret_decimal)
{
	size_t whole = strspn(text, "0123456789");
	size_t digits = whole + strspn(text + whole, "."), end;
	int64_t mantissa = 0;
	int significant = 0;

	end = digits + strspn(text + digits, "0123456789");
	if (whole == 0 || whole > 9 || (whole > 1 && text[0] == '0') || text[end] != '\0' ||
		digits > whole + 1 || (digits > whole && end == digits) ||
		end - digits > FX_MOST_DECIMALS)
		return false;
	for (const char *at = text; *at; at++) {
		if (*at == '.')
			continue;
		significant += significant > 0 || *at != '0';
		if (significant > FX_MOST_DIGITS)
			return false;
		mantissa = mantissa * 10 + (*at - '0');
	}
	*ret_decimal = (struct fx_decimal){ mantissa, (int)(end - digits) };
	return mantissa > 0;
}

void fx_decimal_format(const struct fx_decimal *decimal, char out[static FX_RATE_TEXT_BYTES])
{
	int64_t mantissa = decimal->mantissa;
	int decimals = decimal->decimals;
	uint64_t scale;

	for (; decimals > 0 && mantissa % 10 == 0; decimals--)
		mantissa /= 10;
	scale = power_of_ten(decimals);
	if (decimals == 0)
		snprintf(out, FX_RATE_TEXT_BYTES, "%" PRId64, mantissa);
	else
		snprintf(out, FX_RATE_TEXT_BYTES, "%" PRIu64 ".%0*" PRIu64,
			(uint64_t)mantissa / scale, decimals, (uint64_t)mantissa % scale);
}

/* ---- the way ---- */

const char *fx_way_text(enum fx_way way)
{
	static const char *const texts[] = { "same", "direct", "inverse", "cross" };

	return texts[way];
}

/* The rate between two currencies, this way or the other. */
static bool find_leg(const struct fx_rate *rates, size_t count, const char *from, const char *to,
	struct fx_leg *ret_leg)
{
	const struct fx_rate *found = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct fx_rate *rate = &rates[i];
		bool is_direct = strcmp(rate->base, from) == 0 && strcmp(rate->quote, to) == 0;
		bool is_inverse = strcmp(rate->base, to) == 0 && strcmp(rate->quote, from) == 0;

		if (!is_direct && !is_inverse)
			continue;
		if (found && (rate->valid_from_us < found->valid_from_us ||
				     (rate->valid_from_us == found->valid_from_us && is_inverse)))
			continue;
		found = rate;
		*ret_leg = (struct fx_leg){ i, is_inverse };
	}
	return found != NULL;
}

bool fx_route_find(const struct fx_rate *rates, size_t count, const char *from, const char *to,
	const char *pivot, struct fx_route *ret_route)
{
	struct fx_leg *legs = ret_route->legs;

	*ret_route = (struct fx_route){ .way = FX_SAME };
	if (strcmp(from, to) == 0)
		return true;
	ret_route->leg_count = 1;
	if (find_leg(rates, count, from, to, &legs[0])) {
		ret_route->way = legs[0].is_inverse ? FX_INVERSE : FX_DIRECT;
		return true;
	}
	ret_route->leg_count = 2;
	ret_route->way = FX_CROSS;
	return strcmp(from, pivot) != 0 && strcmp(to, pivot) != 0 &&
	       find_leg(rates, count, from, pivot, &legs[0]) &&
	       find_leg(rates, count, pivot, to, &legs[1]);
}

bool fx_convert(const struct fx_rate *rates, const struct fx_route *route, int64_t amount_minor,
	const char *from, const char *to, int64_t *ret_minor)
{
	struct fraction fraction = { 0 };
	int from_exponent, to_exponent;
	int64_t magnitude;

	if (amount_minor > MONEY_MAX_MINOR || amount_minor < -MONEY_MAX_MINOR ||
		!currency_exponent(from, &from_exponent) || !currency_exponent(to, &to_exponent))
		return false;
	fraction.numerator.limbs[0] = (uint64_t)(amount_minor < 0 ? -amount_minor : amount_minor);
	big_multiply(&fraction.numerator, power_of_ten(to_exponent));
	fraction_divide(&fraction, power_of_ten(from_exponent));
	for (size_t i = 0; i < route->leg_count; i++)
		fraction_rate(
			&fraction, &rates[route->legs[i].rate].rate, route->legs[i].is_inverse);
	if (!fraction_round(&fraction, &magnitude))
		return false;
	*ret_minor = amount_minor < 0 ? -magnitude : magnitude;
	return true;
}

bool fx_convert_frozen(
	int64_t amount_minor, int64_t converted_minor, int64_t part_minor, int64_t *ret_minor)
{
	if (amount_minor < 0)
		return money_ratio(converted_minor, -part_minor, -amount_minor, ret_minor);
	return money_ratio(converted_minor, part_minor, amount_minor, ret_minor);
}
