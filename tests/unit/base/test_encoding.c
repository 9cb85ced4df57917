/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8, hexadecimal and base64url: one accepted spelling of each value, everything else refused.
 */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define VALID(literal)   assert_true(utf8_is_valid(literal, sizeof(literal) - 1))
#define INVALID(literal) assert_false(utf8_is_valid(literal, sizeof(literal) - 1))

static void utf8_takes_the_ends_of_every_range(void **state)
{
	(void)state;
	VALID("");
	VALID("\x00\x7f");
	VALID("\xc2\x80\xdf\xbf");
	VALID("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf");
	VALID("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
	VALID("eight by\xc3\xa9 and more ascii");
}

static void utf8_refuses_what_rfc_3629_refuses(void **state)
{
	(void)state;
	INVALID("\x80");
	INVALID("\xc0\xaf");
	INVALID("\xc1\xbf");
	INVALID("\xe0\x9f\xbf");
	INVALID("\xed\xa0\x80");
	INVALID("\xf0\x8f\xbf\xbf");
	INVALID("\xf4\x90\x80\x80");
	INVALID("\xf5\x80\x80\x80");
	INVALID("\xff");
	INVALID("\xc3");
	INVALID("\xe2\x82");
	INVALID("\xe2\x82z");
	INVALID("\xf0\x9f\x98");
	INVALID("\xf0\x9fz\x80");
	INVALID("sixteen bytes ..\xe9");
}

/* Every code point in the only form there is; the surrogates in the form they would have. */
static void utf8_agrees_with_the_definition(void **state)
{
	(void)state;
	for (uint32_t code = 0x800; code <= 0x10ffff; code++) {
		char three[] = { (char)(0xe0 | code >> 12), (char)(0x80 | (code >> 6 & 0x3f)),
			(char)(0x80 | (code & 0x3f)) };
		char four[] = { (char)(0xf0 | code >> 18), (char)(0x80 | (code >> 12 & 0x3f)),
			three[1], three[2] };
		bool is_surrogate = code >= 0xd800 && code <= 0xdfff;

		if (code <= 0xffff)
			assert_int_equal(utf8_is_valid(three, 3), !is_surrogate);
		assert_int_equal(utf8_is_valid(four, 4), code > 0xffff);
	}
}

static void utf8_length_counts_code_points(void **state)
{
	(void)state;
	assert_int_equal(utf8_length("", 0), 0);
	assert_int_equal(utf8_length("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 10), 4);
}

static void hex_is_lower_case(void **state)
{
	char out[9];

	(void)state;
	hex_encode((const unsigned char *)"\x00\x9a\xbc\xff", 4, out);
	assert_string_equal(out, "009abcff");
	hex_encode(NULL, 0, out);
	assert_string_equal(out, "");
}

static void base64url_writes_the_vectors_of_rfc_4648(void **state)
{
	static const char *const vectors[][2] = { { "", "" }, { "f", "Zg" }, { "fo", "Zm8" },
		{ "foo", "Zm9v" }, { "foob", "Zm9vYg" }, { "fooba", "Zm9vYmE" },
		{ "foobar", "Zm9vYmFy" }, { "\xfb\xff\xfe", "-__-" } };
	char out[BASE64URL_BYTES(6)];

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		size_t length = strlen(vectors[i][0]);
		size_t written =
			base64url_encode((const unsigned char *)vectors[i][0], length, out);

		assert_string_equal(out, vectors[i][1]);
		assert_int_equal(written, strlen(out));
		assert_true(written < BASE64URL_BYTES(length));
	}
}

static void base64url_reads_back_what_it_wrote(void **state)
{
	unsigned char bytes[256];
	unsigned char read[256];
	char text[BASE64URL_BYTES(256)];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 37 + 11);
	for (size_t length = 0; length <= sizeof(bytes); length++) {
		size_t written = base64url_encode(bytes, length, text);
		size_t count = 999;

		assert_true(base64url_decode(text, written, read, &count));
		assert_int_equal(count, length);
		assert_memory_equal(read, bytes, length);
	}
}

static void base64url_has_one_spelling_only(void **state)
{
	static const char *const refused[] = { "Z", "A", "Zm9vA", "Zg==", "Zm8=", "Zh", "Zm9",
		"Zm9vY", "Zm+v", "Zm/v", "Zm9 ", "Zm9\n", "Zg\xc3\xa9" };
	unsigned char out[8];
	size_t length;

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_false(base64url_decode(refused[i], strlen(refused[i]), out, &length));
	assert_false(base64url_decode("Zm\0v", 4, out, &length));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_takes_the_ends_of_every_range),
		cmocka_unit_test(utf8_refuses_what_rfc_3629_refuses),
		cmocka_unit_test(utf8_agrees_with_the_definition),
		cmocka_unit_test(utf8_length_counts_code_points),
		cmocka_unit_test(hex_is_lower_case),
		cmocka_unit_test(base64url_writes_the_vectors_of_rfc_4648),
		cmocka_unit_test(base64url_reads_back_what_it_wrote),
		cmocka_unit_test(base64url_has_one_spelling_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
