/* SPDX-License-Identifier: Apache-2.0 */
/* Between rates as JSON and the rule of the domain. A rate that cannot be read is no rate. */
#include "http/conversion.h"

#include <string.h>

#include "domain/fx.h"

#define MOST_RATES 6 /* pairs of three currencies */

struct rate_list {
	struct fx_rate rates[MOST_RATES];
	const json_t *rows[MOST_RATES];
	size_t count;
};

static const char *text_of(const json_t *object, const char *member)
{
	return json_string_value(json_object_get(object, member));
}

static void read_rates(const json_t *rows, struct rate_list *list)
{
	size_t index;
	json_t *row;
	list->count = 0;
	json_array_foreach ((json_t *)rows, index, row) {
		if (list->count == MOST_RATES)
			return;
		struct fx_rate *rate = &list->rates[list->count];
		*rate = (struct fx_rate){ .base = text_of(row, "base"),
			.quote = text_of(row, "quote"),
			.valid_from_us =
				json_integer_value(json_object_get(row, "valid_from_us")) };
		list->rows[list->count] = row;
		if (fx_decimal_parse(text_of(row, "rate"), &rate->rate))
			list->count++;
	}
}

static json_t *legs_json(const struct rate_list *list, const struct fx_route *route)
{
	static const char *const members[] = { "fx_rate_id", "base", "quote", "rate", "source",
		"valid_from" };
	json_t *legs = json_array();
	for (size_t i = 0; i < route->leg_count; i++) {
		const json_t *row = list->rows[route->legs[i].rate];
		json_t *leg = json_pack("{s:b}", "is_inverse", route->legs[i].is_inverse);
		for (size_t j = 0; j < sizeof members / sizeof members[0]; j++)
			json_object_set(leg, members[j], json_object_get(row, members[j]));
		json_array_append_new(legs, leg);
	}
	return legs;
}

enum conversion_outcome money_convert(
	const struct conversion *conversion, int64_t *ret_minor, json_t **ret_way)
{
	struct rate_list list;
	struct fx_route route;
	read_rates(conversion->rates, &list);
	if (!fx_route_find(list.rates, list.count, conversion->from, conversion->to,
		    conversion->pivot, &route))
		return NO_WAY;
	if (!fx_convert(list.rates, &route, conversion->amount_minor, conversion->from,
		    conversion->to, ret_minor))
		return OUT_OF_RANGE;
	*ret_way = json_pack(
		"{s:s, s:o}", "way", fx_way_text(route.way), "legs", legs_json(&list, &route));
	return CONVERTED;
}

json_t *deal_worth_json(const json_t *facts, int64_t amount_minor)
{
	const struct conversion conversion = {
		.from = text_of(facts, "from"),
		.to = text_of(facts, "to"),
		.pivot = text_of(facts, "to"),
		.rates = json_object_get(facts, "rates"),
		.amount_minor = amount_minor,
	};
	int64_t worth_minor;
	json_t *way;
	switch (money_convert(&conversion, &worth_minor, &way)) {
	case NO_WAY: return json_object();
	case OUT_OF_RANGE:
		return json_pack("{s:n, s:s, s:n}", "worth_minor", "worth_currency", conversion.to,
			"worth_conversion");
	case CONVERTED: break;
	}
	bool is_same = strcmp(conversion.from, conversion.to) == 0;
	json_object_set(way, "at", json_object_get(facts, "at"));
	json_t *worth = json_pack("{s:I, s:s, s:o}", "worth_minor", (json_int_t)worth_minor,
		"worth_currency", conversion.to, "worth_conversion",
		is_same ? json_null() : json_incref(way));
	json_decref(way);
	return worth;
}
