/* SPDX-License-Identifier: Apache-2.0 */
/* Approval in steps: which policy, which step, whose it is. What may be written is judged at the
 * end of the file. */
#include "domain/approval.h"

#include <string.h>

#include "domain/access.h"

/* ---- which policy ---- */

/* Something in the deal is not known, whatever is known of it. */
static bool is_partial(const struct margin_condition *condition, const struct margin_facts *facts)
{
	enum margin_fact fact;

	return margin_fact_parse(condition->fact, &fact) && facts->values[fact].is_partial;
}

/* One condition is judged as a rule of its own, so that each has a verdict. */
static enum rule_verdict judge(
	const struct approval_policy *policy, size_t condition, const struct margin_facts *facts)
{
	const struct margin_rule rule = { .key = "condition",
		.name = "condition",
		.conditions = &policy->conditions[condition],
		.condition_count = 1 };
	const struct margin_rules rules = { policy->currency, &rule, 1 };
	struct margin_adjuster adjusters[MARGIN_MAX_RULES];
	struct rule_outcome outcomes[MARGIN_MAX_RULES];

	(void)margin_rules_apply(&rules, facts, adjusters, outcomes);
	return outcomes[0].verdict;
}

static bool applies(const struct approval_policy *policy, const struct margin_facts *facts)
{
	for (size_t i = 0; i < policy->condition_count; i++) {
		enum rule_verdict verdict = judge(policy, i, facts);

		if (verdict == RULE_NOT_MET)
			return false;
		if (policy->is_automatic &&
			(verdict == RULE_UNKNOWN || is_partial(&policy->conditions[i], facts)))
			return false;
	}
	return true;
}

size_t approval_policy_find(
	const struct approval_policy *policies, size_t count, const struct margin_facts *facts)
{
	for (size_t i = 0; i < count; i++)
		if (applies(&policies[i], facts))
			return i;
	return APPROVAL_NONE;
}

/* ---- which step ---- */

const struct approval_given *approval_given_for(const struct approval_policy *policy, size_t step,
	const struct approval_given *given, size_t given_count)
{
	for (size_t i = 0; i < given_count; i++)
		if (given[i].step == step && given[i].policy_version == policy->version &&
			strcmp(given[i].policy_id, policy->id) == 0)
			return &given[i];
	return NULL;
}

size_t approval_next_step(const struct approval_policy *policy, const struct approval_given *given,
	size_t given_count)
{
	size_t step = 0;

	while (step < policy->step_count && approval_given_for(policy, step, given, given_count))
		step++;
	return step;
}

/* ---- whose it is ---- */

static bool is_among(const struct approvers *by, const struct approval_facts *facts)
{
	if (by->role)
		return facts->role && strcmp(by->role, facts->role) == 0;
	for (size_t i = 0; i < by->user_count; i++)
		if (strcmp(by->user_ids[i], facts->user_id) == 0)
			return true;
	return false;
}

static bool is_whose_step(const struct approval_policy *policy, const struct approval_step *step,
	const struct approval_facts *facts, struct problem *problem)
{
	if (!facts->user_id)
		return problem_set(problem, PROBLEM_approver_not_allowed,
			"The step '%s' is decided by a person.", step->name);
	if (is_among(&step->by, facts))
		return true;
	if (facts->is_overdue && policy->escalates && is_among(&policy->escalation, facts))
		return true;
	if (step->by.role)
		return problem_set(problem, PROBLEM_approver_not_allowed,
			"The step '%s' is decided by somebody with the role %s.", step->name,
			step->by.role);
	return problem_set(problem, PROBLEM_approver_not_allowed,
		"The step '%s' is decided by the people it names.", step->name);
}

/* Two steps with one pair of eyes are one step: it is enough that one of them asks for more. */
static bool is_second_person(const struct approval_policy *policy, size_t step,
	const struct approval_facts *facts, struct problem *problem)
{
	bool asks = policy->steps[step].four_eyes;

	if (asks && facts->registered_by_id && strcmp(facts->registered_by_id, facts->user_id) == 0)
		return problem_set(problem, PROBLEM_approver_not_allowed,
			"The step '%s' is not decided by who registered the deal.",
			policy->steps[step].name);
	for (size_t i = 0; i < step; i++) {
		const struct approval_given *other =
			approval_given_for(policy, i, facts->given, facts->given_count);

		if ((asks || policy->steps[i].four_eyes) && other &&
			strcmp(other->by_id, facts->user_id) == 0)
			return problem_set(problem, PROBLEM_approver_not_allowed,
				"The step '%s' is not decided by who decided '%s'.",
				policy->steps[step].name, policy->steps[i].name);
	}
	return true;
}

