/* SPDX-License-Identifier: Apache-2.0 */
/* Every assigned code is a country, and nothing that only looks like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/country.h"

static void as_many_pairs_of_letters_as_codes(void **state)
{
	size_t found = 0;

	(void)state;
	for (char first = 'A'; first <= 'Z'; first++)
		for (char second = 'A'; second <= 'Z'; second++)
			found += country_is_valid((const char[]){ first, second }, 2);
	assert_int_equal(found, 249);
	assert_int_equal(country_count(), 249);
}

static void codes_are_countries(void **state)
{
	static const char *const codes[] = { "AD", "DE", "GB", "SS", "SX", "US", "ZW" };

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		assert_true(country_is_valid(codes[i], 2));
}

static void what_looks_like_one_is_none(void **state)
{
	static const char *const texts[] = { "", "D", "de", "DEU", "UK", "EU", "XK", "AA", "ZZ",
		"AN", "SU", "D ", " D", "1A" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (country_is_valid(texts[i], strlen(texts[i])))
			fail_msg("'%s' should be no country", texts[i]);
	assert_false(country_is_valid("D\0", 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_many_pairs_of_letters_as_codes),
		cmocka_unit_test(codes_are_countries),
		cmocka_unit_test(what_looks_like_one_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
