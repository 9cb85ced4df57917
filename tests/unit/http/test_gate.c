/* SPDX-License-Identifier: Apache-2.0 */
/* Heads and targets that are refused, by kind of refusal; and how a request finds its operation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "edge.h"
#include "http/gate.h"

#define ID "01932c07-5f1e-7c3a-9b1d-2f6a4f0d9c11"

static struct edge edge;

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
	return 0;
}

/* The code of the refusal, or PROBLEM_COUNT when there is none. */
static enum problem_code judge_target(const char *target)
{
	edge_reset(&edge, NULL);
	if (gate_target(target, edge.request.arena, &edge.request.path, &edge.request.raw_query,
		    &edge.problem))
		return PROBLEM_COUNT;
	assert_true(edge.problem.is_set);
	return edge.problem.code;
}

static void targets_are_split_at_the_first_question_mark(void **state)
{
	(void)state;
	assert_int_equal(judge_target("/v1/deals?a=?b"), PROBLEM_COUNT);
	assert_true(slice_is(edge.request.path, "/v1/deals"));
	assert_true(slice_is(edge.request.raw_query, "a=?b"));
	assert_int_equal(judge_target("/v1/deals?"), PROBLEM_COUNT);
	assert_int_equal(edge.request.raw_query.length, 0);
	assert_int_equal(judge_target("/v1/deals"), PROBLEM_COUNT);
	assert_int_equal(edge.request.raw_query.length, 0);
}

