/* SPDX-License-Identifier: Apache-2.0 */
/* Exchange rates by cases/fx_*.tsv; the laws are in tests/properties. */
#include "domain/fx.h"

#include "tsv.h"

#define MAX_RATES 6

/* Cuts the next word off, which ends at a space; NULL when there is none. */
static char *next_word(char **rest)
{
	char *word = strsep(rest, " ");
	return word && *word ? word : NULL;
}

static void decimals_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("fx_decimal.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		struct fx_decimal decimal;
		char kept[FX_RATE_TEXT_BYTES];
		bool is_valid = fx_decimal_parse(tsv_text(tsv, "text"), &decimal);

		if (is_valid)
			fx_decimal_format(&decimal, kept);
		tsv_expect_text(tsv, "kept", is_valid ? kept : NULL);
	}
	tsv_close(tsv);
}

/* "USD/EUR@5" */
static size_t read_rates(char *text, struct fx_rate *rates)
{
	size_t count = 0;

	for (char *word; (word = next_word(&text)) != NULL; count++) {
		assert_true(count < MAX_RATES);
		word[3] = word[7] = '\0';
		rates[count] = (struct fx_rate){ .base = word,
			.quote = word + 4,
			.rate = { 1, 0 },
			.valid_from_us = strtoll(word + 8, NULL, 10) };
	}
	return count;
}

static const char *legs_text(const struct fx_route *route, char *out, size_t room)
{
	size_t used = 0;

	for (size_t i = 0; i < route->leg_count; i++)
		used += (size_t)snprintf(out + used, room - used, "%s%zu%s", i ? " " : "",
			route->legs[i].rate, route->legs[i].is_inverse ? "i" : "");
	return used ? out : NULL;
}

static void ways_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("fx_route.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		struct fx_rate rates[MAX_RATES];
		struct fx_route route;
		char legs[32];
		size_t count = read_rates(tsv_text(tsv, "rates"), rates);
		bool is_found = fx_route_find(rates, count, tsv_text(tsv, "from"),
			tsv_text(tsv, "to"), tsv_text(tsv, "pivot"), &route);

		tsv_expect_text(tsv, "way", is_found ? fx_way_text(route.way) : NULL);
		if (is_found)
			tsv_expect_text(tsv, "legs", legs_text(&route, legs, sizeof(legs)));
	}
	tsv_close(tsv);
}

/* "0.92 160.5i" */
static void read_legs(char *text, struct fx_rate *rates, struct fx_route *route)
{
	*route = (struct fx_route){ 0 };
	for (char *word; (word = next_word(&text)) != NULL; route->leg_count++) {
		size_t last = strlen(word) - 1;

		assert_true(route->leg_count < FX_MOST_LEGS);
		route->legs[route->leg_count] =
			(struct fx_leg){ route->leg_count, word[last] == 'i' };
		if (word[last] == 'i')
			word[last] = '\0';
		assert_true(fx_decimal_parse(word, &rates[route->leg_count].rate));
	}
}

static void conversions_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("fx_convert.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		struct fx_rate rates[FX_MOST_LEGS] = { 0 };
		struct fx_route route;
		int64_t converted = 0;

		read_legs(tsv_text(tsv, "legs"), rates, &route);
		tsv_expect_int(tsv, "is_valid",
			fx_convert(rates, &route, tsv_int(tsv, "amount_minor"),
				tsv_text(tsv, "from"), tsv_text(tsv, "to"), &converted));
		tsv_expect_int(tsv, "converted_minor", converted);
	}
	tsv_close(tsv);
}

static void what_was_converted_is_taken_back_by_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("fx_frozen.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		int64_t result = 0;

		tsv_expect_int(tsv, "is_valid",
			fx_convert_frozen(tsv_int(tsv, "amount_minor"),
				tsv_int(tsv, "converted_minor"), tsv_int(tsv, "part_minor"),
				&result));
		tsv_expect_int(tsv, "result_minor", result);
	}
	tsv_close(tsv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decimals_follow_the_cases),
		cmocka_unit_test(ways_follow_the_cases),
		cmocka_unit_test(conversions_follow_the_cases),
		cmocka_unit_test(what_was_converted_is_taken_back_by_the_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
