/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extensions of protection, and the vendor's own hand on its end (postpone, reopen). Each is a
 * change of the deal as well; sql/functions/deal_extensions.sql makes both in one transaction.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "deal_limits.h"
#include "domain/deal.h"
#include "domain/extension.h"
#include "resources.h"

static const struct resource extension_resource = {
	.object = "deal_extension",
	.shape = "deal_extension_shape",
	.path = "/v1/deal-extensions/",
	.transitions = extension_transitions,
};

static const struct filter extension_filters[] = {
	{ .parameter = "status", .type = 't' },
	{ .parameter = "deal_id", .type = 'u' },
	{ .parameter = "partner_id", .type = 'u' },
	{ .parameter = "created_at_gte", .sql = "s.created_at >= {}", .type = 'z' },
	{ .parameter = "created_at_lt", .sql = "s.created_at < {}", .type = 'z' },
	{ 0 },
};

static const struct sort extension_sorts[] = {
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list extension_list = {
	.resource = &extension_resource,
	.filters = extension_filters,
	.sorts = extension_sorts,
};

static struct extension_facts read_facts(const struct rows *facts)
{
	const char *stored = rows_text(facts, "deal_status");
	int64_t now_us = rows_time(facts, "now");
	return (struct extension_facts){
		.deal_status = stored != NULL ? deal_status_at(stored,
							rows_time(facts, "protected_until"), now_us)
					      : NULL,
		.now_us = now_us,
		.ends_us = rows_time(facts, "extends_from"),
		.extends_us = rows_time(facts, "extends_to"),
		.days = rows_int(facts, "days"),
		.extension_days = rows_int(facts, "extension_days"),
	};
}

/* Instants as PostgreSQL gave them, to the microsecond. */
static void copy_columns(const struct rows *facts, json_t *fields, const char *const *names)
{
	for (; *names != NULL; names++)
		json_object_set_new(fields, *names, json_pack("s?", rows_text(facts, *names)));
}

static bool decide_request(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	static const char *const columns[] = { "deal_id", "extends_from", "extends_to",
		"grace_until", "days", "granted", NULL };
	struct extension_facts facts = read_facts(in->facts);
	facts.partner_status = rows_text(in->facts, "partner_status");
	facts.open_id = rows_text(in->facts, "open_id");
	facts.granted = rows_int(in->facts, "granted");
	facts.max_extensions = rows_int(in->facts, "max_extensions");
	if (!extension_request(&facts, in->request->arena, problem))
		return false;
	copy_columns(in->facts, out->fields, columns);
	json_object_set_new(out->fields, "reason", json_string(command_body_text(in, "reason")));
	out->event = "deal_extension.requested";
	return true;
}

struct extension_step {
	const char *action, *participle, *event, *deal_event;
	const char *member; /* of the body: the words of the decision */
};

static const struct extension_step extension_steps[] = {
	{ "approve", "approved", "deal_extension.approved", "deal.extended", "comment" },
	{ "reject", "rejected", "deal_extension.rejected", "deal.extension_rejected", "reason" },
	{ "withdraw", "withdrawn", "deal_extension.withdrawn", "deal.extension_withdrawn",
		"reason" },
};

static const struct extension_step *step_of(const char *action)
{
	const struct extension_step *step = extension_steps;
	while (strcmp(step->action, action) != 0)
		step++;
	return step;
}

static bool decide_step(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	static const char *const end[] = { "extends_from", NULL };
	static const char *const granted[] = { "extends_to", NULL };
	const struct extension_step *step = step_of(command_action(in));
	const struct extension_facts facts = read_facts(in->facts);
	bool grants = strcmp(step->action, "approve") == 0;
	const char *comment = command_body_text(in, step->member);
	const struct transition *move = transition_require(extension_transitions, "extension",
		step->action, step->participle, command_before_text(in, "status"), problem);
	if (move == NULL || (grants && !extension_grant(&facts, in->request->arena, problem)))
		return false;
	json_object_update_new(
		out->fields, json_pack("{s:s, s:s, s:s?}", "status", move->to, "deal_event",
				     step->deal_event, "comment", comment));
	copy_columns(in->facts, out->fields, end);
	if (grants) {
		copy_columns(in->facts, out->fields, granted);
		json_object_set_new(
			out->fields, "granted_days", json_integer((json_int_t)facts.days));
	}
	out->event = step->event;
	return true;
}

static bool decide_postpone(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	static const char *const ends[] = { "new_end", "grace_until", NULL };
	const char *status = deal_status_at(rows_text(in->facts, "status"),
		rows_time(in->facts, "protected_until"), rows_time(in->facts, "now"));
	if (transition_require(
		    deal_transitions, "deal", "postpone", "postponed", status, problem) == NULL)
		return false;
	if (rows_time(in->facts, "new_end") <= rows_time(in->facts, "now")) {
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/days",
			VIOLATION_too_small,
			"Counted from the end of protection, these days are over.");
		return false;
	}
	copy_columns(in->facts, out->fields, ends);
	json_object_set_new(out->fields, "reason", json_string(command_body_text(in, "reason")));
	out->event = "deal.postponed";
	return true;
}