static void targets_that_cannot_be_are_refused(void **state)
{
	static const struct {
		const char *target;
		enum problem_code code;
	} cases[] = {
		{ "", PROBLEM_invalid_request },
		{ "*", PROBLEM_invalid_request },
		{ "v1/deals", PROBLEM_invalid_request },
		{ "http://host/v1", PROBLEM_invalid_request },
		{ "/v1#x", PROBLEM_invalid_request },
		{ "/v1 x", PROBLEM_invalid_request },
		{ "/v1\tx", PROBLEM_invalid_request },
		{ "/v1\x7f", PROBLEM_invalid_request },
		{ "/v1?\x01", PROBLEM_invalid_request },
		{ "/v1/\xc3\xa4", PROBLEM_invalid_encoding },
		{ "/v1?\xff", PROBLEM_invalid_encoding },
		{ "/v1/%", PROBLEM_invalid_encoding },
		{ "/v1/%4", PROBLEM_invalid_encoding },
		{ "/v1/%zz", PROBLEM_invalid_encoding },
		{ "/v1/%00%zz", PROBLEM_invalid_encoding },
		{ "/v1/%ff", PROBLEM_invalid_encoding },
		{ "/v1/%ed%a0%80", PROBLEM_invalid_encoding },
		{ "/v1/a%00b", PROBLEM_not_found },
		{ "/v1%2Fdeals", PROBLEM_not_found },
		{ "/v1%2fdeals", PROBLEM_not_found },
		{ "/", PROBLEM_not_found },
		{ "//", PROBLEM_not_found },
		{ "//v1", PROBLEM_not_found },
		{ "/v1//deals", PROBLEM_not_found },
		{ "/v1/", PROBLEM_not_found },
		{ "/v1/.", PROBLEM_not_found },
		{ "/v1/./deals", PROBLEM_not_found },
		{ "/v1/../deals", PROBLEM_not_found },
		{ "/v1/%2E%2e/deals", PROBLEM_not_found },
		{ "/v1/...", PROBLEM_COUNT },
		{ "/v1/%c3%a4", PROBLEM_COUNT },
		{ "/v1/a%20b?x=%zz", PROBLEM_COUNT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (judge_target(cases[i].target) != cases[i].code)
			fail_msg("%s: %d", cases[i].target, judge_target(cases[i].target));
}

static bool fields_pass(bool is_http10)
{
	return gate_fields(&edge.exchange.fields, is_http10, &edge.problem);
}

static void ordinary_fields_pass(void **state)
{
	(void)state;
	edge_reset(&edge, NULL);
	edge_field(&edge, "host", "api.example");
	edge_field(&edge, "Content-Length", "12");
	edge_field(&edge, "User-Agent", "caf\xe9\t(x)");
	edge_field(&edge, "If-Match", "\"1\"");
	edge_field(&edge, "if-match", "\"2\"");
	edge_field(&edge, "X-Empty", "");
	edge_field(&edge, "EXPECT", "100-Continue");
	assert_true(fields_pass(false));
}

static void a_field_that_can_be_read_in_two_ways_is_refused(void **state)
{
	static const struct {
		const char *name, *value, *other_name, *other_value;
	} cases[] = {
		{ "", "y", NULL, NULL },
		{ "Content-Length ", "5", NULL, NULL },
		{ "X\ty", "1", NULL, NULL },
		{ "X\xe4", "1", NULL, NULL },
		{ "X\x7f", "1", NULL, NULL },
		{ "X@y", "1", NULL, NULL },
		{ "X", "a\x01", NULL, NULL },
		{ "X", "a\rb", NULL, NULL },
		{ "Content-Length", "3", "Content-Length", "3" },
		{ "Content-Length", "3,3", NULL, NULL },
		{ "Content-Length", "3", "Transfer-Encoding", "chunked" },
		{ "Transfer-Encoding", "gzip", NULL, NULL },
		{ "Transfer-Encoding", "gzip, chunked", NULL, NULL },
		{ "Transfer-Encoding", "chunked ", NULL, NULL },
		{ "Transfer-Encoding", "chunked", "transfer-encoding", "chunked" },
		{ "Authorization", "Bearer a", "authorization", "Bearer b" },
		{ "Authorization", "Bearer a, Bearer b", NULL, NULL },
		{ "Content-Type", "application/json", "content-type", "application/json" },
		{ "Idempotency-Key", "a", "Idempotency-Key", "a" },
		{ "Expect", "cake", NULL, NULL },
		{ "Host", "b", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		edge_reset(&edge, NULL);
		edge_field(&edge, "Host", "a");
		edge_field(&edge, cases[i].name, cases[i].value);
		if (cases[i].other_name)
			edge_field(&edge, cases[i].other_name, cases[i].other_value);
		if (fields_pass(false))
			fail_msg("'%s: %s' passed", cases[i].name, cases[i].value);
		assert_int_equal(edge.problem.code, PROBLEM_invalid_request);
	}
}

static void host_is_needed_in_http_1_1_only(void **state)
{
	(void)state;
	edge_reset(&edge, NULL);
	assert_true(fields_pass(true));
	assert_false(fields_pass(false));
	edge_reset(&edge, NULL);
	edge_field(&edge, "Transfer-Encoding", "chunked");
	assert_false(fields_pass(true));
}

static void what_the_library_repaired_is_refused(void **state)
{
	(void)state;
	edge_reset(&edge, NULL);
	edge_field(&edge, "Host", "a");
	edge.exchange.fields.is_broken = true;
	assert_false(fields_pass(false));
}

static void sizes_have_limits(void **state)
{
	char *target = test_malloc(GATE_TARGET_BYTES + 2);

	(void)state;
	memset(target, 'a', GATE_TARGET_BYTES + 1);
	target[GATE_TARGET_BYTES + 1] = '\0';
	edge_reset(&edge, NULL);
	assert_false(gate_sizes(target, &edge.exchange.fields, &edge.problem));
	assert_int_equal(edge.problem.code, PROBLEM_uri_too_long);
	target[GATE_TARGET_BYTES] = '\0';
	edge_reset(&edge, NULL);
	edge.exchange.fields.bytes = GATE_HEADER_BYTES;
	assert_true(gate_sizes(target, &edge.exchange.fields, &edge.problem));
	edge.exchange.fields.bytes++;
	assert_false(gate_sizes(target, &edge.exchange.fields, &edge.problem));
	assert_int_equal(edge.problem.code, PROBLEM_headers_too_large);
	test_free(target);
}

static void methods_are_exact(void **state)
{
	(void)state;
	assert_int_equal(gate_method("GET"), METHOD_GET);
	assert_int_equal(gate_method("HEAD"), METHOD_HEAD);
	assert_int_equal(gate_method("OPTIONS"), METHOD_OPTIONS);
	assert_int_equal(gate_method("get"), METHOD_OTHER);
	assert_int_equal(gate_method("TRACE"), METHOD_OTHER);
	assert_int_equal(gate_method(""), METHOD_OTHER);
	assert_null(gate_method_text(METHOD_OTHER));
	assert_string_equal(gate_method_text(METHOD_PATCH), "PATCH");
}

static bool route(const char *method, const char *path, unsigned *ret_allowed)
{
	edge_reset(&edge, NULL);
	edge.request.method_text = method;
	edge.request.method = gate_method(method);
	edge.request.path = slice_of(path);
	return gate_route(&edge.request, ret_allowed, &edge.problem);
}

static void a_request_finds_its_operation(void **state)
{
	unsigned allowed;

	(void)state;
	assert_true(route("HEAD", "/v1/deals/" ID, &allowed));
	assert_string_equal(edge.request.operation->id, "getDeal");
	assert_string_equal(edge.request.path_ids[0], ID);
	assert_true(route("OPTIONS", "/v1/deals/x", &allowed));
	assert_null(edge.request.operation);
	assert_int_equal(allowed, 1u << METHOD_GET | 1u << METHOD_PATCH);
	assert_false(route("DELETE", "/v1/deals/x", &allowed));
	assert_int_equal(edge.problem.code, PROBLEM_method_not_allowed);
	assert_false(route("TRACE", "/v1/nothing", &allowed));
	assert_int_equal(edge.problem.code, PROBLEM_not_found);
}

static bool id_passes(const char *id)
{
	edge_reset(&edge, "getDeal");
	edge.request.path_ids[0] = id;
	return gate_path_ids(&edge.request, &edge.problem);
}

static void what_cannot_be_an_id_is_not_found(void **state)
{
	(void)state;
	assert_true(id_passes("01932C07-5F1E-7C3A-9B1D-2F6A4F0D9C11"));
	assert_string_equal(edge.request.path_ids[0], ID);
	assert_false(id_passes("x"));
	assert_int_equal(edge.problem.code, PROBLEM_not_found);
	assert_false(id_passes(ID "," ID));
	assert_false(id_passes("%30"
			       "1932c07-5f1e-7c3a-9b1d-2f6a4f0d9c11"));
}

static void allow_lists_what_there_is(void **state)
{
	char allow[GATE_ALLOW_BYTES];

	(void)state;
	gate_allow(1u << METHOD_GET | 1u << METHOD_PATCH, allow);
	assert_string_equal(allow, "GET, HEAD, PATCH, OPTIONS");
	gate_allow((1u << METHOD_COUNT) - 1, allow);
	assert_string_equal(allow, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(targets_are_split_at_the_first_question_mark),
		cmocka_unit_test(targets_that_cannot_be_are_refused),
		cmocka_unit_test(ordinary_fields_pass),
		cmocka_unit_test(a_field_that_can_be_read_in_two_ways_is_refused),
		cmocka_unit_test(host_is_needed_in_http_1_1_only),
		cmocka_unit_test(what_the_library_repaired_is_refused),
		cmocka_unit_test(sizes_have_limits),
		cmocka_unit_test(methods_are_exact),
		cmocka_unit_test(a_request_finds_its_operation),
		cmocka_unit_test(what_cannot_be_an_id_is_not_found),
		cmocka_unit_test(allow_lists_what_there_is),
	};

	return cmocka_run_group_tests(tests, open_edge, close_edge);
}
