/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amounts are multiplied in 128 bits and rounded once. Rounding works on magnitudes and puts the
 * sign back, which makes it symmetric. Currencies are those ISO 4217 calls active at the end of
 * 2026, funds codes included, metals and test codes left out; the table is sorted by code, because
 * it is searched by halves.
 */
#include "base/money.h"

#include <stdlib.h>
#include <string.h>

__extension__ typedef __int128 wide;

struct currency {
	char code[4];
	int exponent;
};

static const struct currency currencies[] = { { "AED", 2 }, { "AFN", 2 }, { "ALL", 2 },
	{ "AMD", 2 }, { "AOA", 2 }, { "ARS", 2 }, { "AUD", 2 }, { "AWG", 2 }, { "AZN", 2 },
	{ "BAM", 2 }, { "BBD", 2 }, { "BDT", 2 }, { "BHD", 3 }, { "BIF", 0 }, { "BMD", 2 },
	{ "BND", 2 }, { "BOB", 2 }, { "BOV", 2 }, { "BRL", 2 }, { "BSD", 2 }, { "BTN", 2 },
	{ "BWP", 2 }, { "BYN", 2 }, { "BZD", 2 }, { "CAD", 2 }, { "CDF", 2 }, { "CHE", 2 },
	{ "CHF", 2 }, { "CHW", 2 }, { "CLF", 4 }, { "CLP", 0 }, { "CNY", 2 }, { "COP", 2 },
	{ "COU", 2 }, { "CRC", 2 }, { "CUP", 2 }, { "CVE", 2 }, { "CZK", 2 }, { "DJF", 0 },
	{ "DKK", 2 }, { "DOP", 2 }, { "DZD", 2 }, { "EGP", 2 }, { "ERN", 2 }, { "ETB", 2 },
	{ "EUR", 2 }, { "FJD", 2 }, { "FKP", 2 }, { "GBP", 2 }, { "GEL", 2 }, { "GHS", 2 },
	{ "GIP", 2 }, { "GMD", 2 }, { "GNF", 0 }, { "GTQ", 2 }, { "GYD", 2 }, { "HKD", 2 },
	{ "HNL", 2 }, { "HTG", 2 }, { "HUF", 2 }, { "IDR", 2 }, { "ILS", 2 }, { "INR", 2 },
	{ "IQD", 3 }, { "IRR", 2 }, { "ISK", 0 }, { "JMD", 2 }, { "JOD", 3 }, { "JPY", 0 },
	{ "KES", 2 }, { "KGS", 2 }, { "KHR", 2 }, { "KMF", 0 }, { "KPW", 2 }, { "KRW", 0 },
	{ "KWD", 3 }, { "KYD", 2 }, { "KZT", 2 }, { "LAK", 2 }, { "LBP", 2 }, { "LKR", 2 },
	{ "LRD", 2 }, { "LSL", 2 }, { "LYD", 3 }, { "MAD", 2 }, { "MDL", 2 }, { "MGA", 2 },
	{ "MKD", 2 }, { "MMK", 2 }, { "MNT", 2 }, { "MOP", 2 }, { "MRU", 2 }, { "MUR", 2 },
	{ "MVR", 2 }, { "MWK", 2 }, { "MXN", 2 }, { "MXV", 2 }, { "MYR", 2 }, { "MZN", 2 },
	{ "NAD", 2 }, { "NGN", 2 }, { "NIO", 2 }, { "NOK", 2 }, { "NPR", 2 }, { "NZD", 2 },
	{ "OMR", 3 }, { "PAB", 2 }, { "PEN", 2 }, { "PGK", 2 }, { "PHP", 2 }, { "PKR", 2 },
	{ "PLN", 2 }, { "PYG", 0 }, { "QAR", 2 }, { "RON", 2 }, { "RSD", 2 }, { "RUB", 2 },
	{ "RWF", 0 }, { "SAR", 2 }, { "SBD", 2 }, { "SCR", 2 }, { "SDG", 2 }, { "SEK", 2 },
	{ "SGD", 2 }, { "SHP", 2 }, { "SLE", 2 }, { "SOS", 2 }, { "SRD", 2 }, { "SSP", 2 },
	{ "STN", 2 }, { "SVC", 2 }, { "SYP", 2 }, { "SZL", 2 }, { "THB", 2 }, { "TJS", 2 },
	{ "TMT", 2 }, { "TND", 3 }, { "TOP", 2 }, { "TRY", 2 }, { "TTD", 2 }, { "TWD", 2 },
	{ "TZS", 2 }, { "UAH", 2 }, { "UGX", 0 }, { "USD", 2 }, { "USN", 2 }, { "UYI", 0 },
	{ "UYU", 2 }, { "UYW", 4 }, { "UZS", 2 }, { "VED", 2 }, { "VES", 2 }, { "VND", 0 },
	{ "VUV", 0 }, { "WST", 2 }, { "XAF", 0 }, { "XCD", 2 }, { "XCG", 2 }, { "XOF", 0 },
	{ "XPF", 0 }, { "YER", 2 }, { "ZAR", 2 }, { "ZMW", 2 }, { "ZWG", 2 } };

