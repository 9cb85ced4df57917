/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The effects are counted here, explained, and made true by sql/functions/partner_ends.sql, which
 * compares. Raise PARTNER_RULES_VERSION whenever the same facts would have other effects.
 */
#include "domain/partner.h"

#include <string.h>

#include "domain/state.h"

#define PARTNER_RULES_VERSION 1

static bool may(
	const char *action, const char *participle, const char *status, struct problem *problem)
{
	return transition_require(
		       partner_transitions, "partner", action, participle, status, problem) != NULL;
}

/* A partner does not end while deals are on their way to it. */
static bool may_end(const char *action, const char *participle,
	const struct partner_end_facts *facts, struct problem *problem)
{
	if (!may(action, participle, facts->status, problem))
		return false;
	return !facts->receives ||
	       problem_set(problem, PROBLEM_conflict,
		       "Another partner becomes part of this one; wait until all its deals are "
		       "here.");
}

static void explain(struct explanation *explanation, const char *rule_set)
{
	explanation->rule_set = rule_set;
	explanation->rule_set_version = PARTNER_RULES_VERSION;
}

bool partner_suspend(const struct partner_end_facts *facts, struct partner_effects *ret_effects,
	struct explanation *ret_explanation, struct problem *problem)
{
	if (!may("suspend", "suspended", facts->status, problem))
		return false;
	*ret_effects = (struct partner_effects){ .waiting = facts->open_deals,
		.kept = facts->approved_deals };
	explain(ret_explanation, "partner_suspension");
	explain_add(ret_explanation, "open_deals_wait", "deals", facts->open_deals,
		facts->open_deals, "What is open waits: it cannot be submitted or approved.");
	explain_add(ret_explanation, "approved_deals_stay", "deals", facts->approved_deals,
		facts->approved_deals, "What is approved keeps its margin and its protection.");
	return true;
}

bool partner_terminate(const struct partner_end_facts *facts, struct partner_effects *ret_effects,
	struct explanation *ret_explanation, struct problem *problem)
{
	if (!may_end("terminate", "terminated", facts, problem))
		return false;
	int64_t kept = facts->cancels_approved ? 0 : facts->approved_deals;
	*ret_effects = (struct partner_effects){ .withdrawn = facts->open_deals,
		.cancelled = facts->approved_deals - kept,
		.kept = kept };
	explain(ret_explanation, "partner_termination");
	explain_add(ret_explanation, "open_deals_withdrawn", "deals", facts->open_deals, 0,
		"What was not decided is withdrawn by the system.");
	explain_add(ret_explanation,
		facts->cancels_approved ? "approved_deals_cancelled" : "approved_deals_kept",
		"deals", facts->approved_deals, kept,
		facts->cancels_approved
			? "What is approved and protected is cancelled, as was asked for."
			: "What is approved keeps its margin and its protection; the vendor "
			  "closes it.");
	return true;
}

bool partner_merge(const struct partner_end_facts *facts, struct partner_effects *ret_effects,
	struct explanation *ret_explanation, struct problem *problem)
{
	if (!may_end("merge", "merged", facts, problem))
		return false;
	if (facts->is_itself)
		return problem_set(
			problem, PROBLEM_conflict, "A partner is not merged into itself.");
	if (strcmp(facts->target_status, "terminated") == 0)
		return problem_set(problem, PROBLEM_partner_not_active,
			"The partner that it would become part of is terminated.");
	*ret_effects = (struct partner_effects){ .moved = facts->all_deals };
	explain(ret_explanation, "partner_merge");
	explain_add(ret_explanation, "deals_moved", "deals", facts->all_deals, 0,
		"All deals go over, with their margins, quotes and protection as they are.");
	return true;
}
