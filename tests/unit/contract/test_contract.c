/* SPDX-License-Identifier: Apache-2.0 */
/* Operations out of a small contract, their routes, and what a contract may not say. */
#include "fixture.h"

#include "contract/contract.h"

/* Any principal: an operation has to say so itself. */
#define ANY "security: [{oauth2: []}]"

#define HEAD                                                                                    \
	"openapi: 3.1.0\n"                                                                      \
	"components:\n"                                                                         \
	"  securitySchemes: {oauth2: {type: oauth2}}\n"                                         \
	"  parameters:\n"                                                                       \
	"    DealId: {name: deal_id, in: path, required: true, schema: {type: string, format: " \
	"uuid}}\n"                                                                              \
	"    IfMatch: {name: if-match, in: header, required: true, schema: {type: string}}\n"   \
	"    Key: {name: Idempotency-Key, in: header, schema: {type: string}}\n"                \
	"    Limit: {name: limit, in: query, schema: {type: integer, default: 25}}\n"           \
	"  schemas:\n"                                                                          \
	"    Deal: {type: object, properties: {id: {type: string}}}\n"                          \
	"    DealInput: {type: object, additionalProperties: false, properties: {name: {type: " \
	"string}}}\n"                                                                           \
	"  requestBodies:\n"                                                                    \
	"    DealInput: {required: true, content: {application/json: {schema: {$ref: "          \
	"'#/components/schemas/DealInput'}}}}\n"                                                \
	"  responses:\n"                                                                        \
	"    Deal: {description: d, content: {application/json: {schema: {$ref: "               \
	"'#/components/schemas/Deal'}}}}\n"

#define DEALS                                                                                      \
	HEAD "paths:\n"                                                                            \
	     "  /v1/deals:\n"                                                                      \
	     "    get:\n"                                                                          \
	     "      operationId: listDeals\n"                                                      \
	     "      security: [{oauth2: ['deals:read', 'deals:write']}]\n"                         \
	     "      parameters:\n"                                                                 \
	     "        - {name: status, in: query, schema: {type: array, items: {type: string, "    \
	     "enum: [won, lost]}}}\n"                                                              \
	     "        - {$ref: '#/components/parameters/Limit'}\n"                                 \
	     "        - {name: dry, in: query, schema: {type: boolean, default: false}}\n"         \
	     "      responses: {'200': {$ref: '#/components/responses/Deal'}, '400': "             \
	     "{description: d}}\n"                                                                 \
	     "    post:\n"                                                                         \
	     "      operationId: createDeal\n"                                                     \
	     "      " ANY "\n"                                                                     \
	     "      parameters: [{$ref: '#/components/parameters/Key'}]\n"                         \
	     "      requestBody: {$ref: '#/components/requestBodies/DealInput'}\n"                 \
	     "      responses: {'201': {$ref: '#/components/responses/Deal'}}\n"                   \
	     "  /v1/deals/{deal_id}:\n"                                                            \
	     "    parameters: [{$ref: '#/components/parameters/DealId'}]\n"                        \
	     "    patch:\n"                                                                        \
	     "      operationId: updateDeal\n"                                                     \
	     "      " ANY "\n"                                                                     \
	     "      parameters: [{$ref: '#/components/parameters/IfMatch'}]\n"                     \
	     "      requestBody:\n"                                                                \
	     "        content:\n"                                                                  \
	     "          application/merge-patch+json: {schema: {$ref: "                            \
	     "'#/components/schemas/DealInput'}}\n"                                                \
	     "          application/json: {schema: {$ref: '#/components/schemas/DealInput'}}\n"    \
	     "      responses: {'200': {$ref: '#/components/responses/Deal'}}\n"                   \
	     "    delete: {operationId: deleteDeal, " ANY                                          \
	     ", responses: {'204': {description: gone}}}\n"                                        \
	     "  /v1/deals/search:\n"                                                               \
	     "    get: {operationId: searchDeals, security: [], responses: {'200': {description: " \
	     "d, content: "                                                                        \
	     "{text/csv: {schema: {type: string}}}}}}\n"                                           \
	     "  /v1/deals/{id}/notes/{note_id}:\n"                                                 \
	     "    get:\n"                                                                          \
	     "      operationId: getNote\n"                                                        \
	     "      " ANY "\n"                                                                     \
	     "      parameters:\n"                                                                 \
	     "        - {name: id, in: path, required: true, schema: {type: string}}\n"            \
	     "        - {name: note_id, in: path, required: true, schema: {type: string}}\n"       \
	     "      responses: {'200': {description: d}}\n"                                        \
	     "  /oauth/token:\n"                                                                   \
	     "    post:\n"                                                                         \
	     "      operationId: createToken\n"                                                    \
	     "      security: []\n"                                                                \
	     "      requestBody: {content: {application/x-www-form-urlencoded: {schema: {type: "   \
	     "object}}}}\n"                                                                        \
	     "      responses: {'200': {description: d}}\n"