static int compare_code(const void *code, const void *row)
{
	return strcmp(code, ((const struct currency *)row)->code);
}

static bool fits(wide value, int64_t *ret_minor)
{
	if (value > MONEY_MAX_MINOR || value < -MONEY_MAX_MINOR)
		return false;
	*ret_minor = (int64_t)value;
	return true;
}

static wide wide_magnitude(wide value)
{
	return value < 0 ? -value : value;
}

static bool total_of(const int64_t *weights, size_t count, wide *ret_total)
{
	*ret_total = 0;
	for (size_t i = 0; i < count; i++) {
		if (weights[i] < 0)
			return false;
		*ret_total += weights[i];
	}
	return *ret_total > 0;
}

/* Gives one more minor unit to the largest remainder that got none yet; the earlier weight wins a
 * tie. A part that has got its unit is one more than the whole part of its share. */
static void give_one(
	wide magnitude, const int64_t *weights, size_t count, wide total, int64_t *parts_minor)
{
	wide largest = -1;
	size_t winner = 0;

	for (size_t i = 0; i < count; i++) {
		wide share = magnitude * weights[i];

		if (share % total <= largest || parts_minor[i] > share / total)
			continue;
		largest = share % total;
		winner = i;
	}
	parts_minor[winner]++;
}

bool currency_exponent(const char *code, int *ret_exponent)
{
	const struct currency *row =
		bsearch(code, currencies, currency_count(), sizeof(currencies[0]), compare_code);

	if (!row)
		return false;
	if (ret_exponent)
		*ret_exponent = row->exponent;
	return true;
}

size_t currency_count(void)
{
	return sizeof(currencies) / sizeof(currencies[0]);
}

const char *currency_at(size_t index, int *ret_exponent)
{
	if (ret_exponent)
		*ret_exponent = currencies[index].exponent;
	return currencies[index].code;
}

bool money_share(int64_t amount_minor, int64_t bps, int64_t *ret_minor)
{
	return money_ratio(amount_minor, bps, BPS_ONE, ret_minor);
}

bool money_multiply(int64_t a, int64_t b, int64_t *ret_minor)
{
	return fits((wide)a * b, ret_minor);
}

bool money_add(int64_t a, int64_t b, int64_t *ret_minor)
{
	return fits((wide)a + b, ret_minor);
}

bool money_ratio(int64_t amount_minor, int64_t numerator, int64_t denominator, int64_t *ret_minor)
{
	wide product = (wide)amount_minor * numerator;
	wide magnitude = wide_magnitude(product);
	wide rounded;

	if (denominator <= 0)
		return false;
	rounded = magnitude / denominator;
	if (magnitude % denominator * 2 >= denominator)
		rounded++;
	return fits(product < 0 ? -rounded : rounded, ret_minor);
}

bool money_allocate(
	int64_t amount_minor, const int64_t *weights, size_t count, int64_t *ret_parts_minor)
{
	int64_t magnitude;
	int64_t rest;
	wide total;

	if (!fits(amount_minor, &magnitude) || !total_of(weights, count, &total))
		return false;
	magnitude = amount_minor < 0 ? -amount_minor : amount_minor;
	rest = magnitude;
	for (size_t i = 0; i < count; i++) {
		ret_parts_minor[i] = (int64_t)((wide)magnitude * weights[i] / total);
		rest -= ret_parts_minor[i];
	}
	for (; rest > 0; rest--)
		give_one(magnitude, weights, count, total, ret_parts_minor);
	for (size_t i = 0; i < count && amount_minor < 0; i++)
		ret_parts_minor[i] = -ret_parts_minor[i];
	return true;
}

bool money_split(
	int64_t amount_minor, const int64_t *shares_bps, size_t count, int64_t *ret_parts_minor)
{
	wide total_bps;

	return total_of(shares_bps, count, &total_bps) && total_bps == BPS_ONE &&
	       money_allocate(amount_minor, shares_bps, count, ret_parts_minor);
}
