/* SPDX-License-Identifier: Apache-2.0 */
/* Problems as RFC 9457 has them, their header fields, and what may not become a header field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "edge.h"
#include "http/response.h"

static struct edge edge;
static struct response response;

static int open_edge(void **state)
{
	(void)state;
	edge_open(&edge);
	return 0;
}

static int close_edge(void **state)
{
	(void)state;
	edge_close(&edge);
	text_release(&response.body);
	return 0;
}

static const char *header(const char *name)
{
	const char *found = NULL;

	for (size_t i = 0; i < response.header_count; i++) {
		if (strcmp(response.headers[i].name, name) != 0)
			continue;
		assert_null(found);
		found = response.headers[i].value;
	}
	return found;
}

static void begin(const char *operation_id)
{
	text_release(&response.body);
	memset(&response, 0, sizeof(response));
	edge_reset(&edge, operation_id);
	edge.request.path = slice_of("/v1/deals");
	strcpy(edge.request.id, "01932c07-5f1e-7c3a-9b1d-2f6a4f0d9c11");
}

/* Writes the problem and reads it back. */
static json_t *write_problem(void)
{
	json_error_t error;
	json_t *read;

	response_problem(&response, &edge.request, &edge.problem);
	read = json_loadb(
		response.body.bytes, response.body.length, JSON_REJECT_DUPLICATES, &error);
	if (!read)
		fail_msg("%s in %s", error.text, response.body.bytes);
	return read;
}

static const char *string(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void a_problem_has_all_members(void **state)
{
	json_t *problem;

	(void)state;
	begin(NULL);
	problem_set(&edge.problem, PROBLEM_not_found, "There is \"none\"\n\x01.");
	problem_cause(&edge.problem, "secret");
	problem = write_problem();
	assert_int_equal(response.status, 404);
	assert_string_equal(response.content_type, "application/problem+json");
	assert_int_equal(response.cache, CACHE_NO_STORE);
	assert_string_equal(string(problem, "type"), "/problems/not_found");
	assert_string_equal(string(problem, "title"), "Not found");
	assert_int_equal(json_integer_value(json_object_get(problem, "status")), 404);
	assert_string_equal(string(problem, "detail"), "There is \"none\"\n\x01.");
	assert_string_equal(string(problem, "instance"), "/v1/deals");
	assert_string_equal(string(problem, "code"), "not_found");
	assert_string_equal(string(problem, "request_id"), edge.request.id);
	assert_int_equal(json_object_size(problem), 7);
	assert_null(strstr(response.body.bytes, "secret"));
	json_decref(problem);
}

static void every_code_is_written(void **state)
{
	(void)state;
	for (int code = 0; code < PROBLEM_COUNT; code++) {
		json_t *problem;

		begin(NULL);
		edge.request.path = (struct slice){ "", 0 };
		problem_set(&edge.problem, (enum problem_code)code, "%s", "");
		problem = write_problem();
		assert_int_equal(response.status, problem_status((enum problem_code)code));
		assert_true(strlen(string(problem, "detail")) > 0);
		assert_string_equal(string(problem, "instance"), "/");
		json_decref(problem);
	}
}

static void violations_name_their_place(void **state)
{
	json_t *problem;
	json_t *errors;

	(void)state;
	begin(NULL);
	problem_add(
		&edge.problem, edge.request.arena, PLACE_POINTER, "#/a", VIOLATION_required, "x");
	problem_add(&edge.problem, edge.request.arena, PLACE_PARAMETER, "limit",
		VIOLATION_too_large, "y");
	problem_add(&edge.problem, edge.request.arena, PLACE_HEADER, "If-Match",
		VIOLATION_invalid_format, "z");
	problem = write_problem();
	errors = json_object_get(problem, "errors");
	assert_int_equal(response.status, 422);
	assert_int_equal(json_array_size(errors), 3);
	assert_string_equal(string(json_array_get(errors, 0), "pointer"), "#/a");
	assert_string_equal(string(json_array_get(errors, 0), "code"), "required");
	assert_string_equal(string(json_array_get(errors, 1), "parameter"), "limit");
	assert_string_equal(string(json_array_get(errors, 2), "header"), "If-Match");
	assert_string_equal(string(json_array_get(errors, 2), "detail"), "z");
	json_decref(problem);
}

static void a_transition_names_what_is_allowed(void **state)
{
	json_t *problem;

	(void)state;
	begin(NULL);
	problem_set(&edge.problem, PROBLEM_invalid_transition, "No.");
	strcpy(edge.problem.from, "won");
	strcpy(edge.problem.allowed, "reopen cancel");
	problem = write_problem();
	assert_string_equal(string(problem, "from"), "won");
	assert_int_equal(json_array_size(json_object_get(problem, "allowed")), 2);
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(problem, "allowed"), 1)),
		"cancel");
	json_decref(problem);
	begin(NULL);
	problem_set(&edge.problem, PROBLEM_invalid_transition, "No.");
	problem = write_problem();
	assert_int_equal(json_array_size(json_object_get(problem, "allowed")), 0);
	json_decref(problem);
}

