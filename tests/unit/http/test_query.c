/* SPDX-License-Identifier: Apache-2.0 */
/* Queries and forms: what is taken, in which order it is kept, and what is refused with which code.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "edge.h"
#include "http/form.h"
#include "http/query.h"

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

static bool parse(const char *operation_id, const char *query)
{
	edge_reset(&edge, operation_id);
	edge.request.raw_query = slice_of(query);
	return query_parse(&edge.request, &edge.problem);
}

static void values_are_decoded_and_defaults_filled_in(void **state)
{
	(void)state;
	assert_true(parse("listDeals", "customer_name=A+%26%20B%C3%A4"));
	assert_string_equal(request_query(&edge.request, "customer_name"), "A & B\xc3\xa4");
	assert_string_equal(request_query(&edge.request, "limit"), "25");
	assert_null(request_query(&edge.request, "status"));
	assert_null(request_query(&edge.request, "nothing"));
	assert_false(edge.request.dry_run);
}

static void an_array_is_repeated(void **state)
{
	(void)state;
	assert_true(parse("listDeals", "status=won&limit=5&status=lost"));
	assert_int_equal(edge.request.query_count, 2);
	assert_string_equal(edge.request.query[0].parameter->name, "status");
	assert_int_equal(edge.request.query[0].count, 2);
	assert_string_equal(edge.request.query[0].values[1], "lost");
	assert_string_equal(request_query(&edge.request, "limit"), "5");
}

static void dry_run_is_noticed(void **state)
{
	(void)state;
	assert_true(parse("listDeals", "dry_run=true"));
	assert_true(edge.request.dry_run);
	assert_true(parse("listDeals", "dry_run=false"));
	assert_false(edge.request.dry_run);
	assert_false(parse("listDeals", "dry_run=yes"));
}

static void refusals_have_their_codes(void **state)
{
	static const struct {
		const char *query;
		enum problem_code code;
	} cases[] = {
		{ "nothing=1", PROBLEM_unknown_parameter },
		{ "Limit=1", PROBLEM_unknown_parameter },
		{ "deal_id=1", PROBLEM_unknown_parameter },
		{ "limit=0", PROBLEM_invalid_parameter },
		{ "limit=", PROBLEM_invalid_parameter },
		{ "limit", PROBLEM_invalid_parameter },
		{ "limit=1&limit=1", PROBLEM_invalid_parameter },
		{ "limit=+1", PROBLEM_invalid_parameter },
		{ "limit=1.0e1", PROBLEM_invalid_parameter },
		{ "status=won,lost", PROBLEM_invalid_parameter },
		{ "=x", PROBLEM_invalid_parameter },
		{ "=x&limit=1", PROBLEM_invalid_parameter },
		{ "&", PROBLEM_invalid_parameter },
		{ "&limit=1", PROBLEM_invalid_parameter },
		{ "limit=1&", PROBLEM_invalid_parameter },
		{ "limit=1&&status=won", PROBLEM_invalid_parameter },
		{ "customer_name=%", PROBLEM_invalid_encoding },
		{ "customer_name=%g0", PROBLEM_invalid_encoding },
		{ "customer_name=%00", PROBLEM_invalid_encoding },
		{ "customer_name=%C3", PROBLEM_invalid_encoding },
		{ "%FF=1", PROBLEM_invalid_encoding },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_false(parse("listDeals", cases[i].query));
		if (edge.problem.code != cases[i].code)
			fail_msg("%s: %s", cases[i].query, problem_code_text(edge.problem.code));
	}
}

static void the_nearest_name_is_told(void **state)
{
	(void)state;
	assert_false(parse("listDeals", "statsu=won"));
	assert_non_null(strstr(edge.problem.detail, "'statsu' here. Did you mean 'status'?"));
	assert_false(parse("listDeals", "costumer_name=x"));
	assert_non_null(strstr(edge.problem.detail, "'customer_name'"));
	assert_false(parse("listDeals", "zzzzzzzz=x"));
	assert_null(strstr(edge.problem.detail, "Did you mean"));
}

static void a_name_of_any_length_and_bytes_can_be_refused(void **state)
{
	char query[3000];

	(void)state;
	memset(query, 'a', sizeof(query));
	query[sizeof(query) - 1] = '\0';
	assert_false(parse("listDeals", query));
	assert_true(strlen(edge.problem.detail) < 100);
	assert_false(parse("listDeals", "a%0D%0Ab%C3%A4=1"));
	assert_string_equal(edge.problem.violations[0].where, "a??b??");
}

static void all_faults_are_told(void **state)
{
	(void)state;
	assert_false(parse("listDeals", "limit=0&status=x&dry_run=1&limit=2"));
	assert_int_equal(edge.problem.code, PROBLEM_invalid_parameter);
	assert_int_equal(edge.problem.violation_count, 3);
	assert_string_equal(edge.problem.violations[1].where, "status");
	assert_int_equal(edge.problem.violations[0].place, PLACE_PARAMETER);
}

static void a_value_is_taken_a_bounded_number_of_times(void **state)
{
	struct text query = TEXT_INIT;

	(void)state;
	for (int i = 0; i < QUERY_MAX_VALUES; i++)
		text_append_string(&query, i ? "&status=won" : "status=won");
	assert_true(parse("listDeals", query.bytes));
	assert_int_equal(edge.request.query[0].count, QUERY_MAX_VALUES);
	text_append_string(&query, "&status=won");
	assert_false(parse("listDeals", query.bytes));
	assert_int_equal(edge.problem.code, PROBLEM_invalid_parameter);
	text_release(&query);
}

static void what_is_required_must_be_there(void **state)
{
	(void)state;
	assert_false(parse("getReport", ""));
	assert_int_equal(edge.problem.code, PROBLEM_invalid_parameter);
	assert_int_equal(edge.problem.violations[0].code, VIOLATION_required);
	assert_true(parse("getReport", "year=2026"));
	assert_false(parse("getReport", "year=x"));
	assert_int_equal(edge.problem.violation_count, 1);
}

static bool parse_form(struct form *form, const char *body)
{
	edge_reset(&edge, NULL);
	return form_parse(form, edge.request.arena, slice_of(body), &edge.problem);
}

static void forms_are_read_strictly(void **state)
{
	struct form form;

	(void)state;
	assert_true(parse_form(&form, "grant_type=client_credentials&scope=a+b%3Ac&empty="));
	assert_string_equal(form_value(&form, "grant_type"), "client_credentials");
	assert_string_equal(form_value(&form, "scope"), "a b:c");
	assert_null(form_value(&form, "empty"));
	assert_null(form_value(&form, "absent"));
	assert_true(parse_form(&form, ""));
	assert_int_equal(form.count, 0);
	assert_false(parse_form(&form, "a=1&a=2"));
	assert_false(parse_form(&form, "a=%"));
	assert_int_equal(edge.problem.code, PROBLEM_invalid_encoding);
	assert_false(parse_form(&form, "a=1&&b=2"));
}

static void forms_have_a_bounded_number_of_fields(void **state)
{
	struct text body = TEXT_INIT;
	struct form form;

	(void)state;
	for (int i = 0; i <= FORM_MAX_FIELDS; i++)
		text_appendf(&body, "%sf%d=1", i ? "&" : "", i);
	assert_false(parse_form(&form, body.bytes));
	text_release(&body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_decoded_and_defaults_filled_in),
		cmocka_unit_test(an_array_is_repeated),
		cmocka_unit_test(dry_run_is_noticed),
		cmocka_unit_test(refusals_have_their_codes),
		cmocka_unit_test(the_nearest_name_is_told),
		cmocka_unit_test(a_name_of_any_length_and_bytes_can_be_refused),
		cmocka_unit_test(all_faults_are_told),
		cmocka_unit_test(a_value_is_taken_a_bounded_number_of_times),
		cmocka_unit_test(what_is_required_must_be_there),
		cmocka_unit_test(forms_are_read_strictly),
		cmocka_unit_test(forms_have_a_bounded_number_of_fields),
	};

	return cmocka_run_group_tests(tests, open_edge, close_edge);
}
