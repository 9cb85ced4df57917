/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The moves of deals, partners, tiers, users and clients. A row per action, in the order in which a
 * caller is told what is allowed. A state that no row starts from is final. Expiry of a deal is no
 * row: the clock does it (domain/deal.h). A new action is a row here and a row in
 * tests/unit/domain/cases/transitions.tsv.
 */
#include "domain/state.h"

#include <stdio.h>
#include <string.h>

const struct transition deal_transitions[] = {
	{ "submit", "draft info_requested", "submitted" },
	{ "start-review", "submitted", "in_review" },
	{ "request-info", "submitted in_review", "info_requested" },
	{ "approve", "submitted in_review", "approved" },
	{ "reject", "submitted in_review info_requested conflict_hold", "rejected" },
	{ "withdraw", "draft submitted in_review info_requested conflict_hold", "withdrawn" },
	{ "win", "approved", "won" },
	{ "lose", "approved", "lost" },
	{ "cancel", "approved", "cancelled" },
	{ "reassign", "draft submitted in_review info_requested conflict_hold approved", NULL },
	{ "split-credit", "draft submitted in_review info_requested conflict_hold", NULL },
	{ "postpone", "approved", NULL },
	{ "reopen", "expired", "approved" },
	{ "reopen", "rejected", "in_review" }, /* when a dispute was upheld */
	{ NULL, NULL, NULL },
};

const struct transition extension_transitions[] = {
	{ "approve", "requested", "approved" },
	{ "reject", "requested", "rejected" },
	{ "withdraw", "requested", "withdrawn" },
	{ NULL, NULL, NULL },
};

const struct transition partner_transitions[] = {
	{ "activate", "onboarding", "active" },
	{ "suspend", "active", "suspended" },
	{ "reinstate", "suspended", "active" },
	{ "terminate", "onboarding active suspended", "terminated" },
	{ "change-tier", "onboarding active suspended", NULL },
	{ "override-tier", "onboarding active suspended", NULL },
	{ "merge", "onboarding active suspended", "terminated" },
	{ NULL, NULL, NULL },
};

const struct transition application_transitions[] = {
	{ "submit", "draft info_requested", "submitted" },
	{ "start-review", "submitted", "in_review" },
	{ "request-info", "submitted in_review", "info_requested" },
	{ "approve", "submitted in_review", "approved" },
	{ "reject", "submitted in_review info_requested", "rejected" },
	{ "withdraw", "draft submitted in_review info_requested", "withdrawn" },
	{ "erase", "rejected withdrawn", NULL },
	{ NULL, NULL, NULL },
};

const struct transition relation_transitions[] = {
	{ "end", "planned current", "ended" },
	{ NULL, NULL, NULL },
};

const struct transition template_transitions[] = {
	{ "publish", "draft", "published" },
	{ "retire", "published", "retired" },
	{ NULL, NULL, NULL },
};

const struct transition agreement_transitions[] = {
	{ "accept", "offered", "accepted" },
	{ "withdraw", "offered", "withdrawn" },
	{ NULL, NULL, NULL },
};

const struct transition contact_transitions[] = {
	{ "erase", "active", "erased" },
	{ NULL, NULL, NULL },
};

/* From phases, not states: what the clock and the papers make of a state (sql/shapes/dispute.sql).
 */
const struct transition dispute_transitions[] = {
	{ "start-evidence", "opened", "evidence" },
	{ "finish-evidence", "evidence", NULL },
	{ "decide", "frozen", "decided" },
	{ "decide", "appealed", "closed" },
	{ "appeal", "decided", "appealed" },
	{ "close", "final", "closed" },
	{ "withdraw", "opened evidence evidence_closed frozen", "closed" },
	{ NULL, NULL, NULL },
};

const struct transition tier_transitions[] = {
	{ "publish", "draft revised", "published" },
	{ "discard-draft", "revised", "published" },
	{ "retire", "draft scheduled published revised", "retired" },
	{ NULL, NULL, NULL },
};