static struct contract *load(const char *yaml)
{
	struct text error = TEXT_INIT;
	struct contract *contract = contract_load(yaml, strlen(yaml), &error);

	if (!contract)
		fail_msg("%s", error.bytes);
	return contract;
}

static int load_deals(void **state)
{
	*state = load(DEALS);
	return 0;
}

static int free_deals(void **state)
{
	*state = contract_free(*state);
	return 0;
}

static void operations_are_listed(void **state)
{
	struct contract *contract = *state;

	assert_int_equal(contract_operation_count(contract), 7);
	for (size_t i = 0; i < 7; i++)
		assert_int_equal(contract_operation(contract, i)->index, i);
	assert_null(contract_operation(contract, 7));
	assert_null(contract_operation_by_id(contract, "nobody"));
	assert_string_equal(contract_operation_by_id(contract, "getNote")->path,
		"/v1/deals/{id}/notes/{note_id}");
}

static void security_gives_scopes(void **state)
{
	const struct operation *list = contract_operation_by_id(*state, "listDeals");
	const struct operation *create = contract_operation_by_id(*state, "createDeal");
	const struct operation *search = contract_operation_by_id(*state, "searchDeals");

	assert_string_equal(list->scopes[0], "deals:read");
	assert_string_equal(list->scopes[1], "deals:write");
	assert_null(list->scopes[2]);
	assert_false(list->is_public);
	assert_false(create->is_public);
	assert_null(create->scopes[0]);
	assert_true(search->is_public);
}

static void parameters_have_place_and_default(void **state)
{
	const struct operation *list = contract_operation_by_id(*state, "listDeals");
	const struct parameter *status = &list->parameters[0], *limit = &list->parameters[1];

	assert_int_equal(list->parameter_count, 3);
	assert_string_equal(status->name, "status");
	assert_int_equal(status->place, PARAMETER_QUERY);
	assert_true(status->repeats);
	assert_string_equal(schema_enum_at(status->schema, 1), "lost");
	assert_null(status->default_value);
	assert_false(limit->repeats);
	assert_false(limit->required);
	assert_string_equal(limit->default_value, "25");
	assert_string_equal(list->parameters[2].default_value, "false");
}

static void header_parameters_are_duties(void **state)
{
	const struct operation *create = contract_operation_by_id(*state, "createDeal");
	const struct operation *update = contract_operation_by_id(*state, "updateDeal");

	assert_int_equal(create->if_match, DUTY_NONE);
	assert_int_equal(create->idempotency_key, DUTY_OPTIONAL);
	assert_int_equal(update->if_match, DUTY_REQUIRED);
	assert_int_equal(update->idempotency_key, DUTY_NONE);
}

static void bodies_and_answers(void **state)
{
	const struct operation *create = contract_operation_by_id(*state, "createDeal");
	const struct operation *update = contract_operation_by_id(*state, "updateDeal");
	const struct operation *delete = contract_operation_by_id(*state, "deleteDeal");
	const struct operation *search = contract_operation_by_id(*state, "searchDeals");
	const struct operation *token = contract_operation_by_id(*state, "createToken");

	assert_true(create->body_required && create->takes_json && !create->takes_merge_patch);
	assert_true(schema_has_property(create->body, "name"));
	assert_int_equal(create->success_status, 201);
	assert_true(create->answers_json && schema_has_property(create->answer, "id"));
	assert_true(!update->body_required && update->takes_json && update->takes_merge_patch);
	assert_true(!delete->body && delete->success_status == 204 && !delete->answer &&
		    !delete->answers_json);
	assert_true(!search->answer && !search->answers_json);
	assert_true(token->takes_form && !token->takes_json && token->body);
}

