/* SPDX-License-Identifier: Apache-2.0 */
/* What a contract may say, what it may not, and the questions asked of what was compiled. */
#include "fixture.h"

static void unknown_keywords_are_refused_with_their_place(void **state)
{
	(void)state;
	assert_refused("{'minlength': 1}", "#/minlength: the keyword is not supported");
	assert_refused("{'properties': {'a/b': {'items': {'nullable': true}}}}",
		"#/properties/a~1b/items/nullable: the keyword is not supported");
	assert_refused("{'not': {}}", "#/not: the keyword is not supported");
	assert_refused(
		"{'$ref': '#/x-a', 'x-a': {'if': {}}}", "#/x-a/if: the keyword is not supported");
}

static void annotations_say_nothing(void **state)
{
	(void)state;
	assert_judged("{'title': 1, 'description': 2, 'example': 3, 'examples': 4, 'deprecated': "
		      "5, '$comment': 6,"
		      " 'x-anything': 7, 'writeOnly': true}",
		"[1, 'a']", "");
}

static void keywords_have_their_type(void **state)
{
	static const char *const cases[][2] = {
		{ "[]", "#: a schema must be an object" },
		{ "{'items': true}", "#/items: a schema must be an object" },
		{ "{'type': 'text'}", "#/type: is not a JSON type" },
		{ "{'type': ['string', 1]}", "#/type: is not a JSON type" },
		{ "{'type': []}", "#/type: must not be empty" },
		{ "{'minLength': -1}", "#/minLength: must be a whole number that is not negative" },
		{ "{'maxItems': 1.0}", "#/maxItems: must be a whole number that is not negative" },
		{ "{'minimum': '1'}", "#/minimum: must be a number" },
		{ "{'multipleOf': 0}", "#/multipleOf: must be a positive whole number" },
		{ "{'uniqueItems': 1}", "#/uniqueItems: must be a boolean" },
		{ "{'uniqueItems': true}", "#: uniqueItems needs maxItems of at most 1000" },
		{ "{'enum': []}", "#/enum: must be a list that is not empty" },
		{ "{'required': 'a'}", "#/required: must be a list" },
		{ "{'required': [1]}", "#/required: must be a list of names" },
		{ "{'required': ['a'], 'properties': {'b': {}}}",
			"#: required name 'a' is not a property" },
		{ "{'properties': []}", "#/properties: must be an object" },
		{ "{'pattern': 1}", "#/pattern: must be a string" },
		{ "{'pattern': '(?=a)'}",
			"#/pattern: pattern '(?=a)' is not supported: look-around and named groups"
			" are not supported" },
		{ "{'format': 'ipv4'}", "#/format: format 'ipv4' is not supported" },
		{ "{'x-message': 1}", "#/x-message: must be a string" },
		{ "{'$ref': '#/nowhere'}", "#/$ref: '#/nowhere' leads nowhere" },
		{ "{'$ref': 1}", "#/$ref: '' leads nowhere" },
		{ "{'propertyNames': {'enum': ['a']}}",
			"#: propertyNames takes lengths, pattern and format only" },
		{ "{'type': 'integer', 'minimum': 1, 'default': 0}",
			"#: the default does not obey the schema" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_refused(cases[i][0], cases[i][1]);
}

static void references_may_be_recursive(void **state)
{
	const char *tree =
		"{'$ref': '#/x-tree', 'x-tree': {'type': 'object', 'required': ['value'],"
		" 'properties': {'value': {'type': 'integer'}, 'children': {'type': 'array',"
		" 'items': {'$ref': '#/x-tree'}}}}}";

	(void)state;
	assert_judged(tree, "{'value': 1, 'children': [{'value': 2, 'children': []}]}", "");
	assert_judged(tree,
		"{'value': 1, 'children': [{'value': 2}, {'children': [{'value': 'x'}]}]}",
		"required #/children/1/value\nwrong_type #/children/1/children/0/value");
}

static void references_must_end(void **state)
{
	(void)state;
	assert_refused("{'$ref': '#'}", "#: $ref leads back to itself");
	assert_refused("{'items': {'$ref': '#/x-a'}, 'x-a': {'$ref': '#/x-b'}, 'x-b': {'oneOf': "
		       "[{'$ref': '#/x-a'}]}}",
		"#/x-b/oneOf/0: $ref leads back to itself");
}

static void only_annotations_stand_beside_a_reference(void **state)
{
	(void)state;
	assert_judged("{'$ref': '#/x-a', 'description': 'd', 'x-a': {'type': 'string'}}", "1",
		"wrong_type #");
	assert_refused("{'$ref': '#/x-a', 'maxLength': 3, 'x-a': {}}",
		"#: only annotations may stand beside $ref, oneOf, anyOf and allOf");
	assert_refused("{'$ref': '#/x-a', 'type': 'string', 'x-a': {}}",
		"#: type may not stand beside $ref");
	assert_refused("{'$ref': '#/x-a', 'allOf': [{}], 'x-a': {}}",
		"#: $ref, oneOf, anyOf and allOf do not combine");
}

static void all_of_is_one_object(void **state)
{
	const char *schema =
		"{'type': 'object', 'allOf': [{'$ref': '#/x-base'}, {'required': ['id', 'name'],"
		" 'properties': {'name': {'type': 'string'}}}], 'properties': {'own': {'type': "
		"'null'}},"
		" 'x-base': {'type': 'object', 'required': ['version'], 'properties':"
		" {'id': {'type': 'integer'}, 'version': {'type': 'integer'}}}}";

	(void)state;
	assert_judged(schema, "{'id': 1, 'version': 2, 'name': 'n', 'own': null, 'more': 1}", "");
	assert_judged(schema, "{'id': 'x', 'own': 1}",
		"wrong_type #/own\nwrong_type #/id\nrequired #/version\nrequired #/name");
	assert_judged("{'allOf': [{'type': 'string', 'maxLength': 1}]}", "'ab'", "too_long #");
}

static void all_of_that_is_not_simple_is_refused(void **state)
{
	(void)state;
	assert_refused("{'allOf': [{}, {'type': 'string'}]}",
		"#: a branch of allOf is more than an open object");
	assert_refused("{'allOf': [{}, {'additionalProperties': false}]}",
		"#: a branch of allOf is more than an open object");
	assert_refused("{'allOf': [{'properties': {'a': {}}}, {'properties': {'a': {}}}]}",
		"#: property 'a' stands in two branches of allOf");
	assert_refused("{'allOf': [{'properties': {'a': {}}}, {'required': ['b']}]}",
		"#: required name 'b' is not a property");
	assert_refused("{'$ref': '#/x-a', 'x-a': {'allOf': [{'$ref': '#/x-a'}, {}]}}",
		"#/x-a: allOf leads back to itself");
}

#define ONE_OF                                                                                  \
	"'oneOf': [{'$ref': '#/x-cat'}, {'$ref': '#/x-dog'}], 'x-cat': {'type': 'object',"      \
	" 'required': ['kind'], 'properties': {'kind': {'const': 'cat'}, 'lives': {'type':"     \
	" 'integer'}}, 'additionalProperties': false}, 'x-dog': {'type': 'object', 'required':" \
	" ['kind', 'name'], 'properties': {'kind': {'enum': ['dog', 'wolf']}, 'name': {'type':" \
	" 'string'}}}"

static void one_of_chooses_by_the_discriminator(void **state)
{
	const char *schema =
		"{'discriminator': {'propertyName': 'kind', 'mapping': {'cat': '#/x-cat',"
		" 'wolf': '#/x-dog'}}, " ONE_OF "}";

	(void)state;
	assert_judged(schema, "{'kind': 'cat', 'lives': 9}", "");
	assert_judged(schema, "{'kind': 'wolf', 'name': 'n'}", "");
	assert_judged(schema, "{'kind': 'dog', 'lives': 9}", "required #/name");
	assert_judged(schema, "{'kind': 'cat', 'name': 9}", "unknown_field #/name");
	assert_judged(schema, "{'kind': 'cow'}", "invalid_choice #/kind");
	assert_judged(schema, "{'kind': 1}", "wrong_type #/kind");
	assert_judged(schema, "{}", "required #/kind");
	assert_judged(schema, "[]", "wrong_type #");
	assert_judged(schema, "null", "wrong_type #");
	assert_detail(schema, "{'kind': 'cow'}", "One of: cat, dog, wolf.");
}

static void one_of_must_be_decidable(void **state)
{
	(void)state;
	assert_refused("{" ONE_OF "}", "#: oneOf needs a discriminator");
	assert_refused("{'discriminator': {'propertyName': 'name'}, " ONE_OF "}",
		"#: a branch of oneOf needs type object and 'name', required and constant");
	assert_refused(
		"{'discriminator': {'propertyName': 'kind', 'mapping': {'dog': '#/x-cat'}}, " ONE_OF
		"}",
		"#: mapping of 'dog' disagrees with the branches");
	assert_refused("{'discriminator': {'propertyName': 'kind'}, 'oneOf': [{'$ref': '#/x-a'}, "
		       "{'$ref': '#/x-a'}],"
		       " 'x-a': {'type': 'object', 'required': ['kind'], 'properties': {'kind': "
		       "{'const': 'a'}}}}",
		"#: 'a' stands in two branches of oneOf");
	assert_refused(
		"{'discriminator': {'propertyName': 'kind'}}", "#: discriminator needs oneOf");
	assert_refused(
		"{'discriminator': {}, 'oneOf': [{}]}", "#/discriminator: lacks propertyName");
	assert_refused("{'anyOf': [{}, {}]}", "#: anyOf is only supported as one schema or null");
}

static void one_schema_or_null(void **state)
{
	static const char *const words[] = { "oneOf", "anyOf" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char schema[200];

		snprintf(schema, sizeof(schema),
			"{'%s': [{'$ref': '#/x-a'}, {'type': 'null'}], 'x-a': {'type': 'integer'}}",
			words[i]);
		assert_judged(schema, "null", "");
		assert_judged(schema, "1", "");
		assert_judged(schema, "'a'", "wrong_type #");
	}
	assert_refused("{'oneOf': [{'type': ['string', 'null']}, {'type': 'null'}]}",
		"#: null matches two branches of oneOf");
	assert_refused(
		"{'oneOf': [{}, {'type': 'null'}]}", "#: null matches two branches of oneOf");
}

static void questions_follow_references(void **state)
{
	struct fixture fixture;
	const struct schema *schema = fixture_compile(&fixture,
		"{'$ref': '#/x-a', 'x-a': {'type': 'object', 'required': ['z'], 'properties': "
		"{'z': {'$ref': '#/x-b'},"
		" 'a': {'type': 'array', 'items': {'type': 'boolean', 'default': true}}}},"
		" 'x-b': {'enum': ['one', null, 'two'], 'default': 'two'}}");

	(void)state;
	assert_non_null(schema);
	assert_true(schema_has_property(schema, "z"));
	assert_false(schema_has_property(schema, "b"));
	assert_string_equal(schema_property_name(schema, 0), "z");
	assert_string_equal(schema_property_name(schema, 1), "a");
	assert_null(schema_property_name(schema, 2));
	assert_true(schema_is_required(schema, "z"));
	assert_false(schema_is_required(schema, "a"));
	assert_false(schema_is_required(schema, "b"));
	assert_null(schema_property(schema, "b"));
	assert_null(schema_items(schema));
	assert_string_equal(schema_enum_at(schema_property(schema, "z"), 0), "one");
	assert_string_equal(schema_enum_at(schema_property(schema, "z"), 1), "two");
	assert_null(schema_enum_at(schema_property(schema, "z"), 2));
	assert_null(schema_enum_at(schema, 0));
	assert_string_equal(json_string_value(schema_default(schema_property(schema, "z"))), "two");
	assert_true(json_is_true(schema_default(schema_items(schema_property(schema, "a")))));
	assert_null(schema_default(schema));
	fixture_release(&fixture);
}

static void schemas_nested_too_deeply_are_refused(void **state)
{
	struct text schema = TEXT_INIT;
	struct fixture fixture;

	(void)state;
	for (int i = 0; i < 500; i++)
		text_append_string(&schema, "{'items': ");
	text_append_string(&schema, "{}");
	for (int i = 0; i < 500; i++)
		text_append_char(&schema, '}');
	assert_null(fixture_compile(&fixture, schema.bytes));
	assert_non_null(strstr(fixture.error.bytes, "nested too deeply"));
	fixture_release(&fixture);
	text_release(&schema);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_keywords_are_refused_with_their_place),
		cmocka_unit_test(annotations_say_nothing),
		cmocka_unit_test(keywords_have_their_type),
		cmocka_unit_test(references_may_be_recursive),
		cmocka_unit_test(references_must_end),
		cmocka_unit_test(only_annotations_stand_beside_a_reference),
		cmocka_unit_test(all_of_is_one_object),
		cmocka_unit_test(all_of_that_is_not_simple_is_refused),
		cmocka_unit_test(one_of_chooses_by_the_discriminator),
		cmocka_unit_test(one_of_must_be_decidable),
		cmocka_unit_test(one_schema_or_null),
		cmocka_unit_test(questions_follow_references),
		cmocka_unit_test(schemas_nested_too_deeply_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
