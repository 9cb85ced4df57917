/* SPDX-License-Identifier: Apache-2.0 */
/* YAML in, compact JSON or a sentence out. */
#include "fixture.h"

#include "contract/contract.h"

static void assert_json(const char *yaml, const char *json)
{
	struct text error = TEXT_INIT;
	json_t *value = yaml_to_json(yaml, strlen(yaml), &error);
	char *text;

	if (!value)
		fail_msg("%s: %s", yaml, error.bytes);
	text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	assert_string_equal(text, json);
	assert_int_equal(error.length, 0);
	free(text);
	json_decref(value);
}

static void assert_error_of(const char *yaml, size_t length, const char *sentence)
{
	struct text error = TEXT_INIT;

	if (yaml_to_json(yaml, length, &error))
		fail_msg("read: %s", yaml);
	assert_string_equal(error.bytes, sentence);
	text_release(&error);
}

static void assert_error(const char *yaml, const char *sentence)
{
	assert_error_of(yaml, strlen(yaml), sentence);
}

static void containers_nest(void **state)
{
	(void)state;
	assert_json("a:\n  - 1\n  - {b: c, d: []}\ne: {}\n",
		"{\"a\":[1,{\"b\":\"c\",\"d\":[]}],\"e\":{}}");
	assert_json("[[], [1], [[2]]]", "[[],[1],[[2]]]");
	assert_json("# only a comment before\nz: 1\na: 2\n", "{\"z\":1,\"a\":2}");
}

static void plain_scalars_follow_the_core_schema(void **state)
{
	(void)state;
	assert_json("[null, Null, NULL, ~, ]", "[null,null,null,null]");
	assert_json("a:", "{\"a\":null}");
	assert_json(
		"[true, True, TRUE, false, False, FALSE]", "[true,true,true,false,false,false]");
	assert_json("[0, -1, +2, 010, 0x1F, 0o17]", "[0,-1,2,10,31,15]");
	assert_json("[9223372036854775807, -9223372036854775808]",
		"[9223372036854775807,-9223372036854775808]");
	assert_json("[1.5, -0.5, .5, 2., 1e3, 2.5E-1]", "[1.5,-0.5,0.5,2.0,1000.0,0.25]");
}

static void what_older_yaml_read_otherwise_is_text(void **state)
{
	(void)state;
	assert_json("[yes, no, on, off, y, n]", "[\"yes\",\"no\",\"on\",\"off\",\"y\",\"n\"]");
	assert_json("[2026-01-02, 12:30:45, 1_000, 0b11]",
		"[\"2026-01-02\",\"12:30:45\",\"1_000\",\"0b11\"]");
	assert_json("[3.1.0, 1e, ., -, 0x, 0o8, tRue, nULL, e5]",
		"[\"3.1.0\",\"1e\",\".\",\"-\",\"0x\",\"0o8\",\"tRue\",\"nULL\",\"e5\"]");
}

static void quoted_and_block_scalars_are_text(void **state)
{
	(void)state;
	assert_json("['200', \"true\", 'null', '']", "[\"200\",\"true\",\"null\",\"\"]");
	assert_json("a: |\n  12\n", "{\"a\":\"12\\n\"}");
	assert_json("a: >-\n  1\n  2\n", "{\"a\":\"1 2\"}");
	assert_json("\"\\u00e9\\n\"", "\"é\\n\"");
}

static void keys_are_their_text(void **state)
{
	(void)state;
	assert_json("{200: a, true: b, ~: c}", "{\"200\":\"a\",\"true\":\"b\",\"~\":\"c\"}");
	assert_json("? a\n: 1\n", "{\"a\":1}");
}

static void errors_name_the_place(void **state)
{
	(void)state;
	assert_error("a: 1\nb:\n  c: 2\n  c: 3\n", "line 4, column 3: duplicate key 'c'");
	assert_error("200: a\n'200': b\n", "line 2, column 1: duplicate key '200'");
	assert_error("a: &x 1\n", "line 1, column 4: anchors are not supported");
	assert_error("a: &x [1]\n", "line 1, column 4: anchors are not supported");
	assert_error("a: &x {b: 1}\n", "line 1, column 4: anchors are not supported");
	assert_error("&k a: 1\n", "line 1, column 1: anchors are not supported");
	assert_error("a: *x\n", "line 1, column 4: aliases are not supported");
	assert_error("a: !!str 1\n", "line 1, column 4: tags are not supported");
	assert_error("a: !x [1]\n", "line 1, column 4: tags are not supported");
	assert_error("? [a]\n: 1\n", "line 1, column 3: a key must be a single scalar");
	assert_error("a: \"\\0\"\n", "line 1, column 4: NUL is not allowed in text");
	assert_error("\"a\\0\": 1\n", "line 1, column 1: NUL is not allowed in text");
	assert_error("a: .inf\n", "line 1, column 4: JSON has no number .inf");
	assert_error("a: 1e999\n", "line 1, column 4: the number 1e999 is out of range");
	assert_error("a: 9223372036854775808\n",
		"line 1, column 4: the number 9223372036854775808 is out of range");
	assert_error("a: 0xFFFFFFFFFFFFFFFFF\n",
		"line 1, column 4: the number 0xFFFFFFFFFFFFFFFFF is out of range");
	assert_error("a: 1\n---\nb: 2\n", "line 2, column 1: there is a second document");
	assert_error("", "line 1, column 1: the document is empty");
}

static void broken_yaml_is_an_error(void **state)
{
	struct text error = TEXT_INIT;

	(void)state;
	assert_null(yaml_to_json("a: [1, 2\nb: 3\n", 14, &error));
	assert_non_null(strstr(error.bytes, "line 2, column "));
	text_clear(&error);
	assert_null(yaml_to_json("a: \xFF\n", 5, &error));
	assert_true(error.length > 0);
	text_clear(&error);
	assert_null(yaml_to_json("a:\tb: \"\\uD800\"", 14, &error));
	assert_true(error.length > 0);
	text_release(&error);
}

static void depth_is_bounded(void **state)
{
	struct text error = TEXT_INIT;
	char yaml[200];
	json_t *value;

	(void)state;
	memset(yaml, '[', 64);
	memset(yaml + 64, ']', 64);
	yaml[128] = '\0';
	value = yaml_to_json(yaml, 128, &error);
	assert_non_null(value);
	json_decref(value);
	memset(yaml, '[', 65);
	memset(yaml + 65, ']', 65);
	assert_error_of(yaml, 130, "line 1, column 65: nested more than 64 deep");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(containers_nest),
		cmocka_unit_test(plain_scalars_follow_the_core_schema),
		cmocka_unit_test(what_older_yaml_read_otherwise_is_text),
		cmocka_unit_test(quoted_and_block_scalars_are_text),
		cmocka_unit_test(keys_are_their_text),
		cmocka_unit_test(errors_name_the_place),
		cmocka_unit_test(broken_yaml_is_an_error),
		cmocka_unit_test(depth_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
