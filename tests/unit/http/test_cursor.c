/* SPDX-License-Identifier: Apache-2.0 */
/* Cursors: they come back as they were made, and nothing else is taken for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "http/engines.h"

#define QUERY UINT64_C(0x1122334455667788)

static struct app app = { .secret = "0123456789abcdef0123456789abcde" };
static struct actor actor = { .program_id = "01932c07-5f1e-7c3a-9b1d-2f6a4f0d9c11" };

static int setup(void **state)
{
	struct request *request = calloc(1, sizeof *request);
	request->app = &app;
	request->actor = &actor;
	request->arena = arena_new();
	*state = request;
	return sodium_init() < 0;
}

static int teardown(void **state)
{
	struct request *request = *state;
	arena_free(request->arena);
	free(request);
	return 0;
}

static const char *made(const struct request *request, const char *key)
{
	const struct cursor cursor = { .key = key, .id = "01932c07-0000-7000-8000-000000000001" };
	return cursor_make(request, QUERY, &cursor);
}

static enum problem_code refused(const struct request *request, const char *text, uint64_t query)
{
	struct cursor cursor;
	struct problem problem = PROBLEM_INIT;
	assert_false(cursor_read(request, text, query, &cursor, &problem));
	assert_true(problem.is_set);
	return problem.code;
}

static void comes_back_as_it_was_made(void **state)
{
	static const char *const keys[] = { "2026-01-02 03:04:05.678901+00", "", "Łódź, ключ",
		"-9007199254740991" };
	for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		struct cursor cursor;
		struct problem problem = PROBLEM_INIT;
		assert_true(cursor_read(*state, made(*state, keys[i]), QUERY, &cursor, &problem));
		assert_string_equal(cursor.key, keys[i]);
		assert_string_equal(cursor.id, "01932c07-0000-7000-8000-000000000001");
	}
}

static void the_longest_key_fits(void **state)
{
	char key[CURSOR_MAX_KEY_BYTES + 1];
	struct cursor cursor;
	struct problem problem = PROBLEM_INIT;
	memset(key, 'k', sizeof key - 1);
	key[sizeof key - 1] = '\0';
	assert_true(cursor_read(*state, made(*state, key), QUERY, &cursor, &problem));
	assert_string_equal(cursor.key, key);
}

static void belongs_to_one_query(void **state)
{
	assert_int_equal(refused(*state, made(*state, "a"), QUERY + 1), PROBLEM_cursor_mismatch);
}

static void belongs_to_one_program(void **state)
{
	struct request *request = *state;
	const char *text = made(request, "a");
	struct actor other = { .program_id = "01932c07-5f1e-7c3a-9b1d-2f6a4f0d9c12" };
	request->actor = &other;
	assert_int_equal(refused(request, text, QUERY), PROBLEM_invalid_cursor);
}

static void belongs_to_one_installation(void **state)
{
	struct request *request = *state;
	const char *text = made(request, "a");
	struct app other = { .secret = "another secret of thirty-two by" };
	request->app = &other;
	assert_int_equal(refused(request, text, QUERY), PROBLEM_invalid_cursor);
}

static void no_single_character_can_be_changed(void **state)
{
	struct request *request = *state;
	char *text = arena_strdup(request->arena, made(request, "2026-01-02"));
	for (size_t i = 0; text[i] != '\0'; i++) {
		char kept = text[i];
		text[i] = kept == 'A' ? 'B' : 'A';
		assert_int_equal(refused(request, text, QUERY), PROBLEM_invalid_cursor);
		text[i] = kept;
	}
}

static void what_is_none_is_refused(void **state)
{
	char longer[2000];
	memset(longer, 'A', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	const char *const texts[] = { "", "A", "AQ", "not base64!", "AQ==", longer };
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_int_equal(refused(*state, texts[i], QUERY), PROBLEM_invalid_cursor);
	char *cut = arena_strdup(((struct request *)*state)->arena, made(*state, "2026"));
	while (cut[0] != '\0') {
		cut[strlen(cut) - 1] = '\0';
		assert_int_equal(refused(*state, cut, QUERY), PROBLEM_invalid_cursor);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(comes_back_as_it_was_made, setup, teardown),
		cmocka_unit_test_setup_teardown(the_longest_key_fits, setup, teardown),
		cmocka_unit_test_setup_teardown(belongs_to_one_query, setup, teardown),
		cmocka_unit_test_setup_teardown(belongs_to_one_program, setup, teardown),
		cmocka_unit_test_setup_teardown(belongs_to_one_installation, setup, teardown),
		cmocka_unit_test_setup_teardown(
			no_single_character_can_be_changed, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_none_is_refused, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
