/* SPDX-License-Identifier: Apache-2.0 */
/* Pointers as text and back. */
#include "fixture.h"

#include "contract/pointer.h"

static void frames_become_a_fragment(void **state)
{
	struct arena *arena = arena_new();
	const struct pointer *items = POINTER_MEMBER(POINTER_ROOT("#"), "line_items");

	(void)state;
	assert_string_equal(pointer_render(arena, POINTER_ROOT("#")), "#");
	assert_string_equal(
		pointer_render(arena, POINTER_MEMBER(POINTER_ITEM(items, 12), "product")),
		"#/line_items/12/product");
	arena_free(arena);
}

static void names_are_escaped(void **state)
{
	static const char *const cases[][2] = { { "a/b", "#/a~1b" }, { "m~n", "#/m~0n" },
		{ "", "#/" }, { "50%", "#/50%25" }, { "a b", "#/a%20b" }, { "\"q\"", "#/%22q%22" },
		{ "é", "#/%C3%A9" }, { "x#[y]", "#/x%23%5By%5D" }, { "a:b@c", "#/a:b@c" } };
	struct arena *arena = arena_new();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(
			pointer_render(arena, POINTER_MEMBER(POINTER_ROOT("#"), cases[i][0])),
			cases[i][1]);
	arena_free(arena);
}

static void long_names_are_cut_between_code_points(void **state)
{
	struct arena *arena = arena_new();
	char name[1000];
	char *text;

	(void)state;
	memset(name, 'a', sizeof(name));
	memcpy(name + POINTER_NAME_BYTES - 1, "é", 2);
	name[999] = '\0';
	text = pointer_render(arena, POINTER_MEMBER(POINTER_ROOT("#"), name));
	assert_int_equal(strlen(text), 2 + POINTER_NAME_BYTES - 1);
	assert_null(strchr(text, '%'));
	arena_free(arena);
}

static void a_reference_finds_its_value(void **state)
{
	json_t *document = json_of("{'a/b': {'m~n': [10, {'x y': 20}]}, '': 30, '%': 40}");

	(void)state;
	assert_ptr_equal(pointer_resolve(document, "#"), document);
	assert_int_equal(json_integer_value(pointer_resolve(document, "#/a~1b/m~0n/0")), 10);
	assert_int_equal(json_integer_value(pointer_resolve(document, "#/a~1b/m~0n/1/x%20y")), 20);
	assert_int_equal(json_integer_value(pointer_resolve(document, "#/")), 30);
	assert_int_equal(json_integer_value(pointer_resolve(document, "#/%25")), 40);
	json_decref(document);
}

static void a_broken_reference_finds_nothing(void **state)
{
	static const char *const broken[] = { "", "a", "/a", "#a", "#/nothing", "#/list/2",
		"#/list/-1", "#/list/", "#/list/1x", "#/~", "#/~2", "#/%", "#/%2", "#/%zz", "#/%00",
		"other.yaml#/a" };
	json_t *document = json_of("{'list': [1, 2], 'a': 1, '~': 2}");

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		if (pointer_resolve(document, broken[i]))
			fail_msg("found: %s", broken[i]);
	json_decref(document);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_become_a_fragment),
		cmocka_unit_test(names_are_escaped),
		cmocka_unit_test(long_names_are_cut_between_code_points),
		cmocka_unit_test(a_reference_finds_its_value),
		cmocka_unit_test(a_broken_reference_finds_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
