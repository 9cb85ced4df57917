/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amounts in another currency, with the rates that were used: what the conversion operation, deals
 * that are won and the job that catches up on them have in common. Rates are chosen by
 * fx_rates_among() (sql/functions/deal_worth.sql), converted by domain/fx.h.
 */
#ifndef PARTNERD_HTTP_CONVERSION_H
#define PARTNERD_HTTP_CONVERSION_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct conversion {
	const char *from, *to;
	const char *pivot;   /* the currency a way may lead over */
	const json_t *rates; /* as fx_rates_among() gives them */
	int64_t amount_minor;
};

enum conversion_outcome { CONVERTED, NO_WAY, OUT_OF_RANGE };

/* `ret_way`: {"way", "legs"}, a new reference, when converted. */
enum conversion_outcome money_convert(
	const struct conversion *conversion, int64_t *ret_minor, json_t **ret_way);

/*
 * What a won deal is worth by the facts of deal_worth_facts(): {"worth_minor", "worth_currency",
 * "worth_conversion"}, the last {"at", "way", "legs"} or null in the program's own currency. Empty
 * while there is no rate; worth_minor is null where the amount leaves the range of money. A new
 * reference.
 */
json_t *deal_worth_json(const json_t *facts, int64_t amount_minor);

#endif
