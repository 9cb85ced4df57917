/* SPDX-License-Identifier: Apache-2.0 */
/* Values against schemas: which violations, where, and in which words. */
#include "fixture.h"

struct judgement {
	const char *schema, *value, *violations;
};

static void judge_all(const struct judgement *judgements, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_judged(judgements[i].schema, judgements[i].value, judgements[i].violations);
}

#define JUDGE_ALL(table) judge_all(table, sizeof(table) / sizeof((table)[0]))

static void types(void **state)
{
	static const struct judgement table[] = {
		{ "{'type': 'string'}", "'a'", "" },
		{ "{'type': 'string'}", "null", "wrong_type #" },
		{ "{'type': ['string', 'null']}", "null", "" },
		{ "{'type': 'integer'}", "1", "" },
		{ "{'type': 'integer'}", "1.5", "wrong_type #" },
		{ "{'type': 'integer'}", "1.0",
			"wrong_type #" }, /* money is written as an integer */
		{ "{'type': 'number'}", "1", "" },
		{ "{'type': 'number'}", "1.5", "" },
		{ "{'type': 'number'}", "'1'", "wrong_type #" },
		{ "{'type': 'boolean'}", "true", "" },
		{ "{'type': 'boolean'}", "0", "wrong_type #" },
		{ "{'type': 'array'}", "{}", "wrong_type #" },
		{ "{'type': 'object'}", "[]", "wrong_type #" },
		{ "{}", "[{}]", "" },
	};

	(void)state;
	JUDGE_ALL(table);
}

static void numbers(void **state)
{
	static const struct judgement table[] = {
		{ "{'minimum': 1, 'maximum': 3}", "1", "" },
		{ "{'minimum': 1, 'maximum': 3}", "3", "" },
		{ "{'minimum': 1, 'maximum': 3}", "0", "too_small #" },
		{ "{'minimum': 1, 'maximum': 3}", "3.5", "too_large #" },
		{ "{'minimum': 1}", "'a'", "" },
		{ "{'exclusiveMinimum': 0}", "0", "too_small #" },
		{ "{'exclusiveMinimum': 0}", "0.1", "" },
		{ "{'exclusiveMaximum': 10}", "10", "too_large #" },
		{ "{'maximum': 9007199254740992}", "9007199254740993", "too_large #" },
		{ "{'maximum': 9223372036854775806}", "9223372036854775807", "too_large #" },
		{ "{'multipleOf': 5}", "15", "" },
		{ "{'multipleOf': 5}", "-10", "" },
		{ "{'multipleOf': 5}", "12", "invalid_format #" },
		{ "{'multipleOf': 5}", "2.5", "invalid_format #" },
		{ "{'type': 'integer', 'format': 'int32'}", "2147483647", "" },
		{ "{'type': 'integer', 'format': 'int32'}", "2147483648", "too_large #" },
		{ "{'type': 'integer', 'format': 'int32'}", "-2147483649", "too_small #" },
		{ "{'format': 'int32', 'minimum': 5}", "4", "too_small #" },
		{ "{'type': 'integer', 'format': 'int64'}", "-9223372036854775808", "" },
	};

	(void)state;
	JUDGE_ALL(table);
}

static void strings(void **state)
{
	static const struct judgement table[] = {
		{ "{'minLength': 1}", "''", "too_short #" },
		{ "{'maxLength': 2}", "'éé'", "" }, /* code points, not bytes */
		{ "{'maxLength': 2}", "'😀😀'", "" },
		{ "{'maxLength': 2}", "'abc'", "too_long #" },
		{ "{'maxLength': 2}", "[1, 2, 3]", "" },
		{ "{'pattern': '^[A-Z]{3}$'}", "'EUR'", "" },
		{ "{'pattern': '^[A-Z]{3}$'}", "'euro'", "invalid_format #" },
		{ "{'pattern': '^[A-Z]{3}$', 'maxLength': 3}", "'euro'",
			"too_long #" }, /* one is enough */
		{ "{'format': 'date'}", "'2026-02-30'", "invalid_format #" },
		{ "{'format': 'uuid'}", "'01932c07-5f1e-7c3a-9b1d-2f6a4f0d9c11'", "" },
		{ "{'format': 'email'}", "1", "" },
		{ "{'format': 'uuid', 'minLength': 36}", "'x'", "invalid_format #" },
		{ "{'format': 'email', 'maxLength': 5}", "'a@b.example'", "too_long #" },
	};

	(void)state;
	JUDGE_ALL(table);
}

