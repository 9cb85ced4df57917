/* SPDX-License-Identifier: Apache-2.0 */
/* When the keys of a provider are read, and for how long they are good, by a clock that the test
 * sets. Documents are in tests/api/test_oidc*.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/key_source.h"

#include "base/clock.h"

#include <string.h>

#define SECONDS(count) ((count)*CLOCK_SECOND_US)
#define START          SECONDS(INT64_C(1000000))
#define PROVIDER       "01932bf3-4d33-7f44-8d34-6c7d8e9fa0b1"
#define PROGRAM        "01932bf0-1a00-7c11-8a01-3f5f6f7a8b01"
#define JWKS                                                            \
	"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"one\"," \
	"\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","        \
	"\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}]}"

static struct key_source *a_source(void)
{
	return source_make("https://login.example.test", PROVIDER, PROGRAM);
}

static void read_well(struct key_source *source, int64_t now_us)
{
	source_begin(source);
	source_end(source, jwks_read(JWKS, strlen(JWKS)), SOURCE_FAULT_none, now_us);
}

static void read_badly(struct key_source *source, int64_t now_us)
{
	source_begin(source);
	source_end(source, NULL, SOURCE_FAULT_unreachable, now_us);
}

static uint64_t reading_of(struct key_source *source, int64_t now_us, bool *ret_has_keys)
{
	uint64_t reading;
	struct foreign_keys *keys = source_keys(source, now_us, &reading);

	*ret_has_keys = keys != NULL;
	foreign_keys_release(keys);
	return reading;
}

static void read_at_once_and_every_ten_minutes(void **state)
{
	struct key_source *source = a_source();
	(void)state;

	assert_true(source_due_us(source) <= START);
	source_begin(source);
	assert_true(source_due_us(source) == INT64_MAX);
	source_end(source, jwks_read(JWKS, strlen(JWKS)), SOURCE_FAULT_none, START);
	assert_true(source_due_us(source) == START + SECONDS(SOURCE_REFRESH_S));
	source_release(source);
}

static void an_unknown_kid_is_worth_a_reading_once_a_minute(void **state)
{
	struct key_source *source = a_source();
	int64_t now_us = START;
	bool has_keys;
	(void)state;

	read_well(source, now_us);
	uint64_t reading = reading_of(source, now_us, &has_keys);
	assert_true(source_want(source, ++now_us, reading));
	/* Whoever comes before it has begun, or while it lasts, waits for it, too. */
	assert_true(source_due_us(source) == now_us);
	assert_true(source_want(source, now_us, reading));
	source_begin(source);
	assert_true(source_want(source, now_us, reading));
	source_end(source, jwks_read(JWKS, strlen(JWKS)), SOURCE_FAULT_none, now_us);
	/* Whoever looked before it ended looks again without another. */
	assert_true(source_want(source, now_us, reading));
	assert_true(source_wait(source, reading, 0));
	assert_true(source_due_us(source) == now_us + SECONDS(SOURCE_REFRESH_S));
	reading = reading_of(source, now_us, &has_keys);
	assert_false(source_want(source, now_us + SECONDS(SOURCE_REFETCH_S) - 1, reading));
	assert_true(source_want(source, now_us + SECONDS(SOURCE_REFETCH_S), reading));
	source_release(source);
}

static void failures_make_the_pauses_longer(void **state)
{
	struct key_source *source = a_source();
	static const int64_t pauses_s[] = { 15, 30, 60, 120, 240, 480, 600, 600 };
	(void)state;

	for (size_t i = 0; i < sizeof pauses_s / sizeof *pauses_s; i++) {
		assert_int_equal(source_retry_s((unsigned)i + 1), pauses_s[i]);
		read_badly(source, START);
		assert_true(source_due_us(source) == START + SECONDS(pauses_s[i]));
	}
	assert_int_equal(source_retry_s(4000000000u), SOURCE_REFRESH_S);
	read_well(source, START);
	read_badly(source, START);
	assert_true(source_due_us(source) == START + SECONDS(SOURCE_RETRY_FIRST_S));
	source_release(source);
}

static void a_failure_keeps_the_keys_for_a_day(void **state)
{
	struct key_source *source = a_source();
	bool has_keys;
	(void)state;

	reading_of(source, START, &has_keys);
	assert_false(has_keys);
	read_well(source, START);
	read_badly(source, START + SECONDS(SOURCE_REFRESH_S));
	reading_of(source, START + SECONDS(SOURCE_STALE_S), &has_keys);
	assert_true(has_keys);
	reading_of(source, START + SECONDS(SOURCE_STALE_S) + 1, &has_keys);
	assert_false(has_keys);
	source_release(source);
}

static void who_waits_too_long_is_told(void **state)
{
	struct key_source *source = a_source();
	(void)state;

	assert_false(source_wait(source, 0, clock_monotonic_us()));
	source_release(source);
}

static void metadata_is_of_this_issuer(void **state)
{
	char uri[SOURCE_URL_BYTES];
	const char *good = "{\"issuer\":\"https://a\",\"jwks_uri\":\"https://b/jwks\"}";
	(void)state;

	assert_int_equal(metadata_read(good, strlen(good), "https://a", uri), SOURCE_FAULT_none);
	assert_string_equal(uri, "https://b/jwks");
	assert_int_equal(
		metadata_read(good, strlen(good), "https://a/", uri), SOURCE_FAULT_issuer_differs);
	assert_int_equal(metadata_read("{}", 2, "https://a", uri), SOURCE_FAULT_bad_metadata);
	assert_int_equal(metadata_read("", 0, "https://a", uri), SOURCE_FAULT_bad_metadata);
	assert_int_equal(metadata_read("[]", 2, "https://a", uri), SOURCE_FAULT_bad_metadata);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(read_at_once_and_every_ten_minutes),
		cmocka_unit_test(an_unknown_kid_is_worth_a_reading_once_a_minute),
		cmocka_unit_test(failures_make_the_pauses_longer),
		cmocka_unit_test(a_failure_keeps_the_keys_for_a_day),
		cmocka_unit_test(who_waits_too_long_is_told),
		cmocka_unit_test(metadata_is_of_this_issuer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
