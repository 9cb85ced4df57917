/* SPDX-License-Identifier: Apache-2.0 */
/* The buffer of answers and log lines; JSON escapes are compared with jansson's reading of them. */
#include "base/text.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void appends_grow_and_stay_terminated(void **state)
{
	struct text text = TEXT_INIT;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		text_append(&text, "abc", 3);
		text_append_char(&text, 'd');
		text_append_string(&text, "");
		assert_int_equal(strlen(text.bytes), text.length);
	}
	assert_int_equal(text.length, 4000);
	assert_string_equal(text.bytes + 3996, "abcd");
	text_release(&text);
	assert_null(text.bytes);
}

static void an_empty_text_is_an_empty_string_once_used(void **state)
{
	struct text text = TEXT_INIT;

	(void)state;
	text_append(&text, NULL, 0);
	assert_string_equal(text.bytes, "");
	text_append_string(&text, "word");
	text_clear(&text);
	assert_string_equal(text.bytes, "");
	assert_int_equal(text.length, 0);
	text_release(&text);
	text_clear(&text);
	assert_null(text.bytes);
}

static void reserve_makes_appends_stay_in_place(void **state)
{
	struct text text = TEXT_INIT;
	char *before;

	(void)state;
	text_reserve(&text, 10000);
	before = text.bytes;
	for (int i = 0; i < 10000; i++)
		text_append_char(&text, 'x');
	assert_ptr_equal(text.bytes, before);
	text_release(&text);
}

/* The NUL needs room of its own at every length, also where a buffer would be exactly full. */
static void every_length_has_room_for_its_nul(void **state)
{
	static const char bytes[2049] = { 0 };

	(void)state;
	for (size_t length = 0; length < sizeof(bytes); length++) {
		struct text text = TEXT_INIT;

		text_append(&text, bytes, length);
		assert_int_equal(text.length, length);
		assert_true(text.capacity > length);
		text_release(&text);
	}
}

static void integers_are_written_to_the_ends_of_their_range(void **state)
{
	struct text text = TEXT_INIT;

	(void)state;
	text_append_int64(&text, 0);
	text_append_char(&text, ' ');
	text_append_int64(&text, INT64_MIN);
	text_append_char(&text, ' ');
	text_append_int64(&text, INT64_MAX);
	text_append_char(&text, ' ');
	text_append_int64(&text, -10);
	assert_string_equal(text.bytes, "0 -9223372036854775808 9223372036854775807 -10");
	text_release(&text);
}

static void formatted_text_may_be_longer_than_the_room(void **state)
{
	struct text text = TEXT_INIT;

	(void)state;
	text_append_string(&text, "n=");
	text_appendf(&text, "%05000d", 7);
	text_appendf(&text, "%s", "");
	assert_int_equal(text.length, 5002);
	assert_string_equal(text.bytes + 5000, "07");
	text_release(&text);
}

static void assert_json(const char *bytes, size_t length, const char *expected)
{
	struct text text = TEXT_INIT;

	text_append_json(&text, bytes, length);
	assert_string_equal(text.bytes, expected);
	text_release(&text);
}

static void json_strings_escape_what_rfc_8259_demands(void **state)
{
	(void)state;
	assert_json("", 0, "\"\"");
	assert_json("plain", 5, "\"plain\"");
	assert_json("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
	assert_json("\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\"");
	assert_json("\0\x01\x1f", 3, "\"\\u0000\\u0001\\u001f\"");
	assert_json("/\x7f\xc3\xa9", 4, "\"/\x7f\xc3\xa9\"");
	assert_json(
		"twelve bytes and a \" after them", 31, "\"twelve bytes and a \\\" after them\"");
}

/* Every byte at every place of a word, among ASCII and among bytes with the high bit set. */
static void json_strings_read_back_the_same(void **state)
{
	static const char *const fillers[] = { "abcdefghijklmnopq",
		"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9" };

	(void)state;
	for (size_t i = 0; i < 2 * 128 * 18; i++) {
		const char *filler = fillers[i % 2];
		size_t place = i / 2 / 128 % strlen(filler) / 2 * 2;
		struct text raw = TEXT_INIT;
		struct text json = TEXT_INIT;
		json_t *read;

		text_append(&raw, filler, place);
		text_append_char(&raw, (char)(i / 2 % 128));
		text_append_string(&raw, filler + place);
		text_append_json(&json, raw.bytes, raw.length);
		read = json_loadb(json.bytes, json.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
		assert_non_null(read);
		assert_int_equal(json_string_length(read), raw.length);
		assert_memory_equal(json_string_value(read), raw.bytes, raw.length);
		json_decref(read);
		text_release(&json);
		text_release(&raw);
	}
}

static void detached_bytes_belong_to_the_caller(void **state)
{
	struct text text = TEXT_INIT;
	size_t length = 9;
	char *bytes = text_detach(&text, &length);

	(void)state;
	assert_string_equal(bytes, "");
	assert_int_equal(length, 0);
	free(bytes);
	text_append_string(&text, "kept");
	bytes = text_detach(&text, NULL);
	assert_null(text.bytes);
	assert_string_equal(bytes, "kept");
	free(bytes);
}

static void slices_compare_whole(void **state)
{
	(void)state;
	assert_true(slice_is(slice_of("deal"), "deal"));
	assert_false(slice_is(slice_of("deal"), "deals"));
	assert_false(slice_is(slice_of("deals"), "deal"));
	assert_true(slice_is((struct slice){ NULL, 0 }, ""));
	assert_int_equal(SLICE("four").length, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(appends_grow_and_stay_terminated),
		cmocka_unit_test(an_empty_text_is_an_empty_string_once_used),
		cmocka_unit_test(reserve_makes_appends_stay_in_place),
		cmocka_unit_test(every_length_has_room_for_its_nul),
		cmocka_unit_test(integers_are_written_to_the_ends_of_their_range),
		cmocka_unit_test(formatted_text_may_be_longer_than_the_room),
		cmocka_unit_test(json_strings_escape_what_rfc_8259_demands),
		cmocka_unit_test(json_strings_read_back_the_same),
		cmocka_unit_test(detached_bytes_belong_to_the_caller),
		cmocka_unit_test(slices_compare_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
