/* SPDX-License-Identifier: Apache-2.0 */
/* The writer over stored flat rows: nesting, types, what partners do not see, sparse rows;
 * timestamps; ETags. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "http/engines.h"
#include "http/offers.h"

static const struct resource resource = { .object = "thing" };

#define LITERAL(text)                  \
	{                              \
		text, sizeof(text) - 1 \
	}

/* id, status, amount.amount_minor, amount.currency, vendor:note, flag, at, tags, _hidden,
 * allowed_actions */
static const struct shape shape = {
	.resource = &resource,
	.columns = {
		{ .name = "id", .member = "id", .literal = LITERAL("\"id\":"), .kind = COLUMN_QUOTED },
		{ .name = "status", .member = "status", .literal = LITERAL("\"status\":"), .kind = COLUMN_STRING },
		{ .name = "amount.amount_minor", .member = "amount.amount_minor",
			.literal = LITERAL("\"amount_minor\":"), .open = LITERAL("\"amount\":"), .group_length = 2,
			.kind = COLUMN_PLAIN },
		{ .name = "amount.currency", .member = "amount.currency", .literal = LITERAL("\"currency\":"),
			.closes = true, .kind = COLUMN_STRING },
		{ .name = "vendor:note", .member = "note", .literal = LITERAL("\"note\":"), .vendor_only = true,
			.kind = COLUMN_STRING },
		{ .name = "flag", .member = "flag", .literal = LITERAL("\"flag\":"), .kind = COLUMN_BOOL },
		{ .name = "at", .member = "at", .literal = LITERAL("\"at\":"), .kind = COLUMN_TIME },
		{ .name = "tags", .member = "tags", .literal = LITERAL("\"tags\":"), .kind = COLUMN_PLAIN },
		{ .name = "_hidden", .member = "_hidden", .literal = LITERAL("\"_hidden\":"), .kind = COLUMN_HIDDEN },
		{ .name = "allowed_actions", .member = "allowed_actions", .literal = LITERAL("\"allowed_actions\":"),
			.kind = COLUMN_ACTIONS },
	},
	.column_count = 10,
	.actions = {
		{ .name = "approve", .from = "submitted in_review", .scopes = SCOPE_BIT(deals_approve),
			.not_while_held = true },
		{ .name = "withdraw", .from = "submitted draft", .scopes = SCOPE_BIT(deals_write) },
	},
	.action_count = 2,
};

static void assert_written_as(
	const struct actor *actor, const char *flat, bool sparse, const char *expected)
{
	struct text out = TEXT_INIT;
	struct request request = { .actor = actor, .arena = arena_new() };
	writer_flat(&out, &request, &shape, flat, strlen(flat), sparse, false);
	assert_string_equal(out.bytes, expected);
	text_release(&out);
	arena_free(request.arena);
}

static const struct actor vendor = { .scopes = SCOPE_BIT(deals_approve) | SCOPE_BIT(deals_write) };
static const struct actor partner = { .partner_id = "p", .scopes = SCOPE_BIT(deals_write) };

static void a_whole_row(void **state)
{
	(void)state;
	assert_written_as(&vendor,
		"{\"id\":\"x\",\"status\":\"submitted\",\"amount.amount_minor\":5,\"amount."
		"currency\":\"EUR\","
		"\"vendor:note\":\"a "
		"\\\"b\\\"\",\"flag\":true,\"at\":\"2026-01-02T03:04:05.678901+00:00\",\"tags\":[1,"
		"2],"
		"\"_hidden\":1,\"allowed_actions\":\"submitted\"}",
		false,
		"{\"id\":\"x\",\"status\":\"submitted\",\"amount\":{\"amount_minor\":5,"
		"\"currency\":\"EUR\"},"
		"\"note\":\"a "
		"\\\"b\\\"\",\"flag\":true,\"at\":\"2026-01-02T03:04:05.678Z\",\"tags\":[1, 2],"
		"\"allowed_actions\":[\"approve\",\"withdraw\"]}");
}

static void a_partner_sees_null_and_its_own_actions(void **state)
{
	(void)state;
	assert_written_as(&partner,
		"{\"id\":\"x\",\"status\":\"submitted\",\"vendor:note\":\"secret\",\"allowed_"
		"actions\":\"submitted\"}",
		false,
		"{\"id\":\"x\",\"status\":\"submitted\",\"amount\":null,\"note\":null,\"flag\":"
		"null,\"at\":null,\"tags\":null,"
		"\"allowed_actions\":[\"withdraw\"]}");
	assert_written_as(&partner, "{\"id\":\"x\",\"allowed_actions\":\"approved\"}", false,
		"{\"id\":\"x\",\"status\":null,\"amount\":null,\"note\":null,\"flag\":null,\"at\":"
		"null,\"tags\":null,"
		"\"allowed_actions\":[]}");
}