static void the_document_is_kept(void **state)
{
	struct slice json = contract_json(*state);
	json_t *document = json_loadb(json.bytes, json.length, 0, NULL);

	assert_true(slice_is(contract_yaml(*state), DEALS));
	assert_true(json_equal(document, contract_document(*state)));
	assert_null(memchr(json.bytes, '\n', json.length));
	json_decref(document);
}

static const char *route_to(struct contract *contract, enum http_method method, const char *path,
	struct route *ret_route)
{
	contract_route(contract, method, slice_of(path), ret_route);
	return ret_route->operation ? ret_route->operation->id : "";
}

static void paths_are_routed(void **state)
{
	struct route route;

	assert_string_equal(route_to(*state, METHOD_GET, "/v1/deals", &route), "listDeals");
	assert_string_equal(route_to(*state, METHOD_HEAD, "/v1/deals", &route), "listDeals");
	assert_int_equal(route.allowed_methods, 1u << METHOD_GET | 1u << METHOD_POST);
	assert_string_equal(route_to(*state, METHOD_PATCH, "/v1/deals/4711", &route), "updateDeal");
	assert_true(slice_is(route.path_ids[0], "4711"));
	assert_string_equal(route.operation->path_ids[0], "deal_id");
	assert_null(route.operation->path_ids[1]);
	assert_string_equal(
		route_to(*state, METHOD_GET, "/v1/deals/a%2Fb/notes/{x}", &route), "getNote");
	assert_true(slice_is(route.path_ids[0], "a%2Fb"));
	assert_true(slice_is(route.path_ids[1], "{x}"));
	assert_string_equal(route.operation->path_ids[0], "id");
}

static void a_literal_wins_over_a_parameter(void **state)
{
	struct route route;

	assert_string_equal(
		route_to(*state, METHOD_GET, "/v1/deals/search", &route), "searchDeals");
	assert_null(route.path_ids[0].bytes);
	assert_string_equal(route_to(*state, METHOD_PATCH, "/v1/deals/search", &route), "");
	assert_int_equal(route.allowed_methods, 1u << METHOD_GET);
	/* … but where the literal leads nowhere, the parameter may still. */
	assert_string_equal(
		route_to(*state, METHOD_GET, "/v1/deals/search/notes/1", &route), "getNote");
	assert_true(slice_is(route.path_ids[0], "search"));
	assert_true(slice_is(route.path_ids[1], "1"));
}

static void other_paths_do_not_exist(void **state)
{
	static const char *const paths[] = { "", "/", "v1/deals", "/v1", "/v1/", "/v1/deals/",
		"//v1/deals", "/v1//deals", "/v1/deals//notes/1", "/v1/deals/1/notes",
		"/v1/deals/1/notes/", "/v1/deals/1/notes/2/3", "/V1/deals", "/v1/deal",
		"/v1/dealsx", "/v1/deals/1/other/2" };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		struct route route;

		if (*route_to(*state, METHOD_GET, paths[i], &route) || route.allowed_methods)
			fail_msg("there should be no %s", paths[i]);
	}
}

static void other_methods_are_not_allowed(void **state)
{
	static const enum http_method methods[] = { METHOD_PUT, METHOD_OPTIONS, METHOD_OTHER };

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		struct route route;

		assert_string_equal(route_to(*state, methods[i], "/v1/deals/1", &route), "");
		assert_int_equal(route.allowed_methods, 1u << METHOD_PATCH | 1u << METHOD_DELETE);
	}
}

#define ONE(operation) HEAD "paths: {/a: {get: " operation "}}"
#define PARAMETER(members) \
	ONE("{operationId: a, " ANY ", parameters: [" members "], responses: {'200': {}}}")
#define BODY(content)                                                             \
	HEAD "paths: {/a: {post: {operationId: a, " ANY ", requestBody: " content \
	     ", responses: {'200': {}}}}}"

