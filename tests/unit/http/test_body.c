/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies from bytes to checked JSON; keys and fingerprints. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "edge.h"
#include "http/body.h"
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

static bool parse(const char *operation_id, const char *body)
{
	edge_reset(&edge, operation_id);
	edge.request.raw_body = slice_of(body);
	return body_parse(&edge.request, MEDIA_JSON, &edge.problem);
}

static void a_good_body_is_parsed(void **state)
{
	(void)state;
	assert_true(parse("registerDeal", "{\"name\":\"Acme\"}"));
	assert_false(edge.request.body_problem.is_set);
	assert_string_equal(json_string_value(json_object_get(edge.request.body, "name")), "Acme");
}

static void violations_are_collected_and_not_returned(void **state)
{
	(void)state;
	assert_true(parse("registerDeal", "{\"name\":\"A\",\"count\":\"1\",\"x\":1}"));
	assert_true(edge.request.body_problem.is_set);
	assert_int_equal(edge.request.body_problem.code, PROBLEM_validation_failed);
	assert_int_equal(edge.request.body_problem.violation_count, 3);
	assert_true(parse("registerDeal", "[]"));
	assert_int_equal(edge.request.body_problem.violation_count, 1);
}

static void what_is_no_json_has_a_code(void **state)
{
	static const struct {
		const char *body;
		enum problem_code code;
	} cases[] = {
		{ "", PROBLEM_malformed_json },
		{ "{", PROBLEM_malformed_json },
		{ "{}x", PROBLEM_malformed_json },
		{ "1", PROBLEM_malformed_json },
		{ "\"a\"", PROBLEM_malformed_json },
		{ "\xef\xbb\xbf{}", PROBLEM_malformed_json },
		{ "{\"name\":\"\\u0000\"}", PROBLEM_malformed_json },
		{ "{\"\\u0000\":1}", PROBLEM_malformed_json },
		{ "{\"count\":9223372036854775808}", PROBLEM_malformed_json },
		{ "{\"count\":1e999}", PROBLEM_malformed_json },
		{ "{\"a\":1,\"a\":1}", PROBLEM_duplicate_key },
		{ "{\"a\":1,\"\\u0061\":1}", PROBLEM_duplicate_key },
		{ "{\"name\":\"\xff\"}", PROBLEM_invalid_encoding },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_false(parse("registerDeal", cases[i].body));
		if (edge.problem.code != cases[i].code)
			fail_msg("%s: %s", cases[i].body, problem_code_text(edge.problem.code));
	}
}

static void an_operation_without_a_body_takes_an_empty_object(void **state)
{
	(void)state;
	assert_true(parse("submitDeal", ""));
	assert_false(edge.request.body_problem.is_set);
	assert_true(parse("submitDeal", " {} "));
	assert_false(edge.request.body_problem.is_set);
	assert_null(edge.request.body);
	assert_true(parse("submitDeal", "{\"a\":1}"));
	assert_true(edge.request.body_problem.is_set);
	assert_true(parse("submitDeal", "[]"));
	assert_true(edge.request.body_problem.is_set);
	assert_true(parse("updateDeal", ""));
	assert_null(edge.request.body);
}

static void forms_are_left_to_their_operation(void **state)
{
	(void)state;
	edge_reset(&edge, "createToken");
	edge.request.raw_body = slice_of("a=b");
	assert_true(body_parse(&edge.request, MEDIA_FORM, &edge.problem));
	assert_null(edge.request.body);
	edge.request.raw_body = slice_of("{}");
	assert_true(body_parse(&edge.request, MEDIA_JSON, &edge.problem));
	edge.request.raw_body = slice_of("");
	assert_true(body_parse(&edge.request, MEDIA_NONE, &edge.problem));
	assert_null(edge.request.body);
}

static struct slice repeated(struct text *text, const char *piece, int times, const char *end)
{
	text_clear(text);
	for (int i = 0; i < times; i++)
		text_append_string(text, piece);
	text_append_string(text, end);
	return (struct slice){ text->bytes, text->length };
}

