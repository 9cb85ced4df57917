/* SPDX-License-Identifier: Apache-2.0 */
/* Origins are compared as a whole, and a preflight is told from an ordinary OPTIONS. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "edge.h"
#include "http/cors.h"

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

static void origins_are_exact(void **state)
{
	struct cors *cors = cors_make(" https://a.example , https://b.example/,,http://c:8080");

	(void)state;
	assert_string_equal(cors_match(cors, "https://a.example"), "https://a.example");
	assert_string_equal(cors_match(cors, "https://b.example"), "https://b.example");
	assert_string_equal(cors_match(cors, "http://c:8080"), "http://c:8080");
	assert_null(cors_match(cors, "https://a.example.evil"));
	assert_null(cors_match(cors, "http://a.example"));
	assert_null(cors_match(cors, "https://A.example"));
	assert_null(cors_match(cors, "http://c"));
	assert_null(cors_match(cors, "null"));
	assert_null(cors_match(cors, ""));
	assert_null(cors_match(cors, NULL));
	cors_free(cors);
}

static void an_empty_list_matches_nobody(void **state)
{
	struct cors *cors = cors_make("");

	(void)state;
	assert_null(cors_match(cors, "https://a.example"));
	assert_null(cors_match(cors, ""));
	cors_free(cors);
	cors_free(cors_make(NULL));
}

static void a_preflight_has_origin_and_method(void **state)
{
	struct response response = { 0 };

	(void)state;
	edge_reset(&edge, NULL);
	edge.request.method = METHOD_OPTIONS;
	assert_false(cors_is_preflight(&edge.request));
	edge_field(&edge, "Origin", "https://a.example");
	assert_false(cors_is_preflight(&edge.request));
	edge_field(&edge, "access-control-request-method", "PATCH");
	assert_true(cors_is_preflight(&edge.request));
	edge.request.method = METHOD_GET;
	assert_false(cors_is_preflight(&edge.request));
	cors_preflight(&edge.request, &response);
	assert_int_equal(response.status, 204);
	assert_int_equal(response.header_count, 0);
	edge.request.origin = "https://a.example";
	cors_preflight(&edge.request, &response);
	assert_int_equal(response.header_count, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(origins_are_exact),
		cmocka_unit_test(an_empty_list_matches_nobody),
		cmocka_unit_test(a_preflight_has_origin_and_method),
	};

	return cmocka_run_group_tests(tests, open_edge, close_edge);
}