static void control_characters(void **state)
{
	static const struct judgement table[] = {
		{ "{'type': 'string'}", "'a\\tb\\r\\nc'", "" },
		{ "{'type': 'string'}", "'\\u0001'", "invalid_format #" },
		{ "{'type': 'string'}", "'a\\u001f'", "invalid_format #" },
		{ "{'type': 'string'}", "'a\\bb'", "invalid_format #" },
		{ "{'type': 'string'}", "'\\u007f'", "invalid_format #" },
		{ "{'type': 'string'}", "'\\u0080 '", "" },
		{ "{}", "'\\u000b'", "invalid_format #" },
		{ "{'items': {'maxLength': 1}}", "['\\u0001\\u0002', 'a']", "invalid_format #/0" },
		{ "{'propertyNames': {'maxLength': 9}}", "{'a\\u007f': 1}",
			"invalid_format #/a%7F" },
		{ "{'additionalProperties': {'type': 'integer'}}", "{'\\u0001': 1, 'a': 2}",
			"invalid_format #/%01" },
		{ "{'type': 'object'}", "{'\\u0001': 1}", "invalid_format #/%01" },
	};

	(void)state;
	JUDGE_ALL(table);
	assert_detail("{'type': 'string', 'x-message': 'A name.'}", "'\\u0007'",
		"Control characters are not allowed.");
}

static void choices(void **state)
{
	static const struct judgement table[] = {
		{ "{'enum': ['a', 1, null]}", "'a'", "" },
		{ "{'enum': ['a', 1, null]}", "1.0", "" },
		{ "{'enum': ['a', 1, null]}", "null", "" },
		{ "{'enum': ['a', 1, null]}", "'1'", "invalid_choice #" },
		{ "{'enum': [{'a': [1, 2]}]}", "{'a': [1.0, 2]}", "" },
		{ "{'enum': [{'a': [1, 2]}]}", "{'a': [2, 1]}", "invalid_choice #" },
		{ "{'enum': [true]}", "1", "invalid_choice #" },
		{ "{'const': 'deal'}", "'deal'", "" },
		{ "{'const': 'deal'}", "'tier'", "invalid_choice #" },
		{ "{'const': null}", "0", "invalid_choice #" },
	};

	(void)state;
	JUDGE_ALL(table);
}

static void arrays(void **state)
{
	static const struct judgement table[] = {
		{ "{'items': {'type': 'integer'}}", "[1, 'a', 2, null]",
			"wrong_type #/1\nwrong_type #/3" },
		{ "{'minItems': 1}", "[]", "too_short #" },
		{ "{'maxItems': 1}", "[1, 2]", "too_long #" },
		{ "{'uniqueItems': true, 'maxItems': 5}", "[1, '1', true, [1], {'a': 1}]", "" },
		{ "{'uniqueItems': true, 'maxItems': 5}", "[1, 2, 1.0, 1]",
			"not_unique #/2\nnot_unique #/3" },
		{ "{'uniqueItems': true, 'maxItems': 5}", "[{'a': 1, 'b': 2}, {'b': 2, 'a': 1}]",
			"not_unique #/1" },
		{ "{'uniqueItems': true, 'maxItems': 2}", "[1, 1, 1]", "too_long #" },
		{ "{'uniqueItems': false}", "[1, 1]", "" },
	};

	(void)state;
	JUDGE_ALL(table);
}