static void depth_and_number_of_values_are_bounded(void **state)
{
	struct text text = TEXT_INIT;

	(void)state;
	assert_true(body_is_bounded(repeated(&text, "[", BODY_MAX_DEPTH, "")));
	assert_false(body_is_bounded(repeated(&text, "[", BODY_MAX_DEPTH + 1, "")));
	assert_false(body_is_bounded(repeated(&text, "{\"a\":", BODY_MAX_DEPTH + 1, "")));
	assert_true(body_is_bounded(repeated(&text, "[]", 4000, "")));
	assert_true(body_is_bounded(repeated(&text, "1,", BODY_MAX_NODES - 1, "1")));
	assert_false(body_is_bounded(repeated(&text, "1,", BODY_MAX_NODES, "1")));
	assert_false(body_is_bounded(repeated(&text, "{}", BODY_MAX_NODES, "")));
	assert_true(body_is_bounded(SLICE("\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"")));
	assert_true(body_is_bounded(SLICE("\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"")));
	assert_false(body_is_bounded(SLICE("\"\\\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[")));
	assert_true(body_is_bounded(SLICE("]]]]\"\\")));
	text_release(&text);
}

static bool identify(const char *operation_id, const char *key)
{
	edge_reset(&edge, operation_id);
	edge.request.path = slice_of("/v1/deals");
	if (key)
		edge_field(&edge, "Idempotency-Key", key);
	return body_identify(&edge.request, &edge.problem);
}

static void keys_come_quoted_or_bare(void **state)
{
	char key[300];

	(void)state;
	assert_true(identify("registerDeal", "\"a-1\""));
	assert_string_equal(edge.request.idempotency_key, "a-1");
	assert_true(identify("registerDeal", "a-1"));
	assert_string_equal(edge.request.idempotency_key, "a-1");
	assert_int_equal(strlen(edge.request.fingerprint), 64);
	assert_true(identify("registerDeal", "\""));
	assert_false(identify("registerDeal", NULL));
	assert_int_equal(edge.problem.code, PROBLEM_idempotency_key_required);
	assert_false(identify("registerDeal", ""));
	assert_int_equal(edge.problem.code, PROBLEM_invalid_parameter);
	assert_false(identify("registerDeal", "\"\""));
	assert_false(identify("registerDeal", "a b"));
	assert_false(identify("registerDeal", "\xc3\xa4"));
	memset(key, 'k', sizeof(key));
	key[256] = '\0';
	assert_false(identify("registerDeal", key));
	key[255] = '\0';
	assert_true(identify("registerDeal", key));
}

static void a_key_that_would_not_be_kept_is_refused(void **state)
{
	(void)state;
	assert_true(identify("getDeal", "a b"));
	assert_null(edge.request.idempotency_key);
	assert_string_equal(edge.request.fingerprint, "");
	assert_true(identify("createToken", "a")); /* nobody to keep it for */
	assert_true(identify("updateDeal", NULL));
	assert_false(identify("updateDeal", "a"));
	assert_int_equal(edge.problem.code, PROBLEM_invalid_parameter);
	assert_string_equal(edge.problem.violations[0].where, "Idempotency-Key");
}

/* Fingerprint of a request; the query belongs to listDeals, the key to registerDeal. */
static const char *fingerprint(
	const char *method, const char *path, const char *query, const char *body)
{
	static char prints[2][65];
	static size_t turn;
	const struct operation *keyed;

	edge_reset(&edge, "listDeals");
	edge.request.raw_query = slice_of(query);
	assert_true(query_parse(&edge.request, &edge.problem));
	keyed = contract_operation_by_id(edge.app.contract, "registerDeal");
	edge.request.operation = keyed;
	edge.request.method_text = method;
	edge.request.path = slice_of(path);
	edge.request.raw_body = slice_of(body);
	edge_field(&edge, "Idempotency-Key", "k");
	assert_true(body_identify(&edge.request, &edge.problem));
	turn = !turn;
	memcpy(prints[turn], edge.request.fingerprint, sizeof(prints[turn]));
	return prints[turn];
}

static void a_fingerprint_names_the_request(void **state)
{
	(void)state;
	assert_string_equal(fingerprint("POST", "/a", "limit=1&status=won", "{}"),
		fingerprint("POST", "/a", "status=won&limit=1", "{}"));
	assert_string_not_equal(
		fingerprint("POST", "/a", "", "{}"), fingerprint("PATCH", "/a", "", "{}"));
	assert_string_not_equal(
		fingerprint("POST", "/a", "", "{}"), fingerprint("POST", "/b", "", "{}"));
	assert_string_not_equal(
		fingerprint("POST", "/a", "", "{}"), fingerprint("POST", "/a", "", "{ }"));
	assert_string_not_equal(fingerprint("POST", "/a", "limit=1", "{}"),
		fingerprint("POST", "/a", "limit=2", "{}"));
	assert_string_not_equal(
		fingerprint("POST", "/a", "", "b{}"), fingerprint("POST", "/ab", "", "{}"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_body_is_parsed),
		cmocka_unit_test(violations_are_collected_and_not_returned),
		cmocka_unit_test(what_is_no_json_has_a_code),
		cmocka_unit_test(an_operation_without_a_body_takes_an_empty_object),
		cmocka_unit_test(forms_are_left_to_their_operation),
		cmocka_unit_test(depth_and_number_of_values_are_bounded),
		cmocka_unit_test(keys_come_quoted_or_bare),
		cmocka_unit_test(a_key_that_would_not_be_kept_is_refused),
		cmocka_unit_test(a_fingerprint_names_the_request),
	};

	return cmocka_run_group_tests(tests, open_edge, close_edge);
}
