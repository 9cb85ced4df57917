/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters: one value written as text. */
#include "fixture.h"

#include "contract/schema_node.h"

struct judgement {
	const char *schema, *text, *violation; /* "" when it is valid */
};

static const struct judgement judgements[] = {
	{ "{'type': 'integer', 'minimum': 1, 'maximum': 100}", "25", "" },
	{ "{'type': 'integer', 'minimum': 1, 'maximum': 100}", "0", "too_small limit" },
	{ "{'type': 'integer', 'minimum': 1, 'maximum': 100}", "101", "too_large limit" },
	{ "{'type': 'integer'}", "-5", "" },
	{ "{'type': 'integer'}", "0", "" },
	{ "{'type': 'integer'}", "9223372036854775807", "" },
	{ "{'type': 'integer'}", "9223372036854775808", "too_large limit" },
	{ "{'type': 'integer'}", "-9223372036854775808", "" },
	{ "{'type': 'integer'}", "-9223372036854775809", "too_small limit" },
	{ "{'type': 'integer'}", "", "wrong_type limit" },
	{ "{'type': 'integer'}", "-", "wrong_type limit" },
	{ "{'type': 'integer'}", "+5", "wrong_type limit" },
	{ "{'type': 'integer'}", "05", "wrong_type limit" },
	{ "{'type': 'integer'}", " 5", "wrong_type limit" },
	{ "{'type': 'integer'}", "5 ", "wrong_type limit" },
	{ "{'type': 'integer'}", "5.0", "wrong_type limit" },
	{ "{'type': 'integer'}", "0x5", "wrong_type limit" },
	{ "{'type': 'integer'}", "1e3", "wrong_type limit" },
	{ "{'type': 'integer'}", "99999999999999999999999999999999999999999999999999",
		"wrong_type limit" },
	{ "{'type': 'integer', 'enum': [10, 20]}", "20", "" },
	{ "{'type': 'integer', 'enum': [10, 20]}", "15", "invalid_choice limit" },
	{ "{'type': 'number', 'maximum': 1000}", "1.5e2", "" },
	{ "{'type': 'number'}", "-0.5E-1", "" },
	{ "{'type': 'number'}", "1.", "wrong_type limit" },
	{ "{'type': 'number'}", ".5", "wrong_type limit" },
	{ "{'type': 'number'}", "1e", "wrong_type limit" },
	{ "{'type': 'number'}", "nan", "wrong_type limit" },
	{ "{'type': 'number', 'maximum': 1}", "1.5", "too_large limit" },
	{ "{'type': 'boolean'}", "true", "" },
	{ "{'type': 'boolean'}", "false", "" },
	{ "{'type': 'boolean'}", "True", "wrong_type limit" },
	{ "{'type': 'boolean'}", "1", "wrong_type limit" },
	{ "{'type': 'string', 'enum': ['won', 'lost']}", "won", "" },
	{ "{'type': 'string', 'enum': ['won', 'lost']}", "wo", "invalid_choice limit" },
	{ "{'type': 'string', 'const': 'won'}", "lost", "invalid_choice limit" },
	{ "{'type': 'string', 'minLength': 1}", "", "too_short limit" },
	{ "{'type': 'string', 'maxLength': 2}", "éé", "" },
	{ "{'type': 'string', 'maxLength': 2}", "\xC3", "invalid_format limit" },
	{ "{'type': 'string', 'format': 'uuid'}", "1", "invalid_format limit" },
	{ "{'type': 'string', 'format': 'date-time'}", "2026-01-01T00:00:00Z", "" },
	{ "{'type': 'string', 'pattern': '^a'}", "b", "invalid_format limit" },
	{ "{'type': 'string', 'format': 'uuid', 'minLength': 36}", "1", "invalid_format limit" },
	{ "{'type': 'string'}", "a\tb\r\nc", "" },
	{ "{'type': 'string'}", "a\x1b[0m", "invalid_format limit" },
	{ "{'type': 'string'}", "\x7f", "invalid_format limit" },
	{ "{'type': 'string'}", "\xC2\x85", "" },
	{ "{'$ref': '#/x-a', 'x-a': {'type': 'boolean'}}", "maybe", "wrong_type limit" },
};

static void texts_are_read_strictly(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(judgements) / sizeof(judgements[0]); i++) {
		const struct judgement *judgement = &judgements[i];
		struct fixture fixture;
		bool is_valid;

		assert_non_null(fixture_compile(&fixture, judgement->schema));
		assert_true(schema_takes_text(fixture.schema));
		is_valid = schema_validate_text(fixture.schema, "limit", slice_of(judgement->text),
			fixture.arena, &fixture.problem);
		describe(&fixture);
		if (strcmp(fixture.line, judgement->violation) != 0)
			fail_msg("%s with '%s': %s", judgement->schema, judgement->text,
				fixture.line);
		assert_int_equal(is_valid, *judgement->violation == '\0');
		if (!is_valid)
			assert_int_equal(fixture.problem.violations[0].place, PLACE_PARAMETER);
		fixture_release(&fixture);
	}
}

static void a_value_is_read_by_its_length(void **state)
{
	struct fixture fixture;

	(void)state;
	fixture_compile(&fixture, "{'type': 'integer'}");
	assert_true(schema_validate_text(fixture.schema, "limit", (struct slice){ "25&sort", 2 },
		fixture.arena, &fixture.problem));
	fixture_release(&fixture);
	fixture_compile(&fixture, "{'type': 'string', 'enum': ['a']}");
	assert_false(schema_validate_text(fixture.schema, "limit", (struct slice){ "a\0b", 3 },
		fixture.arena, &fixture.problem));
	fixture_release(&fixture);
}

static void only_scalars_can_be_text(void **state)
{
	static const char *const others[] = { "{}", "{'type': 'object'}", "{'type': 'array'}",
		"{'type': 'null'}", "{'type': ['string', 'null']}",
		"{'type': 'boolean', 'enum': [true]}", "{'enum': ['a']}" };

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct fixture fixture;

		assert_non_null(fixture_compile(&fixture, others[i]));
		assert_false(schema_takes_text(fixture.schema));
		fixture_release(&fixture);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_read_strictly),
		cmocka_unit_test(a_value_is_read_by_its_length),
		cmocka_unit_test(only_scalars_can_be_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
