/* SPDX-License-Identifier: Apache-2.0 */
/* Prices by cases/price_line.tsv, slab prices that undercut themselves by cases/price_anomaly.tsv.
 */
#include "domain/price.h"

#include "tsv.h"

/* "100:1800,200:-1000": a price, or a discount with a minus. */
static struct price price_of(const struct tsv *tsv)
{
	struct price price = { .unit_amount_minor = tsv_int(tsv, "unit_minor") };
	const char *at = tsv_text(tsv, "bands");

	assert_true(volume_mode_parse(tsv_text(tsv, "mode"), &price.mode));
	while (at && *at) {
		struct price_band *band = &price.bands[price.band_count++];
		char *end;

		band->from_quantity = strtoll(at, &end, 10);
		band->has_discount = end[1] == '-';
		band->has_amount = !band->has_discount;
		band->unit_amount_minor = strtoll(end + 1, &end, 10);
		band->discount_bps = -band->unit_amount_minor;
		at = *end == ',' ? end + 1 : end;
	}
	return price;
}

static void lines_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("price_line.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		struct price price = price_of(tsv);
		struct price_line line;
		bool is_money = price_line(
			&price, tsv_int(tsv, "quantity"), tsv_int(tsv, "periods"), &line);

		assert_int_equal(is_money, tsv_text(tsv, "net_minor") != NULL);
		if (!is_money)
			continue;
		tsv_expect_int(tsv, "list_minor", line.list_minor);
		tsv_expect_int(tsv, "discount_minor", line.discount_minor);
		tsv_expect_int(tsv, "net_minor", line.net_minor);
	}
	tsv_close(tsv);
}

static void anomalies_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("price_anomaly.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		struct price price = price_of(tsv);
		struct price_anomaly found[PRICE_MAX_BANDS];
		size_t count = price_anomalies(&price, found);
		char text[256] = "";

		for (size_t i = 0; i < count; i++) {
			snprintf(text + strlen(text), sizeof(text) - strlen(text),
				"%s%zu:%lld<%lld", i ? "," : "", found[i].band,
				(long long)found[i].from_quantity,
				(long long)found[i].dearer_quantity);
			assert_true(found[i].dearer_costs_minor > found[i].costs_minor);
		}
		tsv_expect_text(tsv, "anomalies", count ? text : NULL);
	}
	tsv_close(tsv);
}

/* Graduated prices never make a larger order cheaper, whatever the bands. */
static void graduated_prices_only_rise(void **state)
{
	struct price price = { .unit_amount_minor = 2000,
		.bands = { { 3, true, false, 5, 0 }, { 7, false, true, 0, 9000 },
			{ 9, true, false, 0, 0 } },
		.band_count = 3 };
	struct price_line last = { 0 };

	(void)state;
	for (int64_t quantity = 1; quantity < 20; quantity++) {
		struct price_line line;

		assert_true(price_line(&price, quantity, 1, &line));
		assert_true(line.net_minor >= last.net_minor);
		last = line;
	}
}

static void bands_are_checked(void **state)
{
	struct arena *arena = arena_new();
	struct problem problem = PROBLEM_INIT;
	struct price price = { .bands = { { 10, true, true, 1, 1 }, { 10, true, false, 1, 0 },
				       { 9, false, false, 0, 0 } },
		.band_count = 3 };
	static const char *const places[] = { "#/b/0", "#/b/1/from_quantity", "#/b/2",
		"#/b/2/from_quantity" };

	(void)state;
	assert_false(price_check(&price, "#/b", arena, &problem));
	assert_int_equal(problem.violation_count, 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(problem.violations[i].where, places[i]);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_follow_the_cases),
		cmocka_unit_test(anomalies_follow_the_cases),
		cmocka_unit_test(graduated_prices_only_rise),
		cmocka_unit_test(bands_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
