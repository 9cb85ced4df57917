/* SPDX-License-Identifier: Apache-2.0 */
/* Accept and Content-Type by their grammar. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "edge.h"
#include "http/negotiate.h"

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

static void accept_is_a_list_of_ranges_with_weights(void **state)
{
	static const struct {
		const char *accept;
		bool allows;
	} cases[] = {
		{ NULL, true },
		{ "", true },
		{ "  ", true },
		{ "*/*", true },
		{ "application/*", true },
		{ "application/json", true },
		{ "APPLICATION/Json", true },
		{ "text/html,application/json;q=0.001", true },
		{ "application/json;charset=utf-8", true },
		{ "application/json;a=\"x,y;q=0\"", true },
		{ "application/json ; q=0.5 , text/html", true },
		{ ",,application/json", true },
		{ "nonsense, application/json", true },
		{ "text/html;q=\"x, application/json", true },
		{ "application/json;q=0", false },
		{ "application/json;q=0.000", false },
		{ "application/json;Q=0, */*", false },
		{ "*/*;q=0", false },
		{ "application/*;q=0, */*", false },
		{ "text/html", false },
		{ "text/plain;x=application/json", false },
		{ "application/jsonp", false },
		{ "application", false },
		{ "*/json", false },
		{ "application/json;q=2", false },
		{ "application/json;q=0.0001", false },
		{ "application/json;q=x", false },
		{ "/", false },
		{ ";", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (accept_allows(cases[i].accept, "application", "json") != cases[i].allows)
			fail_msg("Accept: %s", cases[i].accept);
}

static void the_more_specific_range_decides(void **state)
{
	(void)state;
	assert_true(accept_allows("*/*;q=0, application/json", "application", "json"));
	assert_true(accept_allows("application/json, */*;q=0", "application", "json"));
	assert_false(accept_allows("application/json;q=0, application/*", "application", "json"));
}

static void content_types_are_parsed(void **state)
{
	static const struct {
		const char *text;
		enum media media;
	} cases[] = {
		{ NULL, MEDIA_NONE },
		{ "application/json", MEDIA_JSON },
		{ " Application/JSON ; Charset=UTF-8 ", MEDIA_JSON },
		{ "application/json;charset=\"utf-8\"", MEDIA_JSON },
		{ "application/json;", MEDIA_JSON },
		{ "application/json; profile=x", MEDIA_JSON },
		{ "application/merge-patch+json", MEDIA_MERGE_PATCH },
		{ "application/x-www-form-urlencoded", MEDIA_FORM },
		{ "application/json;charset=latin1", MEDIA_OTHER },
		{ "application/json;charset=utf-8;charset=latin1", MEDIA_OTHER },
		{ "application/json;charset", MEDIA_OTHER },
		{ "application/json;charset=\"utf-8", MEDIA_OTHER },
		{ "application/json x", MEDIA_OTHER },
		{ "application/json, application/json", MEDIA_OTHER },
		{ "text/plain; application/json", MEDIA_OTHER },
		{ "text/json", MEDIA_OTHER },
		{ "json", MEDIA_OTHER },
		{ "", MEDIA_OTHER },
		{ "application/", MEDIA_OTHER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (media_parse(cases[i].text) != cases[i].media)
			fail_msg("Content-Type: %s", cases[i].text);
}

/* The media type that was found, or MEDIA_OTHER after a 415. */
static enum media judge_body(const char *operation_id, const char *type, const char *body)
{
	enum media media;

	edge_reset(&edge, operation_id);
	edge.request.raw_body = slice_of(body);
	if (type)
		edge_field(&edge, "Content-Type", type);
	if (negotiate_body(&edge.request, &media, &edge.problem))
		return media;
	assert_int_equal(edge.problem.code, PROBLEM_unsupported_media_type);
	return MEDIA_OTHER;
}

static void bodies_must_be_of_the_operations_type(void **state)
{
	(void)state;
	assert_int_equal(judge_body("registerDeal", "application/json", "{}"), MEDIA_JSON);
	assert_int_equal(
		judge_body("registerDeal", "application/merge-patch+json", "{}"), MEDIA_OTHER);
	assert_int_equal(judge_body("registerDeal", NULL, "{}"), MEDIA_OTHER);
	assert_int_equal(judge_body("registerDeal", NULL, ""), MEDIA_NONE);
	assert_int_equal(judge_body("registerDeal", "text/plain", ""), MEDIA_OTHER);
	assert_int_equal(judge_body("updateDeal", "application/json", "{}"), MEDIA_JSON);
	assert_int_equal(
		judge_body("updateDeal", "application/merge-patch+json", "{}"), MEDIA_MERGE_PATCH);
	assert_int_equal(
		judge_body("createToken", "application/x-www-form-urlencoded", "a=b"), MEDIA_FORM);
	/* The token endpoint refuses other types itself. */
	assert_int_equal(judge_body("createToken", "application/json", "{}"), MEDIA_JSON);
	assert_int_equal(judge_body("createToken", "application/json", ""), MEDIA_JSON);
	assert_int_equal(judge_body("submitDeal", "application/json", "{}"), MEDIA_JSON);
	assert_int_equal(judge_body("submitDeal", "text/plain", "x"), MEDIA_OTHER);
}

static void a_coded_body_is_refused(void **state)
{
	enum media media;

	(void)state;
	edge_reset(&edge, "registerDeal");
	edge.request.raw_body = slice_of("{}");
	edge_field(&edge, "Content-Type", "application/json");
	edge_field(&edge, "Content-Encoding", "gzip");
	assert_false(negotiate_body(&edge.request, &media, &edge.problem));
	assert_int_equal(edge.problem.code, PROBLEM_unsupported_media_type);
}

static void answers_must_be_acceptable(void **state)
{
	(void)state;
	edge_reset(&edge, "getDeal");
	edge_field(&edge, "Accept", "text/html");
	assert_false(negotiate_answer(&edge.request, &edge.problem));
	assert_int_equal(edge.problem.code, PROBLEM_not_acceptable);
	edge_field(&edge, "accept", "application/*");
	assert_true(negotiate_answer(&edge.request, &edge.problem));
	edge_reset(&edge, "submitDeal");
	edge_field(&edge, "Accept", "text/html");
	assert_true(negotiate_answer(&edge.request, &edge.problem));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accept_is_a_list_of_ranges_with_weights),
		cmocka_unit_test(the_more_specific_range_decides),
		cmocka_unit_test(content_types_are_parsed),
		cmocka_unit_test(bodies_must_be_of_the_operations_type),
		cmocka_unit_test(a_coded_body_is_refused),
		cmocka_unit_test(answers_must_be_acceptable),
	};

	return cmocka_run_group_tests(tests, open_edge, close_edge);
}
