/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Integer minor units with the ISO 4217 exponent; 128-bit intermediates; half away from zero,
 * symmetric in the sign; rounded once (domain.md §5.9). Amounts stay within ±(2^53 − 1), so that
 * every JSON reader keeps them exact.
 */
#ifndef PARTNERD_BASE_MONEY_H
#define PARTNERD_BASE_MONEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MONEY_MAX_MINOR ((INT64_C(1) << 53) - 1)
#define BPS_ONE         10000

/* Active ISO 4217 codes with their number of decimals. `ret_exponent` may be NULL. */
bool currency_exponent(const char *code, int *ret_exponent);
size_t currency_count(void);
const char *currency_at(size_t index, int *ret_exponent);

/* amount_minor * bps / 10000, half away from zero. False when the result leaves ±MONEY_MAX_MINOR.
 */
bool money_share(int64_t amount_minor, int64_t bps, int64_t *ret_minor);

/* a * b within ±MONEY_MAX_MINOR. */
bool money_multiply(int64_t a, int64_t b, int64_t *ret_minor);
bool money_add(int64_t a, int64_t b, int64_t *ret_minor);

/*
 * amount * numerator / denominator, half away from zero: days of a month, a part of what was
 * converted. False when the denominator is not positive or the result leaves ±MONEY_MAX_MINOR.
 */
bool money_ratio(int64_t amount_minor, int64_t numerator, int64_t denominator, int64_t *ret_minor);

/*
 * Splits by largest remainder: shares in basis points must total 10,000 (else false); ties go to
 * the earlier share. The parts add up to the amount exactly.
 */
bool money_split(
	int64_t amount_minor, const int64_t *shares_bps, size_t count, int64_t *ret_parts_minor);

/*
 * The same by weights of any size (days, quantities, amounts), none of them negative and not all
 * zero (else false); a weight of zero gets nothing.
 */
bool money_allocate(
	int64_t amount_minor, const int64_t *weights, size_t count, int64_t *ret_parts_minor);

#endif
