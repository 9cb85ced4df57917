/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's own program: its settings, and the test clock of a sandbox. Programs are made by the
 * operator's CLI. */
#include <string.h>

#include "base/clock.h"
#include "base/money.h"
#include "resources.h"

const struct resource program_resource = {
	.object = "program",
	.shape = "program_shape",
	.path = "/v1/program/",
	.shared = true,
};

static bool check_terms(const struct command_input *in, struct problem *problem)
{
	struct arena *arena = in->request->arena;
	const char *currency = command_body_text(in, "currency");
	if (currency != NULL && !currency_exponent(currency, NULL))
		problem_add(problem, arena, PLACE_POINTER, "#/currency", VIOLATION_invalid_choice,
			"'%s' is not an active ISO 4217 currency.", currency);
	if (!rows_bool(in->facts, "zone_is_known"))
		problem_add(problem, arena, PLACE_POINTER, "#/zone", VIOLATION_invalid_choice,
			"Not an IANA time zone.");
	if (command_body_int(in, "margin_cap_bps", INT64_MAX) <
		rows_int(in->facts, "highest_cap_bps"))
		problem_add(problem, arena, PLACE_POINTER, "#/margin_cap_bps",
			VIOLATION_inconsistent, "A tier's band reaches %lld basis points.",
			(long long)rows_int(in->facts, "highest_cap_bps"));
	return !problem->is_set;
}

static bool decide_update(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	static const char *const plain[] = { "name", "zone", "currency", "fiscal_year_start_month",
		"protection_days", "extension_days", "max_extensions", "claim_window_hours",
		"urgent_claim_window_hours", "margin_cap_bps", "tier_notice_days",
		"attribution_model", "attribution_window_days", "reapplication_days",
		"dispute_evidence_days", "dispute_decision_days", "dispute_appeal_days",
		"distributor_visibility", "tier_review_months", "tier_grace_reviews",
		"tier_immunity_days", "proration_rate_at", "extension_grace_days",
		"expiry_notice_days", "review_days", "second_factor_roles", NULL };
	json_t *set = json_object();
	json_object_set_new(out->fields, "set", set);
	out->event = "program.updated";
	patch_columns(in, set, plain);
	return check_terms(in, problem);
}

/* Years that every date computed from them still has four digits in. */
#define CLOCK_FIRST_US 0LL                               /* 1970-01-01 */
#define CLOCK_LAST_US  (32503680000LL * CLOCK_SECOND_US) /* 3000-01-01 */

static bool refuse_instant(const struct command_input *in, enum violation_code code,
	const char *detail, struct problem *problem)
{
	const char *where =
		json_object_get(in->body, "now_at") != NULL ? "#/now_at" : "#/advance_seconds";
	problem_add(problem, in->request->arena, PLACE_POINTER, where, code, "%s", detail);
	return false;
}

/* A clock that has been set only moves forward: what it made due stays due. */
static bool check_instant(
	const struct command_input *in, int64_t wanted_us, struct problem *problem)
{
	if (wanted_us < CLOCK_FIRST_US)
		return refuse_instant(in, VIOLATION_too_small, "Not before 1970.", problem);
	if (wanted_us >= CLOCK_LAST_US)
		return refuse_instant(in, VIOLATION_too_large, "Before the year 3000.", problem);
	if (rows_text(in->facts, "test_now") != NULL &&
		wanted_us < rows_time(in->facts, "test_now"))
		return refuse_instant(
			in, VIOLATION_too_small, "The clock only moves forward.", problem);
	return true;
}

/* Sets the clock to an instant, moves it on by seconds, or (null) lets it go with the real time
 * again. */
static bool decide_clock(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const json_t *instant = json_object_get(in->body, "now_at"),
		     *advance = json_object_get(in->body, "advance_seconds");
	if (strcmp(rows_text(in->facts, "environment"), "test") != 0)
		return problem_set(problem, PROBLEM_test_clock_unavailable,
			"This program is live: its clock is the real one.");
	if ((instant != NULL) == (advance != NULL)) {
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/now_at",
			VIOLATION_inconsistent, "Give either now_at or advance_seconds.");
		return false;
	}
	json_t *set = json_object();
	json_object_set_new(out->fields, "set", set);
	out->event = "program.clock_set";
	if (json_is_null(instant)) {
		json_object_set_new(set, "test_now", json_null());
		return true;
	}
	const char *text = json_string_value(instant);
	int64_t wanted_us =
		rows_time(in->facts, "now") + json_integer_value(advance) * CLOCK_SECOND_US;
	if (text != NULL && !time_parse(text, strlen(text), &wanted_us))
		return refuse_instant(in, VIOLATION_invalid_format, "Not an instant.", problem);
	char now[TIME_TEXT_BYTES];
	time_format(wanted_us, now);
	json_object_set_new(set, "test_now", json_string(text != NULL ? text : now));
	return check_instant(in, wanted_us, problem);
}

const struct endpoint program_endpoints[] = {
	{ .operation_id = "getProgram",
		.resource = &program_resource,
		.get = true,
		.self = SELF_PROGRAM },
	{ .operation_id = "updateProgram",
		.resource = &program_resource,
		.facts = "program_facts",
		.decide = decide_update,
		.write = "program_change",
		.self = SELF_PROGRAM },
	{ .operation_id = "setTestClock",
		.resource = &program_resource,
		.facts = "program_facts",
		.decide = decide_clock,
		.write = "program_change",
		.self = SELF_PROGRAM },
	{ 0 },
};