static void marks_withhold_actions(void **state)
{
	static const struct {
		const char *marked, *open_ids, *vendor, *partner;
	} cases[] = {
		{ "submitted", NULL, "approve withdraw", "withdraw" },
		{ "submitted held", NULL, "withdraw", "withdraw" },
		{ "submitted ?approve", NULL, "withdraw", "withdraw" },
		{ "submitted ?approve", " z x", "approve withdraw", "withdraw" },
		{ "submitted ?approve", " xx", "withdraw", "withdraw" },
		{ "submitted -withdraw", NULL, "approve", "" },
		{ "submitted -withdraw@partner", NULL, "approve withdraw", "" },
		{ "submitted -approve@me -withdraw@you", NULL, "withdraw", "withdraw" },
		{ "draft -approve", NULL, "withdraw", "withdraw" },
		{ "", NULL, "", "" },
	};
	struct actor asking[] = { vendor, partner };
	(void)state;
	strcpy(asking[0].id, "me");
	for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
		struct text out = TEXT_INIT;
		const struct request request = { .actor = &asking[i % 2],
			.open_ids = cases[i / 2].open_ids };
		offers_write(
			&out, &request, &shape, slice_of(cases[i / 2].marked), slice_of("x"), " ");
		text_append_char(&out, '\0');
		assert_string_equal(
			out.bytes, i % 2 == 0 ? cases[i / 2].vendor : cases[i / 2].partner);
		text_release(&out);
	}
}

static void a_sparse_row_has_only_what_it_has(void **state)
{
	(void)state;
	assert_written_as(&vendor, "{}", true, "{}");
	assert_written_as(&vendor, "{\"amount.currency\":\"EUR\",\"flag\":null}", true,
		"{\"amount\":{\"currency\":\"EUR\"},\"flag\":null}");
	assert_written_as(&vendor, "{\"amount.amount_minor\":null,\"amount.currency\":null}", true,
		"{\"amount\":null}");
	assert_written_as(&vendor, "{\"vendor:note\":\"old\"}", true, "{\"note\":\"old\"}");
	assert_written_as(
		&partner, "{\"vendor:note\":\"old\",\"flag\":false}", true, "{\"flag\":false}");
}

static void times_are_utc_with_three_digits(void **state)
{
	static const char *const cases[][2] = {
		{ "2026-01-02 03:04:05.678901+00", "\"2026-01-02T03:04:05.678Z\"" },
		{ "2026-01-02 03:04:05+00", "\"2026-01-02T03:04:05.000Z\"" },
		{ "2026-01-02 03:04:05.6+00", "\"2026-01-02T03:04:05.600Z\"" },
		{ "2026-01-02 03:04:05.9999+00", "\"2026-01-02T03:04:05.999Z\"" },
		{ "2026-01-02T03:04:05.07+00:00", "\"2026-01-02T03:04:05.070Z\"" },
		{ "infinity", "null" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct text out = TEXT_INIT;
		writer_time(&out, cases[i][0], strlen(cases[i][0]));
		assert_string_equal(out.bytes, cases[i][1]);
		text_release(&out);
	}
}

static void etags_compare_as_rfc_9110_says(void **state)
{
	static const struct {
		const char *header;
		bool strong, weak;
	} cases[] = {
		{ "\"3\"", true, true },
		{ "W/\"3\"", false, true },
		{ "\"1\", \"3\"", true, true },
		{ "\"1\" ,\t\"3\" ", true, true },
		{ "*", true, true },
		{ " * ", true, true },
		{ "\"33\"", false, false },
		{ "3", false, false },
		{ "\"3", false, false },
		{ "", false, false },
		{ "\"\"", false, false },
		{ "\"1\",W/\"2\"", false, false },
		{ "w/\"3\"", false, false },
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(etag_matches(cases[i].header, "3", false), cases[i].strong);
		assert_int_equal(etag_matches(cases[i].header, "3", true), cases[i].weak);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_whole_row),
		cmocka_unit_test(a_partner_sees_null_and_its_own_actions),
		cmocka_unit_test(marks_withhold_actions),
		cmocka_unit_test(a_sparse_row_has_only_what_it_has),
		cmocka_unit_test(times_are_utc_with_three_digits),
		cmocka_unit_test(etags_compare_as_rfc_9110_says),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
