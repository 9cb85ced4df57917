/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a deal must satisfy to be registered and approved, and what approval gives. Fields are
 * judged before states, in the order of checks the API promises. Calendar arithmetic is
 * PostgreSQL's, which knows the programme's zone: the end of protection comes in with the facts.
 * Raise DEAL_RULES_VERSION whenever the same facts would be decided otherwise.
 */
#include "domain/deal.h"

#include <string.h>

#include "base/money.h"
#include "domain/special_price.h"
#include "domain/state.h"

#define DEAL_RULES_VERSION 2

/* Adds up the lines; a line or a sum outside the range of money is a violation at that line. */
static bool lines_total(const struct deal_line *lines, size_t count, struct arena *arena,
	struct problem *problem, int64_t *ret_total_minor)
{
	*ret_total_minor = 0;
	for (size_t i = 0; i < count; i++) {
		int64_t line_minor;

		if (money_multiply(lines[i].quantity, lines[i].unit_amount_minor, &line_minor) &&
			money_add(*ret_total_minor, line_minor, ret_total_minor))
			continue;
		problem_add(problem, arena, PLACE_POINTER,
			arena_printf(arena, "#/line_items/%zu", i), VIOLATION_too_large,
			"The line items add up to more than an amount can be.");
		return false;
	}
	return true;
}

static bool lines_match_amount(const struct deal_facts *facts, const struct deal_line *lines,
	size_t count, struct arena *arena, struct problem *problem)
{
	int64_t total_minor;

	if (count == 0)
		return true;
	if (!lines_total(lines, count, arena, problem, &total_minor))
		return false;
	if (total_minor == facts->amount_minor)
		return true;
	problem_add(problem, arena, PLACE_POINTER, "#/amount", VIOLATION_inconsistent,
		"The line items add up to %lld, but the amount is %lld.", (long long)total_minor,
		(long long)facts->amount_minor);
	return false;
}

static bool partner_is_active(
	const struct deal_facts *facts, const char *purpose, struct problem *problem)
{
	if (facts->partner_status && strcmp(facts->partner_status, "active") == 0)
		return true;
	return problem_set(problem, PROBLEM_partner_not_active,
		"The partner must be active to %s, but it is %s.", purpose,
		facts->partner_status ? facts->partner_status : "not known");
}

static bool tier_is_published(const struct deal_facts *facts, struct problem *problem)
{
	if (!facts->tier_status)
		return problem_set(problem, PROBLEM_tier_not_published,
			"The partner has no tier, so the deal has no margin.");
	if (strcmp(facts->tier_status, "published") == 0)
		return true;
	return problem_set(problem, PROBLEM_tier_not_published,
		"The tier of the partner must be published, but it is %s.", facts->tier_status);
}

bool deal_register(const struct deal_facts *facts, const struct deal_line *lines, size_t line_count,
	struct arena *arena, struct problem *problem)
{
	return lines_match_amount(facts, lines, line_count, arena, problem) &&
	       partner_is_active(facts, "register a deal", problem);
}

/* What was quoted stands, whatever tier and rules say now. */
static void margin_quoted(const struct deal_facts *facts, struct margin_terms *ret_terms,
	struct explanation *ret_explanation)
{
	*ret_terms = *facts->quoted;
	*ret_explanation = (struct explanation){ 0 };
	explain_add(ret_explanation, "quote", "bps", 0, ret_terms->margin_bps,
		"The margin is that of the quote the deal was registered with.");
	explain_add(ret_explanation, "margin_amount", "minor", facts->amount_minor,
		ret_terms->margin_minor, "The amount is that of the quote.");
}

static bool margin_of(const struct deal_facts *facts, struct margin_terms *ret_terms,
	struct explanation *ret_explanation, struct problem *problem)
{
	struct margin_input input = {
		.band = facts->band,
		.program_cap_bps = facts->program_cap_bps,
		.amount_minor = facts->amount_minor,
		.adjusters = facts->adjusters,
		.adjuster_count = facts->adjuster_count,
	};

	if (!facts->quoted && !margin_decide(&input, ret_terms, ret_explanation, problem))
		return false;
	if (facts->quoted)
		margin_quoted(facts, ret_terms, ret_explanation);
	return special_price_apply(facts->special_bps, facts->program_cap_bps, facts->amount_minor,
		ret_terms, ret_explanation, problem);
}

/* Who bought by a quote keeps to it, even when its type has come to earn commission. */
static const char *earning_of(const struct deal_facts *facts)
{
	bool is_commission = strcmp(facts->earns, "commission") == 0;

	return is_commission && facts->quoted ? "margin" : facts->earns;
}

static bool earnings_of(const struct deal_facts *facts, struct deal_approval *ret_approval,
	struct explanation *ret_explanation, struct problem *problem)
{
	const char *earns = earning_of(facts);

	*ret_approval = (struct deal_approval){ .earns = earns };
	*ret_explanation = (struct explanation){ 0 };
	if (strcmp(earns, "commission") == 0)
		explain_add(ret_explanation, "no_margin", "bps", 0, 0,
			"Partners of this type earn commission, so the deal has no margin.");
	else if (!tier_is_published(facts, problem) ||
		 !margin_of(facts, &ret_approval->margin, ret_explanation, problem))
		return false;
	if (strcmp(earns, "margin") == 0)
		return true;
	ret_approval->commission_bps = facts->commission_bps;
	explain_add(ret_explanation, "commission", "bps", 0, facts->commission_bps,
		"The vendor bills and pays this share; it is locked with the deal.");
	return true;
}

/* What partner and distributor get must be within the cap together (domain.md §5.15). */
static bool channel_of(
	const struct deal_facts *facts, struct deal_approval *approval, struct problem *problem)
{
	int64_t commission_minor;
	int64_t earned_minor;

	if (money_share(facts->amount_minor, approval->commission_bps, &commission_minor) &&
		money_add(approval->margin.margin_minor, commission_minor, &earned_minor) &&
		channel_cost(facts->amount_minor, earned_minor, facts->override_bps,
			facts->channel_cap_bps, &approval->channel))
		return true;
	return problem_set(problem, PROBLEM_validation_failed,
		"What the channel would cost is outside the range of money.");
}

bool deal_approve(const struct deal_facts *facts, struct deal_approval *ret_approval,
	struct explanation *ret_explanation, struct problem *problem)
{
	if (!transition_require(
		    deal_transitions, "deal", "approve", "approved", facts->status, problem))
		return false;
	if (!partner_is_active(facts, "have a deal approved", problem) ||
		!earnings_of(facts, ret_approval, ret_explanation, problem) ||
		!channel_of(facts, ret_approval, problem))
		return false;
	ret_explanation->rule_set = "deal_approval";
	ret_explanation->rule_set_version = DEAL_RULES_VERSION;
	explain_add(ret_explanation, "protection", "days", 0, facts->protection_days,
		"Protection runs these calendar days, to the same local time in the programme's "
		"zone.");
	ret_approval->protection_ends_us = facts->protection_ends_us;
	return true;
}

const char *deal_status_at(const char *stored_status, int64_t protected_until_us, int64_t now_us)
{
	if (strcmp(stored_status, "approved") == 0 && now_us >= protected_until_us)
		return "expired";
	return stored_status;
}
