/* SPDX-License-Identifier: Apache-2.0 */
/* The vectors of RFC 6238 appendix B (its last six digits) and of RFC 4648, and a window of three
 * steps of which each is good once. */
#include "http/totp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const unsigned char seed[] = "12345678901234567890";

static const struct {
	int64_t time_s;
	const char *code;
} vectors[] = {
	{ 59, "287082" },
	{ 1111111109, "081804" },
	{ 1111111111, "050471" },
	{ 1234567890, "005924" },
	{ 2000000000, "279037" },
	{ 20000000000, "353130" },
};

#define VECTORS (sizeof vectors / sizeof vectors[0])

static void codes_are_those_of_the_rfc(void **state)
{
	char code[TOTP_CODE_BYTES];

	(void)state;
	for (size_t i = 0; i < VECTORS; i++) {
		totp_code(seed, vectors[i].time_s / TOTP_STEP_S, code);
		assert_string_equal(code, vectors[i].code);
	}
}

static void one_step_early_and_late_is_good(void **state)
{
	int64_t step;

	(void)state;
	for (size_t i = 0; i < VECTORS; i++) {
		int64_t own = vectors[i].time_s / TOTP_STEP_S;
		for (int64_t off = -3; off <= 3; off++) {
			step = -1;
			bool is_near = off >= -1 && off <= 1;
			assert_int_equal(totp_match(seed, vectors[i].code,
						 (own + off) * TOTP_STEP_S, 0, &step),
				is_near);
			assert_int_equal(step, is_near ? own : -1);
		}
	}
}

static void a_step_is_good_once(void **state)
{
	int64_t now_s = vectors[3].time_s;
	int64_t own = now_s / TOTP_STEP_S;
	int64_t step;

	(void)state;
	assert_true(totp_match(seed, vectors[3].code, now_s, own - 1, &step));
	assert_false(totp_match(seed, vectors[3].code, now_s, own, &step));
	assert_false(totp_match(seed, vectors[3].code, now_s, own + 1, &step));
}

static void what_is_no_code_never_fits(void **state)
{
	static const char *const others[] = { "", "0", "05924", "0059240", "005924 ", " 005924",
		"00592\xc3\xa4", "005925", "5924", "+05924" };
	int64_t step;

	(void)state;
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		assert_false(totp_match(seed, others[i], vectors[3].time_s, 0, &step));
}

static void base32_is_that_of_the_rfc(void **state)
{
	static const char *const pairs[][2] = { { "", "" }, { "f", "MY" }, { "fo", "MZXQ" },
		{ "foo", "MZXW6" }, { "foob", "MZXW6YQ" }, { "fooba", "MZXW6YTB" },
		{ "foobar", "MZXW6YTBOI" } };
	struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
		assert_string_equal(
			base32_text((const unsigned char *)pairs[i][0], strlen(pairs[i][0]), arena),
			pairs[i][1]);
	arena_free(arena);
}

static void uris_hold_any_name(void **state)
{
	struct arena *arena = arena_new();

	(void)state;
	assert_string_equal(totp_uri("MY", "Lumen & S\xc3\xb6hne: 100 %", "a+b@c.example", arena),
		"otpauth://totp/Lumen%20%26%20S%C3%B6hne%3A%20100%20%25:a%2Bb%40c.example?secret=MY"
		"&issuer=Lumen%20%26%20S%C3%B6hne%3A%20100%20%25&algorithm=SHA1&digits=6&period="
		"30");
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_are_those_of_the_rfc),
		cmocka_unit_test(one_step_early_and_late_is_good),
		cmocka_unit_test(a_step_is_good_once),
		cmocka_unit_test(what_is_no_code_never_fits),
		cmocka_unit_test(base32_is_that_of_the_rfc),
		cmocka_unit_test(uris_hold_any_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
