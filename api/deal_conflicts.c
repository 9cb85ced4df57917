/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accounts that more than one wants, for the vendor: who was first, what each was found to be like,
 * and the vendor's word. Without it the order of submission decides
 * (sql/functions/deal_matching.sql).
 */
#include <string.h>

#include "resources.h"

static const struct transition conflict_transitions[] = {
	{ "resolve", "open", "resolved" },
	{ NULL, NULL, NULL },
};

static const struct resource conflict_resource = {
	.object = "deal_conflict",
	.shape = "deal_conflict_shape",
	.path = "/v1/deal-conflicts/",
	.transitions = conflict_transitions,
};

static const struct resource match_resource = {
	.object = "deal_match",
	.shape = "deal_match_shape",
};

static const struct filter conflict_filters[] = {
	{ .parameter = "status", .type = 't' },
	{ .parameter = "deal_id",
		.sql = "s.id in (select m.conflict_id from deal_conflict_deals m where "
		       "m.program_id = $1 and m.deal_id = {})",
		.type = 'u' },
	{ .parameter = "created_at_gte", .sql = "s.created_at >= {}", .type = 'z' },
	{ .parameter = "created_at_lt", .sql = "s.created_at < {}", .type = 'z' },
	{ 0 },
};

static const struct sort conflict_sorts[] = {
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list conflict_list = {
	.resource = &conflict_resource,
	.filters = conflict_filters,
	.sorts = conflict_sorts,
};

static const struct filter match_filters[] = {
	{ .parameter = "_deal_id", .type = 'u', .from_path = true },
	{ .parameter = "kind", .type = 't' },
	{ 0 },
};

static const struct sort match_sorts[] = {
	{ .name = "found_at", .column = "found_at", .type = 'z' },
	{ 0 },
};

static const struct list match_list = {
	.resource = &match_resource,
	.filters = match_filters,
	.sorts = match_sorts,
	.parent = &deal_resource,
};

static bool check_winner(const struct command_input *in, struct problem *problem)
{
	const char *fault = NULL;
	if (rows_text(in->facts, "winner_id") == NULL)
		fault = "This deal does not stand in the conflict.";
	else if (!rows_bool(in->facts, "winner_lives"))
		fault = "This deal is out of it: it is neither open nor protected.";
	if (fault == NULL)
		return true;
	problem_add(problem, in->request->arena, PLACE_POINTER, "#/winner_deal_id",
		VIOLATION_inconsistent, "%s", fault);
	return false;
}

/* The losers read by which rule, and nothing of the winner. */
static bool decide_resolve(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const char *rule = command_body_text(in, "rule");
	if (!check_winner(in, problem) ||
		transition_require(conflict_transitions, "conflict", "resolve", "resolved",
			command_before_text(in, "status"), problem) == NULL)
		return false;
	if (rows_bool(in->facts, "is_protected"))
		return problem_set(problem, PROBLEM_account_unavailable,
			"Another deal with this account is protected; cancel it first.");
	json_object_update_new(out->fields,
		json_pack("{s:s, s:s, s:s, s:s, s:s}", "winner_deal_id",
			rows_text(in->facts, "winner_id"), "winner_status",
			rows_text(in->facts, "winner_status"), "rule", rule, "reason",
			command_body_text(in, "reason"), "comment",
			arena_printf(in->request->arena,
				"The account went to another registration, by the rule %s.",
				rule)));
	out->event = "deal.conflict_resolved";
	return true;
}

const struct endpoint deal_conflict_endpoints[] = {
	{ .operation_id = "listDealConflicts", .list = &conflict_list },
	{ .operation_id = "getDealConflict", .resource = &conflict_resource, .get = true },
	{ .operation_id = "resolveDealConflict",
		.resource = &conflict_resource,
		.facts = "deal_conflict_facts",
		.decide = decide_resolve,
		.write = "deal_conflict_resolve" },
	{ .operation_id = "listDealMatches", .list = &match_list },
	{ 0 },
};