static void what_would_be_ignored_is_refused(void **state)
{
	static const char *const cases[][2] = {
		{ "a: [", "line 2, column 1: did not find expected node content" },
		{ "openapi: 3.0.3", "#/openapi: must be 3.1" },
		{ "openapi: 3.1.0", "#/paths: there must be an operation" },
		{ HEAD "paths: {/a: {trace: {}}}", "#/paths/~1a: 'trace' is not supported here" },
		{ HEAD "paths: {/a: {get: []}}", "#/paths/~1a/get: must be an object" },
		{ HEAD "paths: {a: {get: {}}}",
			"#/paths/a/get: a path begins with a slash and has no empty segment" },
		{ HEAD "paths: {/a/: {get: {}}}",
			"#/paths/~1a~1/get: a path begins with a slash and has no empty segment" },
		{ HEAD "paths: {'/a{b}': {get: {}}}",
			"#/paths/~1a%7Bb%7D/get: a segment is either a parameter or a literal" },
		{ HEAD "paths: {'/{a}/{b}/{c}/{d}': {get: {}}}",
			"#/paths/~1%7Ba%7D~1%7Bb%7D~1%7Bc%7D~1%7Bd%7D/get: a path has too many "
			"parameters" },
		{ ONE("{responses: {'200': {}}}"),
			"#/paths/~1a/get: an operation needs an operationId" },
		{ ONE("{operationId: a, " ANY ", servers: []}"),
			"#/paths/~1a/get: 'servers' is not supported here" },
		{ ONE("{operationId: a, " ANY "}"),
			"#/paths/~1a/get/responses: there must be one success status" },
		{ ONE("{operationId: a, " ANY ", responses: {'200': {}, '201': {}}}"),
			"#/paths/~1a/get/responses: there must be one success status, written "
			"out" },
		{ ONE("{operationId: a, " ANY ", responses: {2XX: {}}}"),
			"#/paths/~1a/get/responses: there must be one success status, written "
			"out" },
		{ ONE("{operationId: a, " ANY ", responses: {'200': {$ref: '#/no'}}}"),
			"#/paths/~1a/get/responses/200: '#/no' leads nowhere" },
		{ ONE("{operationId: a, " ANY
		      ", responses: {'200': {content: {application/json: {schema: "
		      "{if: {}}}}}}}"),
			"#/paths/~1a/get/responses/200/content/application~1json/schema/if: the "
			"keyword is not supported" },
		{ ONE("{operationId: a, security: [{oauth2: [a, b, c, d, e]}], responses: {'200': "
		      "{}}}"),
			"#/paths/~1a/get/security: scopes must be a list of at most 4" },
		{ ONE("{operationId: a, security: [{oauth2: []}, {}], responses: {'200': {}}}"),
			"#/paths/~1a/get/security: must be one requirement with one scheme" },
		{ ONE("{operationId: a, security: [{basic: []}], responses: {'200': {}}}"),
			"#/paths/~1a/get/security: scheme 'basic' is not described" },
		{ ONE("{operationId: a, responses: {'200': {}}}"),
			"#/paths/~1a/get/security: must be a list: who may call this, [] for "
			"everybody" },
		{ "security: []\n" ONE("{operationId: a, responses: {'200': {}}}"),
			"#/security: say who may call an operation at the operation" },
		{ HEAD "paths: {/a: {get: {operationId: a, " ANY
		       ", responses: {'200': {}}}}, /b: {get: "
		       "{operationId: a, " ANY ", "
		       "responses: {'200': {}}}}}",
			"#/paths/~1b/get: operationId 'a' is there twice" },
		{ HEAD "paths: {'/{a}': {get: {operationId: a, " ANY
		       ", parameters: [{name: a, in: path, "
		       "required: true, schema: "
		       "{type: string}}], responses: {'200': {}}}}, '/{b}': {get: {operationId: "
		       "b}}}",
			"#/paths/~1%7Bb%7D/get: another template names the same paths" },
		{ HEAD "paths: {'/{a}': {get: {operationId: a, " ANY ", responses: {'200': {}}}}}",
			"#/paths/~1%7Ba%7D/get: path parameter 'a' must be described and "
			"required" },
		{ HEAD "paths: {/a: {get: {operationId: a, " ANY
		       ", requestBody: {}, responses: {'200': "
		       "{}}}}}",
			"#/paths/~1a/get/requestBody: GET and DELETE take no body" },
		{ PARAMETER("{name: b, in: path, required: true, schema: {type: string}}"),
			"#/paths/~1a/get: a path parameter is not in the path" },
		{ PARAMETER("{name: b, in: cookie, schema: {type: string}}"),
			"#/paths/~1a/get/parameters/0: 'in' must be path, query or header" },
		{ PARAMETER("{name: b, in: query, explode: false, schema: {type: string}}"),
			"#/paths/~1a/get/parameters/0: only the default style and explode are "
			"supported" },
		{ PARAMETER("{name: b, in: query, content: {}}"),
			"#/paths/~1a/get/parameters/0: 'content' is not supported here" },
		{ PARAMETER("{in: query, schema: {type: string}}"),
			"#/paths/~1a/get/parameters/0: a parameter needs a name" },
		{ PARAMETER("{name: b, in: query}"),
			"#/paths/~1a/get/parameters/0/schema: a schema must be an object" },
		{ PARAMETER("{name: b, in: query, schema: {type: object}}"),
			"#/paths/~1a/get/parameters/0: the schema must be of one scalar type, or a "
			"list of it in the query" },
		{ PARAMETER("{name: b, in: header, schema: {type: array, items: {type: string}}}"),
			"#/paths/~1a/get/parameters/0: the schema must be of one scalar type, or a "
			"list of it in the query" },
		{ PARAMETER("{name: b, in: query, schema: {type: array, default: [], items: {type: "
			    "string}}}"),
			"#/paths/~1a/get/parameters/0: a list has no default" },
		{ PARAMETER("{$ref: '#/components/parameters/Key'}, {name: idempotency-key, in: "
			    "header, schema: {type: "
			    "string}}"),
			"#/paths/~1a/get/parameters/1: parameter 'idempotency-key' is there "
			"twice" },
		{ PARAMETER("{$ref: '#/components/parameters/No'}"),
			"#/paths/~1a/get/parameters/0: '#/components/parameters/No' leads "
			"nowhere" },
		{ BODY("{content: {}}"), "#/paths/~1a/post/requestBody: a body needs content" },
		{ BODY("{content: {text/plain: {schema: {}}}}"),
			"#/paths/~1a/post/requestBody/content/text~1plain: the media type is not "
			"supported" },
		{ BODY("{content: {application/json: {schema: {}}, application/merge-patch+json: "
		       "{schema: {type: "
		       "object}}}}"),
			"#/paths/~1a/post/requestBody/content/application~1merge-patch+json: the "
			"media types of a body "
			"must have the same schema" },
		{ BODY("{content: {application/json: {schema: {}, encoding: {}}}}"),
			"#/paths/~1a/post/requestBody/content/application~1json: 'encoding' is not "
			"supported here" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text error = TEXT_INIT;

		if (contract_load(cases[i][0], strlen(cases[i][0]), &error))
			fail_msg("loaded, but: %s", cases[i][1]);
		assert_string_equal(error.bytes, cases[i][1]);
		text_release(&error);
	}
}

/* What the operation says about a parameter wins over its path item. */
static void an_operation_overrides_its_path_item(void **state)
{
	struct contract *contract =
		load(HEAD "paths: {/a: {parameters: [{$ref: '#/components/parameters/Limit'}], "
			  "get: {operationId: a, " ANY ", "
			  "parameters: [{name: limit, in: query, required: true, schema: {type: "
			  "integer}}], responses: "
			  "{'200': {}}}}}");
	const struct operation *operation = contract_operation(contract, 0);

	(void)state;
	assert_int_equal(operation->parameter_count, 1);
	assert_true(operation->parameters[0].required);
	assert_null(operation->parameters[0].default_value);
	contract_free(contract);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(operations_are_listed),
		cmocka_unit_test(security_gives_scopes),
		cmocka_unit_test(parameters_have_place_and_default),
		cmocka_unit_test(header_parameters_are_duties),
		cmocka_unit_test(bodies_and_answers),
		cmocka_unit_test(the_document_is_kept),
		cmocka_unit_test(paths_are_routed),
		cmocka_unit_test(a_literal_wins_over_a_parameter),
		cmocka_unit_test(other_paths_do_not_exist),
		cmocka_unit_test(other_methods_are_not_allowed),
		cmocka_unit_test(what_would_be_ignored_is_refused),
		cmocka_unit_test(an_operation_overrides_its_path_item),
	};

	return cmocka_run_group_tests(tests, load_deals, free_deals);
}