bool approval_decide(const struct approval_facts *facts, struct approval_verdict *ret_verdict,
	struct problem *problem)
{
	size_t found = approval_policy_find(facts->policies, facts->policy_count, facts->facts);
	const struct approval_policy *policy =
		found == APPROVAL_NONE ? NULL : &facts->policies[found];

	*ret_verdict = (struct approval_verdict){ found, APPROVAL_NONE, true };
	if (facts->is_system && (!policy || !policy->is_automatic))
		return problem_set(problem, PROBLEM_approver_not_allowed,
			"No policy approves the deal by itself.");
	if (!policy)
		return true;
	size_t step = approval_next_step(policy, facts->given, facts->given_count);
	if (step == policy->step_count)
		return true;
	ret_verdict->step = step;
	ret_verdict->is_last = step + 1 == policy->step_count;
	return is_whose_step(policy, &policy->steps[step], facts, problem) &&
	       is_second_person(policy, step, facts, problem);
}

/* ---- what may be written ---- */

bool approval_role_fits(const char *name)
{
	enum role role;

	return role_parse(name, &role) && (role_scopes(role) & SCOPE_BIT(deals_approve)) != 0;
}

static void check_approvers(
	const struct approvers *by, const char *where, struct arena *arena, struct problem *problem)
{
	if (!by->role && by->user_count == 0)
		problem_add(problem, arena, PLACE_POINTER, arena_printf(arena, "%s/role", where),
			VIOLATION_required, "Name a role, or people in user_ids.");
	else if (by->role && by->user_count > 0)
		problem_add(problem, arena, PLACE_POINTER,
			arena_printf(arena, "%s/user_ids", where), VIOLATION_inconsistent,
			"Either a role or people, not both.");
	else if (by->role && !approval_role_fits(by->role))
		problem_add(problem, arena, PLACE_POINTER, arena_printf(arena, "%s/role", where),
			VIOLATION_invalid_choice,
			"People with this role cannot approve deals: they lack deals:approve.");
}

/* Of two steps for one and the same person, one of which asks for four eyes, one waits for ever. */
static bool is_same_person(const struct approval_step *one, const struct approval_step *other)
{
	return one->by.user_count == 1 && other->by.user_count == 1 && !one->by.role &&
	       !other->by.role && strcmp(one->by.user_ids[0], other->by.user_ids[0]) == 0 &&
	       (one->four_eyes || other->four_eyes);
}

static void check_step(const struct approval_policy *policy, size_t step, struct arena *arena,
	struct problem *problem)
{
	const struct approval_step *own = &policy->steps[step];
	const char *where = arena_printf(arena, "#/steps/%zu", step);

	check_approvers(&own->by, where, arena, problem);
	for (size_t i = 0; i < step; i++) {
		if (strcmp(policy->steps[i].name, own->name) == 0)
			problem_add(problem, arena, PLACE_POINTER,
				arena_printf(arena, "%s/name", where), VIOLATION_not_unique,
				"Another step of the policy has this name.");
		if (is_same_person(&policy->steps[i], own))
			problem_add(problem, arena, PLACE_POINTER,
				arena_printf(arena, "%s/user_ids", where), VIOLATION_inconsistent,
				"Four eyes are two people: another step is this person's alone.");
	}
}

bool approval_policy_check(const struct approval_policy *policy, const int64_t *unknown_users,
	size_t unknown_count, struct arena *arena, struct problem *problem)
{
	margin_conditions_check(
		policy->conditions, policy->condition_count, "#/conditions", arena, problem);
	for (size_t i = 0; i < policy->step_count; i++)
		check_step(policy, i, arena, problem);
	if (policy->is_automatic && policy->step_count > 0)
		problem_add(problem, arena, PLACE_POINTER, "#/steps", VIOLATION_inconsistent,
			"What is approved by itself has no steps.");
	if (policy->escalates)
		check_approvers(&policy->escalation, "#/escalation", arena, problem);
	for (size_t i = 0; i < unknown_count; i++) {
		int64_t step = unknown_users[i] / 100, place = unknown_users[i] % 100;
		const char *where = step == APPROVAL_MAX_STEPS
					    ? "#/escalation"
					    : arena_printf(arena, "#/steps/%lld", (long long)step);

		problem_add(problem, arena, PLACE_POINTER,
			arena_printf(arena, "%s/user_ids/%lld", where, (long long)place),
			VIOLATION_reference_not_found,
			"Nobody on the vendor's side who can approve deals has this id.");
	}
	return !problem->is_set;
}
