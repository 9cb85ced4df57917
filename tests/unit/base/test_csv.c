/* SPDX-License-Identifier: Apache-2.0 */
/* Tables as text: what is written is read again as it was, and no cell is a formula. */
#include "base/csv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define MOST         8

static const struct {
	const char *text, *cell;
} texts[] = {
	{ "", "" },
	{ "plain", "plain" },
	{ "=1+1", "'=1+1" },
	{ "+49", "'+49" },
	{ "-2", "'-2" },
	{ "@a", "'@a" },
	{ "\tx", "\"'\tx\"" },
	{ "\rx", "\"'\rx\"" },
	{ "\nx", "\"'\nx\"" },
	{ "  =x", "\"'  =x\"" },
	{ "'x", "''x" },
	{ "\xef\xbc\x9d"
	  "1",
		"'\xef\xbc\x9d"
		"1" },
	{ "\xef\xbc\xa0", "'\xef\xbc\xa0" },
	{ "1-1", "1-1" },
	{ "a,b", "\"a,b\"" },
	{ "a;b", "\"a;b\"" },
	{ "a\"b", "\"a\"\"b\"" },
	{ "a\nb", "\"a\nb\"" },
	{ "x ", "\"x \"" },
	{ "=a,\"b\"", "\"'=a,\"\"b\"\"\"" },
};

static void texts_are_made_harmless_and_come_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct text out = TEXT_INIT;
		struct arena *arena = arena_new();
		struct slice cells[MOST];
		size_t count, used;

		csv_append_text(&out, texts[i].text, strlen(texts[i].text));
		text_append_string(&out, "");
		assert_string_equal(out.bytes, texts[i].cell);
		text_append_string(&out, ",end\r\n");
		assert_int_equal(
			csv_read(out.bytes, out.length, false, arena, cells, MOST, &count, &used),
			CSV_RECORD);
		assert_int_equal(count, 2);
		assert_int_equal(used, out.length);
		assert_true(slice_is(cells[0], texts[i].text));
		text_release(&out);
		arena_free(arena);
	}
}

/* A record, in full and cut at the bar. */
static const struct {
	const char *bytes;
	bool is_all;
	enum csv_end end;
	size_t count, used;
	const char *last;
} records[] = {
	{ "a,b\r\nc", false, CSV_RECORD, 2, 5, "b" },
	{ "a,b\nc", false, CSV_RECORD, 2, 4, "b" },
	{ "a,b\n", false, CSV_RECORD, 2, 4, "b" },
	{ "a,b\r", false, CSV_MORE, 2, 0, NULL },
	{ "a,b", false, CSV_MORE, 2, 0, NULL },
	{ "a,b", true, CSV_RECORD, 2, 3, "b" },
	{ "a,b\r", true, CSV_RECORD, 2, 4, "b" },
	{ "a,", true, CSV_RECORD, 2, 2, "" },
	{ "\nx", false, CSV_RECORD, 1, 1, "" },
	{ "a,\"b,\nc\"\nd", false, CSV_RECORD, 2, 9, "b,\nc" },
	{ "\"a\"\"\"\n", false, CSV_RECORD, 1, 6, "a\"" },
	{ "\"\"\n", false, CSV_RECORD, 1, 3, "" },
	{ "\"a", false, CSV_MORE, 0, 0, NULL },
	{ "\"a\nb", true, CSV_MISPLACED, 0, 4, NULL },
	{ "a\"b\nc", false, CSV_MISPLACED, 0, 4, NULL },
	{ "\"a\"b\nc", false, CSV_MISPLACED, 1, 5, NULL },
	{ "\"a\"b", false, CSV_MORE, 1, 0, NULL },
	{ "1,2,3,4,5,6,7,8,9\n", false, CSV_TOO_MANY, 9, 18, NULL },
	{ "a\rb\n", false, CSV_RECORD, 1, 4, "a\rb" },
	{ "'=1,'=2\n", false, CSV_RECORD, 2, 8, "=2" },
	{ "'x,'y\n", false, CSV_RECORD, 2, 6, "'y" },
};

static void records_are_read_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(records); i++) {
		struct arena *arena = arena_new();
		struct slice cells[MOST];
		size_t count = 0, used = 0, length = strlen(records[i].bytes);
		char *exact = malloc(length);

		memcpy(exact, records[i].bytes, length);
		assert_int_equal(csv_read(exact, length, records[i].is_all, arena, cells, MOST,
					 &count, &used),
			records[i].end);
		assert_int_equal(count, records[i].count);
		if (records[i].end != CSV_MORE)
			assert_int_equal(used, records[i].used);
		if (records[i].last != NULL)
			assert_true(slice_is(cells[count - 1], records[i].last));
		free(exact);
		arena_free(arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_made_harmless_and_come_back),
		cmocka_unit_test(records_are_read_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