#define MONEY                                                                                   \
	"{'type': 'object', 'required': ['amount', 'currency'], 'additionalProperties': false," \
	" 'properties': {'amount': {'type': 'integer'}, 'currency': {'type': 'string'},"        \
	" 'id': {'type': 'string', 'readOnly': true}}}"

static void objects(void **state)
{
	static const struct judgement table[] = {
		{ MONEY, "{'amount': 1, 'currency': 'EUR'}", "" },
		{ MONEY, "{}", "required #/amount\nrequired #/currency" },
		{ MONEY, "{'amount': 'x', 'curency': 'EUR'}",
			"wrong_type #/amount\nrequired #/currency\nunknown_field #/curency" },
		{ MONEY, "{'amount': 1, 'currency': 'EUR', 'id': 'x'}", "read_only_field #/id" },
		{ "{'minProperties': 1, 'maxProperties': 2}", "{}", "too_short #" },
		{ "{'minProperties': 1, 'maxProperties': 2}", "{'a': 1, 'b': 2, 'c': 3}",
			"too_long #" },
		{ "{'additionalProperties': true}", "{'a': 1}", "" },
		{ "{'properties': {'a': {}}, 'additionalProperties': {'type': 'string'}}",
			"{'a': 1, 'b': 'c', 'd/e': 2}", "wrong_type #/d~1e" },
		{ "{'propertyNames': {'maxLength': 3, 'pattern': '^[a-z]+$'}}",
			"{'abc': 1, 'abcd': 2, 'A': 3}", "too_long #/abcd\ninvalid_format #/A" },
		{ "{'type': 'object', 'properties': {'a': {'properties': {'b': {'type': "
		  "'null'}}}}}",
			"{'a': {'b': 1, 'c': 2}, 'd': 3}", "wrong_type #/a/b" },
	};

	(void)state;
	JUDGE_ALL(table);
}

