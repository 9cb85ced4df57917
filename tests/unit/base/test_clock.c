/* SPDX-License-Identifier: Apache-2.0 */
/* Timestamps out and in. The C library's calendar is the second opinion over ten thousand years. */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static void assert_formats(int64_t time_us, const char *expected)
{
	char text[TIME_TEXT_BYTES];

	time_format(time_us, text);
	assert_string_equal(text, expected);
}

static void assert_parses(const char *text, const char *in_utc)
{
	int64_t time_us = 0;

	if (!time_parse(text, strlen(text), &time_us))
		fail_msg("%s was refused", text);
	assert_formats(time_us, in_utc);
}

static void assert_refused(const char *text)
{
	int64_t time_us = 42;

	if (time_parse(text, strlen(text), &time_us))
		fail_msg("%s was accepted", text);
	assert_int_equal(time_us, 42);
}

static void three_digits_are_written_and_never_rounded(void **state)
{
	(void)state;
	assert_formats(0, "1970-01-01T00:00:00.000Z");
	assert_formats(1767323045678999, "2026-01-02T03:04:05.678Z");
	assert_formats(999999, "1970-01-01T00:00:00.999Z");
	assert_formats(-1, "1969-12-31T23:59:59.999Z");
	assert_formats(-1000000, "1969-12-31T23:59:59.000Z");
}

static void times_outside_four_digit_years_stop_at_the_ends(void **state)
{
	(void)state;
	assert_formats(INT64_MIN, "0000-01-01T00:00:00.000Z");
	assert_formats(INT64_MAX, "9999-12-31T23:59:59.999Z");
}

static void every_day_agrees_with_the_c_library(void **state)
{
	(void)state;
	/* A step of a bit more than a day, so that hours, minutes and seconds move too. */
	for (int64_t second = -62167219200; second < 253402300800; second += 86400 + 3661) {
		time_t now = (time_t)second;
		struct tm parts;
		char expected[64];
		int64_t parsed_us;

		gmtime_r(&now, &parts);
		snprintf(expected, sizeof(expected), "%04d-%02d-%02dT%02d:%02d:%02d.000Z",
			parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
			parts.tm_min, parts.tm_sec);
		assert_formats(second * CLOCK_SECOND_US, expected);
		if (parts.tm_year + 1900 == 0)
			continue;
		assert_true(time_parse(expected, strlen(expected), &parsed_us));
		assert_int_equal(parsed_us, second * CLOCK_SECOND_US);
	}
}

static void any_offset_and_fraction_is_read(void **state)
{
	(void)state;
	assert_parses("2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000Z");
	assert_parses("2026-01-02t03:04:05z", "2026-01-02T03:04:05.000Z");
	assert_parses("2026-03-30T11:30:00+02:00", "2026-03-30T09:30:00.000Z");
	assert_parses("2026-01-01T00:30:00+05:45", "2025-12-31T18:45:00.000Z");
	assert_parses("2025-12-31T23:30:00-23:59", "2026-01-01T23:29:00.000Z");
	assert_parses("2026-01-02T03:04:05-00:00", "2026-01-02T03:04:05.000Z");
	assert_parses("2026-01-02T03:04:05.1Z", "2026-01-02T03:04:05.100Z");
	assert_parses("2026-01-02T03:04:05.999999999Z", "2026-01-02T03:04:05.999Z");
	assert_parses("2024-02-29T23:59:59.9999Z", "2024-02-29T23:59:59.999Z");
	assert_parses("2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000Z");
	assert_parses("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z");
}

static void microseconds_are_kept(void **state)
{
	int64_t time_us;

	(void)state;
	assert_true(time_parse("1970-01-01T00:00:00.0000019Z", 28, &time_us));
	assert_int_equal(time_us, 1);
	assert_true(time_parse("1969-12-31T23:59:59.123456Z", 27, &time_us));
	assert_int_equal(time_us, -876544);
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const refused[] = { "", "2026-01-02", "2026-01-02T03:04:05",
		"2026-01-02T03:04Z", "2026-01-02 03:04:05Z", "2026-01-02T03:04:05.Z",
		"2026-01-02T03:04:05.0123456789Z", "2026-01-02T03:04:60Z", "2016-12-31T23:59:60Z",
		"2026-01-02T24:00:00Z", "2026-01-02T03:60:00Z", "2026-00-02T03:04:05Z",
		"2026-13-02T03:04:05Z", "2026-01-00T03:04:05Z", "2026-01-32T03:04:05Z",
		"2026-04-31T03:04:05Z", "2025-02-29T03:04:05Z", "1900-02-29T03:04:05Z",
		"2026-01-02T03:04:05+2:00", "2026-01-02T03:04:05+0200", "2026-01-02T03:04:05+24:00",
		"2026-01-02T03:04:05+02:60", "2026-01-02T03:04:05Z ", " 2026-01-02T03:04:05Z",
		"2026-01-02T03:04:05ZZ", "+2026-01-02T03:04:05Z", "12026-01-02T03:04:05Z",
		"2026-1-02T03:04:05Z", "0000-01-01T00:00:00Z", "0001-01-01T00:00:00+00:01",
		"9999-12-31T23:59:59-00:01", "2026-01-02T03:04:05.1", "2026-01-02T03:04:05,1Z" };

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_refused(refused[i]);
}

static void no_byte_past_the_length_is_read(void **state)
{
	int64_t time_us;

	(void)state;
	assert_false(time_parse("2026-01-02T03:04:05Z", 19, &time_us));
	assert_true(date_is_valid("2026-01-02T", 10));
	assert_false(date_is_valid("2026-01-02", 9));
}

static void dates_are_days_that_exist(void **state)
{
	(void)state;
	assert_true(date_is_valid("2024-02-29", 10));
	assert_true(date_is_valid("9999-12-31", 10));
	assert_false(date_is_valid("2026-02-29", 10));
	assert_false(date_is_valid("2100-02-29", 10));
	assert_false(date_is_valid("2026-06-31", 10));
	assert_false(date_is_valid("0000-01-01", 10));
	assert_false(date_is_valid("2026-6-01", 9));
	assert_false(date_is_valid("2026/06/01", 10));
	assert_false(date_is_valid("2026-06-01 ", 11));
}

static void clocks_move_forward(void **state)
{
	int64_t monotonic_us = clock_monotonic_us();

	(void)state;
	assert_true(clock_monotonic_us() >= monotonic_us);
	assert_true(clock_now_us() > 1767225600 * CLOCK_SECOND_US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_digits_are_written_and_never_rounded),
		cmocka_unit_test(times_outside_four_digit_years_stop_at_the_ends),
		cmocka_unit_test(every_day_agrees_with_the_c_library),
		cmocka_unit_test(any_offset_and_fraction_is_read),
		cmocka_unit_test(microseconds_are_kept),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(no_byte_past_the_length_is_read),
		cmocka_unit_test(dates_are_days_that_exist),
		cmocka_unit_test(clocks_move_forward),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
