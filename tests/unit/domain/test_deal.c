/* SPDX-License-Identifier: Apache-2.0 */
/* Registration, approval and expiry of deals, each by its file of cases. */
#include "domain/deal.h"

#include "base/clock.h"
#include "base/money.h"

#include "tsv.h"

#define MAX_LINES 8

static const char *code_of(const struct problem *problem)
{
	return problem->is_set ? problem_code_text(problem->code) : NULL;
}

static void assert_is_sentence(const char *detail)
{
	assert_in_range(detail[0], 'A', 'Z');
	assert_int_equal(detail[strlen(detail) - 1], '.');
}

static size_t lines_of(const struct tsv *tsv, struct deal_line *ret_lines)
{
	int64_t numbers[2 * MAX_LINES];
	size_t count = tsv_ints(tsv, "lines", numbers, 2 * MAX_LINES);

	assert_int_equal(count % 2, 0);
	for (size_t i = 0; i < count; i += 2)
		ret_lines[i / 2] = (struct deal_line){ numbers[i], numbers[i + 1] };
	return count / 2;
}

static void registrations_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("deal_register.tsv");
	struct arena *arena = arena_new();

	(void)state;
	while (tsv_next(tsv)) {
		struct deal_facts facts = { .currency = "EUR" };
		struct deal_line lines[MAX_LINES];
		size_t line_count = lines_of(tsv, lines);
		struct problem problem = PROBLEM_INIT;
		const struct violation *violation = problem.violations;

		facts.partner_status = tsv_text(tsv, "partner_status");
		facts.amount_minor = tsv_int(tsv, "amount_minor");
		facts.has_line_items = line_count > 0;
		assert_int_equal(deal_register(&facts, lines, line_count, arena, &problem),
			tsv_text(tsv, "code") == NULL);
		tsv_expect_text(tsv, "code", code_of(&problem));
		tsv_expect_text(tsv, "where", violation->where);
		tsv_expect_text(tsv, "violation",
			problem.violation_count ? violation_code_text(violation->code) : NULL);
		if (problem.is_set)
			assert_is_sentence(problem.detail);
		if (problem.violation_count)
			assert_is_sentence(violation->detail);
		arena_reset(arena);
	}
	arena_free(arena);
	tsv_close(tsv);
}

static struct deal_facts approval_facts(const struct tsv *tsv)
{
	return (struct deal_facts){
		.status = tsv_text(tsv, "status"),
		.partner_status = tsv_text(tsv, "partner_status"),
		.tier_status = tsv_text(tsv, "tier_status"),
		.band = { 2000, 2500, 3000 },
		.program_cap_bps = tsv_int(tsv, "program_cap_bps"),
		.amount_minor = tsv_int(tsv, "amount_minor"),
		.currency = "EUR",
		.earns = tsv_text(tsv, "earns"),
		.commission_bps = tsv_int(tsv, "commission_bps"),
		.protection_days = 90,
		.now_us = 1000,
		.protection_ends_us = 2000,
	};
}

static void approvals_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("deal_approve.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		struct deal_facts facts = approval_facts(tsv);
		struct deal_approval approval = { 0 };
		struct explanation explanation = { 0 };
		struct problem problem = PROBLEM_INIT;
		struct margin_terms quoted = { tsv_int(tsv, "quoted_bps"), 583200, 0 };
		bool is_approved;

		if (tsv_text(tsv, "quoted_bps"))
			facts.quoted = &quoted;
		is_approved = deal_approve(&facts, &approval, &explanation, &problem);
		tsv_expect_text(tsv, "code", code_of(&problem));
		assert_int_equal(is_approved, !problem.is_set);
		if (!is_approved) {
			assert_is_sentence(problem.detail);
			continue;
		}
		tsv_expect_int(tsv, "margin_bps", approval.margin.margin_bps);
		tsv_expect_int(tsv, "margin_minor", approval.margin.margin_minor);
		tsv_expect_text(tsv, "earned", approval.earns);
		assert_int_equal(approval.commission_bps,
			strcmp(approval.earns, "margin") == 0 ? 0 : tsv_int(tsv, "commission_bps"));
		assert_int_equal(approval.protection_ends_us, 2000);
	}
	tsv_close(tsv);
}