static void violations_are_sentences(void **state)
{
	static const struct judgement table[] = {
		{ "{'type': 'integer'}", "1.5", "Whole number." },
		{ "{'type': ['string', 'null']}", "1", "A string or null." },
		{ "{'type': ['null', 'object']}", "1", "An object or null." },
		{ "{'type': 'boolean'}", "1", "True or false." },
		{ "{'minLength': 1}", "''", "At least 1 character." },
		{ "{'minLength': 2}", "''", "At least 2 characters." },
		{ "{'maxItems': 1}", "[1, 2]", "At most 1 element." },
		{ "{'minimum': 1}", "0", "At least 1." },
		{ "{'minimum': -9223372036854775808}", "-1e30", "At least -9223372036854775808." },
		{ "{'maximum': 0.1}", "1", "At most 0.1." },
		{ "{'exclusiveMinimum': 0}", "0", "More than 0." },
		{ "{'exclusiveMaximum': 5}", "5", "Less than 5." },
		{ "{'multipleOf': 5}", "1", "A multiple of 5." },
		{ "{'format': 'email'}", "'a'", "An e-mail address." },
		{ "{'pattern': 'b'}", "'a'", "Not in the expected form." },
		{ "{'pattern': '^[A-Z]{3}$', 'x-message': 'Three capital letters, ISO 4217.'}",
			"'EURO'", "Three capital letters, ISO 4217." },
		{ "{'type': 'integer', 'x-message': 'Whole minor units.'}", "1.5",
			"Whole minor units." },
		{ "{'enum': ['won', 'lost', null]}", "'x'", "One of: won, lost, null." },
		{ "{'const': 1}", "2", "One of: 1." },
		{ "{'uniqueItems': true, 'maxItems': 5}", "[7, 8, 7]", "The same as element 0." },
		{ MONEY, "{'currency': 'EUR'}", "Required." },
		{ MONEY, "{'amount': 1, 'currency': 'EUR', 'curency': 1}",
			"Unknown field. Did you mean \"currency\"?" },
		{ MONEY, "{'amount': 1, 'currency': 'EUR', 'ammount': 1}",
			"Unknown field. Did you mean \"amount\"?" },
		{ MONEY, "{'amount': 1, 'currency': 'EUR', 'colour': 1}", "Unknown field." },
		{ MONEY, "{'amount': 1, 'currency': 'EUR', 'ix': 1}",
			"Unknown field." }, /* id is not the caller's */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		assert_detail(table[i].schema, table[i].value, table[i].violations);
}

static void long_enums_are_cut(void **state)
{
	struct text schema = TEXT_INIT;
	struct fixture fixture;

	(void)state;
	text_append_string(&schema, "{'enum': ['a");
	for (int i = 0; i < 100; i++)
		text_appendf(&schema, "', 'value%d", i);
	text_append_string(&schema, "']}");
	assert_non_null(fixture_compile(&fixture, schema.bytes));
	assert_string_equal(fixture_judge(&fixture, "1"), "invalid_choice #");
	assert_non_null(strstr(fixture.problem.violations[0].detail, "One of: a, value0, "));
	assert_non_null(strstr(fixture.problem.violations[0].detail, ", …."));
	fixture_release(&fixture);
	text_release(&schema);
}

/* A member that only the server sets is told apart from one that does not exist, at the top. */
static void members_of_the_answer_are_read_only(void **state)
{
	struct fixture input, output;
	json_t *value = json_of("{'amount': 1, 'currency': 'EUR', 'number': 'D-1', 'other': 1}");

	(void)state;
	fixture_compile(&input, MONEY);
	fixture_compile(
		&output, "{'type': 'object', 'properties': {'number': {'type': 'string'}}}");
	assert_false(
		schema_validate(input.schema, output.schema, value, input.arena, &input.problem));
	describe(&input);
	assert_string_equal(input.line, "read_only_field #/number\nunknown_field #/other");
	json_decref(value);
	fixture_release(&input);
	fixture_release(&output);
}

static void violations_are_bounded(void **state)
{
	struct fixture fixture;
	struct text value = TEXT_INIT;
	json_t *json;

	(void)state;
	fixture_compile(&fixture, "{'items': {'type': 'integer'}}");
	text_append_string(&value, "['a'");
	for (int i = 0; i < 1000; i++)
		text_append_string(&value, ", 'a'");
	text_append_char(&value, ']');
	json = json_of(value.bytes);
	assert_false(schema_validate(fixture.schema, NULL, json, fixture.arena, &fixture.problem));
	assert_int_equal(fixture.problem.violation_count, PROBLEM_MAX_VIOLATIONS);
	/* A second run on a full problem still says no. */
	assert_false(schema_validate(fixture.schema, NULL, json, fixture.arena, &fixture.problem));
	json_decref(json);
	text_release(&value);
	fixture_release(&fixture);
}

static void depth_is_bounded(void **state)
{
	struct fixture fixture;
	json_t *value = json_array();

	(void)state;
	fixture_compile(&fixture, "{'type': 'array', 'items': {'$ref': '#'}}");
	for (int i = 0; i < 1000; i++) {
		json_t *outer = json_array();

		json_array_append_new(outer, value);
		value = outer;
	}
	assert_false(schema_validate(fixture.schema, NULL, value, fixture.arena, &fixture.problem));
	assert_string_equal(fixture.problem.violations[0].detail, "Nested too deeply.");
	json_decref(value);
	fixture_release(&fixture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(types),
		cmocka_unit_test(numbers),
		cmocka_unit_test(strings),
		cmocka_unit_test(control_characters),
		cmocka_unit_test(choices),
		cmocka_unit_test(arrays),
		cmocka_unit_test(objects),
		cmocka_unit_test(violations_are_sentences),
		cmocka_unit_test(long_enums_are_cut),
		cmocka_unit_test(members_of_the_answer_are_read_only),
		cmocka_unit_test(violations_are_bounded),
		cmocka_unit_test(depth_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