/* For the vendor's eyes, as reopening is. */
static bool check_account(const struct command_input *in, struct problem *problem)
{
	const char *holder = rows_text(in->facts, "holder_id");
	if (holder == NULL)
		return true;
	const char *status = rows_text(in->facts, "holder_status");
	problem->resource_id = holder;
	return problem_set(problem, PROBLEM_account_unavailable,
		"Deal %s, which is %s, stands in the way%s: %s first.",
		rows_text(in->facts, "holder_number"), status,
		rows_bool(in->facts, "is_own_holder") ? ", the partner's own" : "",
		strcmp(status, "approved") == 0 ? "cancel it"
		: strcmp(status, "won") == 0    ? "wait for the end of its protection"
						: "reject it");
}

static bool decide_reopen(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	static const char *const ends[] = { "protection_ends_at", NULL };
	const char *status = deal_status_at(rows_text(in->facts, "status"),
		rows_time(in->facts, "protected_until"), rows_time(in->facts, "now"));
	if (transition_require(deal_transitions, "deal", "reopen", "reopened", status, problem) ==
		NULL)
		return false;
	if (strcmp(status, "rejected") == 0 && rows_text(in->facts, "upheld_by") == NULL) {
		snprintf(problem->from, sizeof problem->from, "%s", status);
		return problem_set(problem, PROBLEM_invalid_transition,
			"A rejected deal is reopened after a dispute about it was upheld.");
	}
	if (strcmp(rows_text(in->facts, "partner_status"), "active") != 0)
		return problem_set(problem, PROBLEM_partner_not_active,
			"The partner must be active to have a deal reopened, but it is %s.",
			rows_text(in->facts, "partner_status"));
	if (!check_account(in, problem) || !deal_has_room(in, out, problem))
		return false;
	copy_columns(in->facts, out->fields, ends);
	json_object_update_new(out->fields,
		json_pack("{s:s, s:s}", "needs_partner", rows_text(in->facts, "partner_id"),
			"reason", command_body_text(in, "reason")));
	out->event = "deal.reopened";
	return true;
}

#define STEP(operation)                                                        \
	{                                                                      \
		.operation_id = (operation), .resource = &extension_resource,  \
		.facts = "deal_extension_review_facts", .decide = decide_step, \
		.write = "deal_extension_decide"                               \
	}

const struct endpoint deal_extension_endpoints[] = {
	{ .operation_id = "listDealExtensions", .list = &extension_list },
	{ .operation_id = "getDealExtension", .resource = &extension_resource, .get = true },
	{ .operation_id = "requestDealExtension",
		.resource = &extension_resource,
		.facts = "deal_extension_facts",
		.decide = decide_request,
		.write = "deal_extension_request",
		.creates = true },
	STEP("approveDealExtension"),
	STEP("rejectDealExtension"),
	STEP("withdrawDealExtension"),
	{ .operation_id = "postponeDeal",
		.resource = &deal_resource,
		.facts = "deal_postpone_facts",
		.decide = decide_postpone,
		.write = "deal_postpone" },
	{ .operation_id = "reopenDeal",
		.resource = &deal_resource,
		.facts = "deal_reopen_facts",
		.decide = decide_reopen,
		.write = "deal_reopen" },
	{ 0 },
};