static void the_channel_follows_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("deal_channel.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		int64_t amount_minor = tsv_int(tsv, "amount_minor");
		struct margin_terms quoted = { .margin_bps = tsv_int(tsv, "margin_bps") };
		struct deal_facts facts = {
			.status = "submitted",
			.partner_status = "active",
			.tier_status = "published",
			.amount_minor = amount_minor,
			.currency = "EUR",
			.earns = tsv_text(tsv, "earns"),
			.commission_bps = tsv_int(tsv, "commission_bps"),
			.override_bps = tsv_int(tsv, "override_bps"),
			.channel_cap_bps = tsv_text(tsv, "cap_bps") ? tsv_int(tsv, "cap_bps") : -1,
			.quoted = tsv_text(tsv, "margin_bps") ? &quoted : NULL,
		};
		struct deal_approval approval = { 0 };
		struct explanation explanation = { 0 };
		struct problem problem = PROBLEM_INIT;

		assert_true(money_share(amount_minor, quoted.margin_bps, &quoted.margin_minor));
		assert_true(deal_approve(&facts, &approval, &explanation, &problem));
		tsv_expect_int(tsv, "override_minor", approval.channel.override_minor);
		tsv_expect_int(tsv, "total_minor", approval.channel.total_minor);
		tsv_expect_int(tsv, "clipped_minor", approval.channel.clipped_minor);
		assert_int_equal(approval.channel.exceeds_cap, tsv_int(tsv, "exceeds"));
		for (size_t i = 0; i < explanation.step_count; i++)
			assert_null(strstr(explanation.steps[i].detail, "istributor"));
	}
	tsv_close(tsv);
}

/* Neither the band nor the rules of today touch what was quoted. */
static void what_was_quoted_stands(void **state)
{
	const struct margin_adjuster adjuster = { "rule", 400, "A reason." };
	const struct margin_terms quoted = { 3300, 330, -1 };
	struct deal_facts facts = {
		.status = "submitted",
		.partner_status = "active",
		.tier_status = "published",
		.band = { 2000, 2500, 3000 },
		.program_cap_bps = 4500,
		.earns = "margin",
		.amount_minor = 1000,
		.currency = "EUR",
		.adjusters = &adjuster,
		.adjuster_count = 1,
	};
	struct deal_approval approval;
	struct explanation explanation;
	struct problem problem = PROBLEM_INIT;

	(void)state;
	assert_true(deal_approve(&facts, &approval, &explanation, &problem));
	assert_int_equal(approval.margin.margin_bps, 2900);
	facts.quoted = &quoted;
	assert_true(deal_approve(&facts, &approval, &explanation, &problem));
	assert_int_equal(approval.margin.margin_bps, 3300);
	assert_int_equal(approval.margin.margin_minor, 330);
	assert_string_equal(explanation.steps[0].rule, "quote");
}

static void an_approval_explains_margin_and_protection(void **state)
{
	struct deal_facts facts = {
		.status = "submitted",
		.partner_status = "active",
		.tier_status = "published",
		.band = { 2000, 2500, 3000 },
		.program_cap_bps = 4500,
		.earns = "margin",
		.amount_minor = 2160000,
		.protection_days = 60,
	};
	static const char *const rules[] = { "tier_base", "band_clamp", "program_cap",
		"margin_amount", "protection" };
	struct deal_approval approval;
	struct explanation explanation;
	struct problem problem = PROBLEM_INIT;

	(void)state;
	assert_true(deal_approve(&facts, &approval, &explanation, &problem));
	assert_string_equal(explanation.rule_set, "deal_approval");
	assert_int_equal(explanation.step_count, 5);
	for (size_t i = 0; i < 5; i++) {
		assert_string_equal(explanation.steps[i].rule, rules[i]);
		assert_is_sentence(explanation.steps[i].detail);
	}
	assert_int_equal(explanation.steps[4].after, 60);
	assert_string_equal(explanation.steps[4].unit, "days");
}

static void a_refusal_tells_what_is_allowed_instead(void **state)
{
	struct deal_facts facts = { .status = "approved" };
	struct deal_approval approval;
	struct explanation explanation;
	struct problem problem = PROBLEM_INIT;

	(void)state;
	assert_false(deal_approve(&facts, &approval, &explanation, &problem));
	assert_string_equal(problem.detail, "An approved deal cannot be approved.");
	assert_string_equal(problem.from, "approved");
	assert_string_equal(problem.allowed, "win lose cancel reassign postpone");
}

static int64_t time_of(const struct tsv *tsv, const char *column)
{
	const char *text = tsv_text(tsv, column);
	int64_t time_us = 0;

	assert_true(time_parse(text, strlen(text), &time_us));
	return time_us;
}

static void expiry_is_judged_from_the_clock(void **state)
{
	struct tsv *tsv = tsv_open("deal_status_at.tsv");

	(void)state;
	while (tsv_next(tsv))
		tsv_expect_text(tsv, "status",
			deal_status_at(tsv_text(tsv, "stored"), time_of(tsv, "ends_at"),
				time_of(tsv, "now_at")));
	tsv_close(tsv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(registrations_follow_the_cases),
		cmocka_unit_test(approvals_follow_the_cases),
		cmocka_unit_test(the_channel_follows_the_cases),
		cmocka_unit_test(what_was_quoted_stands),
		cmocka_unit_test(an_approval_explains_margin_and_protection),
		cmocka_unit_test(a_refusal_tells_what_is_allowed_instead),
		cmocka_unit_test(expiry_is_judged_from_the_clock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
