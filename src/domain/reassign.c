/* SPDX-License-Identifier: Apache-2.0 */
/* Raise REASSIGN_RULES_VERSION whenever the same facts would be decided otherwise. */
#include "domain/reassign.h"

#include <string.h>

#include "domain/state.h"

#define REASSIGN_RULES_VERSION 2

static void check_partner(
	const struct reassign_facts *facts, struct arena *arena, struct problem *problem)
{
	if (!facts->names_partner)
		return;
	if (!facts->is_for_vendor)
		problem_add(problem, arena, PLACE_POINTER, "#/partner_id", VIOLATION_unknown_field,
			"Unknown field.");
	else if (!facts->target_status)
		problem_add(problem, arena, PLACE_POINTER, "#/partner_id",
			VIOLATION_reference_not_found, "There is no such partner.");
	else if (facts->is_same_partner)
		problem_add(problem, arena, PLACE_POINTER, "#/partner_id", VIOLATION_inconsistent,
			"The partner has the deal already.");
}

static void check_owner(
	const struct reassign_facts *facts, struct arena *arena, struct problem *problem)
{
	if (facts->names_owner && !facts->clears_owner && !facts->is_owner_known)
		problem_add(problem, arena, PLACE_POINTER, "#/owner_id",
			VIOLATION_reference_not_found,
			"There is no such person of the partner that will have the deal.");
	if (!facts->names_owner && !facts->names_partner)
		problem_add(problem, arena, PLACE_POINTER, "#/owner_id", VIOLATION_required,
			"Say who shall have the deal.");
}

bool deal_reassign_check(const struct reassign_facts *facts, struct arena *arena,
	struct explanation *ret_explanation, struct problem *problem)
{
	check_partner(facts, arena, problem);
	check_owner(facts, arena, problem);
	if (problem->is_set || !transition_require(deal_transitions, "deal", "reassign",
				       "reassigned", facts->status, problem))
		return false;
	if (facts->names_partner && strcmp(facts->target_status, "active") != 0)
		return problem_set(problem, PROBLEM_partner_not_active,
			"A deal goes to an active partner, but this one is %s.",
			facts->target_status);
	if (facts->names_partner && facts->has_twin)
		return problem_set(problem, PROBLEM_duplicate_deal,
			"The partner has a deal with this customer already, for some of the same "
			"products.");
	*ret_explanation = (struct explanation){ .rule_set = "deal_reassignment",
		.rule_set_version = REASSIGN_RULES_VERSION };
	explain_add(ret_explanation, "kept", NULL, 0, 0,
		"The end of protection, the place among those who asked for the account, and what "
		"approval has locked stay as they are; a share of credit that was agreed and is "
		"not frozen goes along.");
	return true;
}
