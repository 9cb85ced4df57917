/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who must approve a deal (data of the program): the first policy, in their order, whose conditions
 * hold says which steps it takes, each by a role or by named people; or that the deal is approved
 * by itself. No policy: whoever may approve deals approves this one.
 *
 * A policy with steps is a safeguard: a fact that is not known counts as fulfilling its conditions.
 * One that approves by itself is a favour: there it counts as failing them, even when only part of
 * it is not known.
 */
#ifndef PARTNERD_DOMAIN_APPROVAL_H
#define PARTNERD_DOMAIN_APPROVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/problem.h"
#include "domain/margin_rules.h"

#define APPROVAL_MAX_STEPS 10
#define APPROVAL_NONE      SIZE_MAX

/* Either a role or people, as they are written: approval_policy_check() has seen that. */
struct approvers {
	const char *role; /* NULL: the people */
	const char *const *user_ids;
	size_t user_count;
};

struct approval_step {
	const char *name;
	struct approvers by;
	bool four_eyes; /* by nobody who registered the deal or decided another step */
};

struct approval_policy {
	const char *id;
	int64_t version;
	const char *currency; /* of the amounts in its conditions */
	const struct margin_condition *conditions;
	size_t condition_count;
	const struct approval_step *steps;
	size_t step_count;
	bool is_automatic;
	bool escalates;
	struct approvers escalation; /* who may decide any step, too, once the review is overdue */
};

/* A step that was decided since the deal's content changed last. */
struct approval_given {
	const char *policy_id;
	int64_t policy_version;
	size_t step;
	const char *by_id;
};

struct approval_facts {
	const struct approval_policy *policies; /* in their order */
	size_t policy_count;
	const struct margin_facts *facts;
	const struct approval_given *given;
	size_t given_count;
	const char *registered_by_id;
	bool is_overdue;
	/* who approves */
	const char *user_id; /* NULL: a machine */
	const char *role;
	bool is_system; /* the server itself, which follows policies that approve by themselves */
};

struct approval_verdict {
	size_t policy; /* APPROVAL_NONE: no policy applies */
	size_t step;   /* that this decides; APPROVAL_NONE: there are none, or none is left */
	bool is_last;  /* with it the deal is approved */
};

/* Can people with this role approve deals at all? */
bool approval_role_fits(const char *name);

/* Faults of a policy, each at its pointer. `unknown_users`: places of people who cannot approve, as
 * step * 100 + place in the list; those of the escalation as step APPROVAL_MAX_STEPS. */
bool approval_policy_check(const struct approval_policy *policy, const int64_t *unknown_users,
	size_t unknown_count, struct arena *arena, struct problem *problem);

/* The policy that applies, or APPROVAL_NONE. */
size_t approval_policy_find(
	const struct approval_policy *policies, size_t count, const struct margin_facts *facts);

/* The first step of the policy that nobody has decided, or its step_count. */
size_t approval_next_step(const struct approval_policy *policy, const struct approval_given *given,
	size_t given_count);

/* Who decided this step, or NULL. */
const struct approval_given *approval_given_for(const struct approval_policy *policy, size_t step,
	const struct approval_given *given, size_t given_count);

/* Which step the caller decides; `approver_not_allowed` when it is not the caller's. */
bool approval_decide(const struct approval_facts *facts, struct approval_verdict *ret_verdict,
	struct problem *problem);

#endif