const struct transition user_transitions[] = {
	{ "resend-invite", "invited", NULL },
	{ "change-role", "invited active disabled", NULL },
	{ "deactivate", "invited active", "disabled" },
	{ "reactivate", "disabled", "active" }, /* invited, when they never accepted */
	{ "erase", "invited active disabled", "erased" },
	{ NULL, NULL, NULL },
};

const struct transition client_transitions[] = {
	{ "rotate-secret", "active expired", NULL },
	{ "revoke", "active expired", "revoked" },
	{ NULL, NULL, NULL },
};

const struct transition form_key_transitions[] = {
	{ "revoke", "active", "revoked" },
	{ NULL, NULL, NULL },
};

const struct transition certification_transitions[] = {
	{ "revoke", "active", "revoked" },
	{ NULL, NULL, NULL },
};

const struct transition import_transitions[] = {
	{ "validate", "created", "validating" },
	{ "start", "validated", "running" },
	{ "cancel", "created validating validated running", "cancelled" },
	{ NULL, NULL, NULL },
};

const struct transition help_transitions[] = {
	{ "accept", "requested", "accepted" },
	{ "decline", "requested", "declined" },
	{ "complete", "accepted", "completed" },
	{ "withdraw", "requested accepted", "withdrawn" },
	{ NULL, NULL, NULL },
};

/* What is granted ends by the clock, or when the deal changes: "expired" is never stored. */
const struct transition special_price_transitions[] = {
	{ "approve", "requested", "approved" },
	{ "reject", "requested", "rejected" },
	{ "withdraw", "requested approved", "withdrawn" },
	{ NULL, NULL, NULL },
};

/* Whether `word` is one of the words of `list`, which are separated by single spaces. */
static bool list_has(const char *list, const char *word)
{
	size_t length = strlen(word);

	while (length > 0 && *list) {
		size_t own = strcspn(list, " ");

		if (own == length && strncmp(list, word, length) == 0)
			return true;
		list += own + (list[own] == ' ');
	}
	return false;
}

bool state_is_among(const char *status, const char *states)
{
	return list_has(states, status);
}

/* Writes the actions that `status` allows, separated by spaces. Names that do not fit are left out
 * whole. */
static void allowed_format(
	const struct transition *table, const char *status, char *out, size_t room)
{
	size_t used = 0;

	out[0] = '\0';
	for (; table->action; table++) {
		size_t length = strlen(table->action);

		if (!list_has(table->from, status) || used + length + 2 > room)
			continue;
		used += (size_t)snprintf(
			out + used, room - used, "%s%s", used ? " " : "", table->action);
	}
}

/* A state as an adjective: "in_review" becomes "in-review". */
static void adjective_of(const char *status, char *out, size_t room)
{
	snprintf(out, room, "%s", status);
	for (; *out; out++) {
		if (*out == '_')
			*out = '-';
	}
}

const struct transition *transition_find(
	const struct transition *table, const char *action, const char *status)
{
	for (; table->action; table++) {
		if (strcmp(table->action, action) == 0 && list_has(table->from, status))
			return table;
	}
	return NULL;
}

const struct transition *transition_require(const struct transition *table, const char *object,
	const char *action, const char *participle, const char *status, struct problem *problem)
{
	const struct transition *row = transition_find(table, action, status);
	char adjective[sizeof(problem->from)];

	if (row || problem->is_set)
		return row;
	adjective_of(status, adjective, sizeof(adjective));
	snprintf(problem->from, sizeof(problem->from), "%s", status);
	allowed_format(table, status, problem->allowed, sizeof(problem->allowed));
	problem_set(problem, PROBLEM_invalid_transition, "%s %s %s cannot be %s.",
		strchr("aeiou", adjective[0]) ? "An" : "A", adjective, object, participle);
	return NULL;
}
