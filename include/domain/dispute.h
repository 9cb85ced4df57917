/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disputes about deals (domain.md §3): who may decide, and whether a decision agrees with what the
 * audit chain says of the order of submissions. Phases and deadlines are judged by the shape and
 * the statements that write; a new rule that decisions can cite is a row of DISPUTE_RULES and a
 * value in the contract.
 */
#ifndef PARTNERD_DOMAIN_DISPUTE_H
#define PARTNERD_DOMAIN_DISPUTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/problem.h"
#include "domain/explain.h"
#include "domain/state.h"

#define DISPUTE_RULES(X)                                                                          \
	X(first_submission, "Of two registrations of one account the one submitted first has it") \
	X(protection_in_force, "An account whose protection runs is nobody else's to take")       \
	X(different_customer, "The two registrations are about different customers")              \
	X(different_scope, "The two registrations differ in products or territory")               \
	X(registration_rules, "A registration must satisfy the programme's rules to be approved") \
	X(program_policy, "The programme's policy, or an agreement, says so")

enum dispute_rule {
#define DISPUTE_RULE_ENUM(name, sentence) DISPUTE_RULE_##name,
	DISPUTE_RULES(DISPUTE_RULE_ENUM)
#undef DISPUTE_RULE_ENUM
		DISPUTE_RULE_COUNT
};

bool dispute_rule_parse(const char *text, enum dispute_rule *ret_rule);

struct dispute_facts {
	const char *phase;
	const char *outcome; /* "upheld", "partly_upheld", "dismissed" */
	enum dispute_rule rule;
	/* First submission of each side's deal by its place in the audit chain; 0: none. */
	int64_t claimant_sequence, respondent_sequence;
	bool is_second_opinion_needed; /* an appeal, and who asks is who decided before */
};

/* The move that the decision is, with its reasons; NULL with the problem set. */
const struct transition *dispute_decide(const struct dispute_facts *facts,
	struct explanation *ret_explanation, struct arena *arena, struct problem *problem);

#endif
