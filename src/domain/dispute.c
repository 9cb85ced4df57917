/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a decision about a dispute must satisfy. It may cite any rule, but it may not say that
 * somebody was first who was not: the chain knows. Raise DISPUTE_RULES_VERSION whenever the same
 * facts would be decided otherwise.
 */
#include "domain/dispute.h"

#include <string.h>

#define DISPUTE_RULES_VERSION 1

static const struct {
	const char *name;
	const char *sentence;
} rules[] = {
#define DISPUTE_RULE_ROW(name, sentence) { #name, sentence "." },
	DISPUTE_RULES(DISPUTE_RULE_ROW)
#undef DISPUTE_RULE_ROW
};

bool dispute_rule_parse(const char *text, enum dispute_rule *ret_rule)
{
	for (int i = 0; i < DISPUTE_RULE_COUNT; i++) {
		if (strcmp(text, rules[i].name) != 0)
			continue;
		*ret_rule = (enum dispute_rule)i;
		return true;
	}
	return false;
}

/* The rule of the first submission, cited for the side that was not the first. */
static bool contradicts_chain(const struct dispute_facts *facts)
{
	bool claimant_first = facts->claimant_sequence < facts->respondent_sequence;

	if (facts->rule != DISPUTE_RULE_first_submission || facts->claimant_sequence == 0 ||
		facts->respondent_sequence == 0)
		return false;
	return strcmp(facts->outcome, claimant_first ? "dismissed" : "upheld") == 0;
}

const struct transition *dispute_decide(const struct dispute_facts *facts,
	struct explanation *ret_explanation, struct arena *arena, struct problem *problem)
{
	if (contradicts_chain(facts)) {
		problem_add(problem, arena, PLACE_POINTER, "#/outcome", VIOLATION_inconsistent,
			"By the audit chain the other side's registration was submitted first.");
		return NULL;
	}
	const struct transition *move = transition_require(
		dispute_transitions, "dispute", "decide", "decided", facts->phase, problem);
	if (!move)
		return NULL;
	if (facts->is_second_opinion_needed) {
		problem_set(problem, PROBLEM_forbidden,
			"An appeal is decided by somebody else than the decision it is against.");
		return NULL;
	}
	*ret_explanation = (struct explanation){
		.rule_set = "dispute_decision",
		.rule_set_version = DISPUTE_RULES_VERSION,
	};
	explain_add(
		ret_explanation, rules[facts->rule].name, NULL, 0, 0, rules[facts->rule].sentence);
	explain_add(ret_explanation, "evidence", NULL, 0, 0,
		"Decided on the evidence that was frozen and signed when its time was over.");
	return move;
}