#define METADATA \
	"Bearer resource_metadata=\"https://api.example/.well-known/oauth-protected-resource\""

static void challenges_say_what_was_wrong(void **state)
{
	static const struct {
		enum problem_code code;
		const char *challenge;
	} cases[] = {
		{ PROBLEM_unauthenticated, METADATA },
		{ PROBLEM_token_invalid, METADATA ", error=\"invalid_token\"" },
		{ PROBLEM_token_expired,
			METADATA ", error=\"invalid_token\", error_description=\"The access "
				 "token has expired\"" },
		{ PROBLEM_insufficient_scope,
			METADATA ", error=\"insufficient_scope\", scope=\"deals:approve\"" },
		{ PROBLEM_forbidden, NULL },
		{ PROBLEM_not_found, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin(NULL);
		problem_set(&edge.problem, cases[i].code, "x");
		edge.problem.scope = "deals:approve";
		edge.app.issuer = "https://api.example";
		json_decref(write_problem());
		if (!cases[i].challenge)
			assert_null(header("WWW-Authenticate"));
		else
			assert_string_equal(header("WWW-Authenticate"), cases[i].challenge);
	}
}

static void problems_bring_their_header_fields(void **state)
{
	(void)state;
	begin(NULL);
	response_header(&response, "Location", "/half/done");
	problem_set(&edge.problem, PROBLEM_precondition_failed, "x");
	edge.problem.etag = "\"4\"";
	json_decref(write_problem());
	assert_string_equal(header("ETag"), "\"4\"");
	assert_null(header("Location"));
	begin(NULL);
	problem_set(&edge.problem, PROBLEM_unavailable, "x");
	edge.problem.retry_after_s = 7;
	edge.problem.etag = "\"4\"";
	json_decref(write_problem());
	assert_string_equal(header("Retry-After"), "7");
	assert_null(header("ETag"));
	begin(NULL);
	problem_set(&edge.problem, PROBLEM_unavailable, "x");
	json_decref(write_problem());
	assert_string_equal(header("Retry-After"), "1");
	begin("updateDeal");
	edge.request.method = METHOD_PATCH;
	problem_set(&edge.problem, PROBLEM_unsupported_media_type, "x");
	json_decref(write_problem());
	assert_string_equal(
		header("Accept-Patch"), "application/merge-patch+json, application/json");
	assert_non_null(header("Accept"));
}

static void bad_header_values_are_dropped(void **state)
{
	(void)state;
	begin(NULL);
	response_header(&response, "A", "x\r\nSet-Cookie: y");
	response_header(&response, "B", "");
	response_header(&response, "C", NULL);
	response_header(&response, "D", "\x7f");
	assert_int_equal(response.header_count, 0);
	response_etag(&response, &edge.request, "12");
	assert_string_equal(header("ETag"), "\"12\"");
	for (int i = 0; i < 2 * RESPONSE_MAX_HEADERS; i++)
		response_header(&response, "E", "x");
	assert_int_equal(response.header_count, RESPONSE_MAX_HEADERS);
}

static void small_json_is_written(void **state)
{
	(void)state;
	begin(NULL);
	response_json(&response, 201, json_pack("{s:i}", "a", 1));
	assert_int_equal(response.status, 201);
	assert_string_equal(response.body.bytes, "{\"a\":1}");
	assert_int_equal(response.body.length, 7);
	assert_string_equal(response.content_type, "application/json");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_problem_has_all_members),
		cmocka_unit_test(every_code_is_written),
		cmocka_unit_test(violations_name_their_place),
		cmocka_unit_test(a_transition_names_what_is_allowed),
		cmocka_unit_test(challenges_say_what_was_wrong),
		cmocka_unit_test(problems_bring_their_header_fields),
		cmocka_unit_test(bad_header_values_are_dropped),
		cmocka_unit_test(small_json_is_written),
	};

	return cmocka_run_group_tests(tests, open_edge, close_edge);
}
