/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a partner asks the vendor for while it works a deal: help, and a special price. A special
 * price is a margin that the approval of the deal locks in place of what the rules would give; the
 * vendor may grant another than was asked for, and the partner may still withdraw.
 */
#include <string.h>

#include "base/clock.h"
#include "deal_parts.h"
#include "domain/special_price.h"

/* What else is done with a deal (AllowedActions in the contract says by which operation). */
const struct offer deal_offers[] = {
	{ "update", "updateDeal", "draft submitted info_requested", "in_review" },
	{ "update-progress", "updateDeal",
		"draft submitted in_review info_requested conflict_hold approved", NULL },
	{ "extend", "requestDealExtension", "approved", NULL },
	{ "request-special-price", "createSpecialPricingRequest",
		"draft submitted in_review info_requested conflict_hold", NULL },
	{ "request-help", "createDealHelpRequest",
		"draft submitted in_review info_requested conflict_hold approved", NULL },
	{ NULL, NULL, NULL, NULL },
};

static const struct resource help_resource = {
	.object = "deal_help_request",
	.shape = "deal_help_request_shape",
	.path = "/v1/deal-help-requests/",
	.transitions = help_transitions,
};

static const struct resource price_resource = {
	.object = "special_pricing_request",
	.shape = "special_pricing_request_shape",
	.path = "/v1/special-pricing-requests/",
	.transitions = special_price_transitions,
};

static const struct filter request_filters[] = {
	{ .parameter = "deal_id", .type = 'u' },
	{ .parameter = "partner_id", .type = 'u' },
	{ .parameter = "status", .type = 't' },
	{ .parameter = "created_at_gte", .sql = "s.created_at >= {}", .type = 'z' },
	{ .parameter = "created_at_lt", .sql = "s.created_at < {}", .type = 'z' },
	{ 0 },
};

static const struct sort request_sorts[] = {
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list help_list = {
	.resource = &help_resource, .filters = request_filters, .sorts = request_sorts
};

static const struct list price_list = {
	.resource = &price_resource, .filters = request_filters, .sorts = request_sorts
};

/* The deal is there, and in one of the states. */
static bool check_deal(const struct command_input *in, const char *states, struct problem *problem)
{
	if (!deal_part_has_deal(in, problem))
		return false;
	const char *status = rows_text(in->facts, "status");
	if (state_is_among(status, states))
		return true;
	return problem_set(problem, PROBLEM_deal_not_open,
		"Nothing can be asked for a deal in the state %s.", status);
}

static const char *joined(
	const struct command_input *in, const struct resource *resource, const char *participle)
{
	return arena_printf(in->request->arena, "%s.%s", resource->object, participle);
}

/* The move of the operation's action, and `set` with where it leads; NULL: refused. */
static json_t *begin_step(const struct command_input *in, const struct resource *resource,
	const char *participle, struct decision *out, struct problem *problem)
{
	const struct transition *move = transition_require(resource->transitions, "request",
		command_action(in), participle, command_before_text(in, "status"), problem);
	json_t *set = json_object();

	json_object_set_new(out->fields, "set", set);
	if (move == NULL)
		return NULL;
	json_object_set_new(set, "status", json_string(move->to));
	out->event = joined(in, resource, participle);
	return set;
}

static void set_text(
	const struct command_input *in, json_t *set, const char *column, const char *member)
{
	const char *text = command_body_text(in, member);

	if (text != NULL)
		json_object_set_new(set, column, json_string(text));
}

static void set_now(const struct command_input *in, json_t *set, const char *column)
{
	json_object_set_new(set, column, json_string(rows_text(in->facts, "now")));
}

/* ---- help ---- */

static bool decide_help(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	out->event = "deal_help_request.requested";
	return check_deal(
		in, "draft submitted in_review info_requested conflict_hold approved", problem);
}

/* The person named; else whoever accepts. */
static bool set_assignee(const struct command_input *in, json_t *set, struct problem *problem)
{
	const char *id = rows_text(in->facts, "assignee_id");

	if (command_body_text(in, "assignee_id") == NULL)
		id = in->actor->is_user ? in->actor->id : NULL;
	else if (id == NULL)
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/assignee_id",
			VIOLATION_reference_not_found,
			"There is no such person on the vendor's side.");
	json_object_set_new(set, "assignee_id", json_pack("s?", id));
	return !problem->is_set;
}

static bool decide_help_accept(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	json_t *set = begin_step(in, &help_resource, "accepted", out, problem);

	if (set == NULL || !set_assignee(in, set, problem))
		return false;
	set_text(in, set, "response", "response");
	set_now(in, set, "answered_at");
	return true;
}

static bool decide_help_decline(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	json_t *set = begin_step(in, &help_resource, "declined", out, problem);

	if (set == NULL)
		return false;
	set_text(in, set, "response", "reason");
	set_now(in, set, "answered_at");
	return true;
}

static bool decide_help_complete(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	json_t *set = begin_step(in, &help_resource, "completed", out, problem);

	if (set == NULL)
		return false;
	set_text(in, set, "response", "response");
	set_now(in, set, "completed_at");
	return true;
}

static bool decide_help_withdraw(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	return begin_step(in, &help_resource, "withdrawn", out, problem) != NULL;
}

/* ---- special prices ---- */

/* Who earns commission alone has no margin that a price could replace, unless a quote gave one. */
static bool check_earns(const struct command_input *in, struct problem *problem)
{
	if (!rows_bool(in->facts, "earns_no_margin"))
		return true;
	return problem_set(problem, PROBLEM_no_margin,
		"Partners of this type earn commission: the deal has no margin to change.");
}

static bool decide_price(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	int64_t asked = command_body_int(in, "requested_margin_bps", 0);

	out->event = "special_pricing_request.requested";
	if (rows_text(in->facts, "deal_id") != NULL &&
		!special_price_check(asked, rows_int(in->facts, "margin_cap_bps"),
			"#/requested_margin_bps", in->request->arena, problem))
		return false;
	return check_deal(in, "draft submitted in_review info_requested conflict_hold", problem) &&
	       check_earns(in, problem);
}

/* Until when it holds: as the vendor says, else as long as a protection would run. */
static bool set_end(const struct command_input *in, json_t *set, struct problem *problem)
{
	const char *end = command_body_text(in, "valid_until");
	int64_t end_us = 0;

	if (end == NULL) {
		json_object_set_new(
			set, "valid_until", json_string(rows_text(in->facts, "default_end")));
		return true;
	}
	json_object_set_new(set, "valid_until", json_string(end));
	if (time_parse(end, strlen(end), &end_us) && end_us > rows_time(in->facts, "now"))
		return true;
	problem_add(problem, in->request->arena, PLACE_POINTER, "#/valid_until",
		VIOLATION_too_small, "It must be still to come.");
	return false;
}

static bool set_grant(const struct command_input *in, json_t *set, struct problem *problem)
{
	int64_t granted = command_body_int(
		in, "granted_margin_bps", rows_int(in->facts, "requested_margin_bps"));

	json_object_set_new(set, "granted_margin_bps", json_integer(granted));
	return special_price_check(granted, rows_int(in->facts, "margin_cap_bps"),
		"#/granted_margin_bps", in->request->arena, problem);
}

static void set_decision(const struct command_input *in, json_t *set, const char *member)
{
	set_text(in, set, "decision_comment", member);
	set_now(in, set, "decided_at");
	json_object_set_new(set, "decided_by_id", json_string(in->actor->id));
}

/* Who asked does not decide; and once the deal is decided, nothing is granted any more. */
static bool decide_price_approve(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	json_t *scratch = json_object();
	bool good = set_grant(in, scratch, problem);
	good = set_end(in, scratch, problem) && good;
	json_t *set = good ? begin_step(in, &price_resource, "approved", out, problem) : NULL;

	if (set != NULL)
		json_object_update(set, scratch);
	json_decref(scratch);
	if (set == NULL)
		return false;
	if (strcmp(command_before_text(in, "created_by_id"), in->actor->id) == 0)
		return problem_set(problem, PROBLEM_forbidden,
			"Somebody else has to decide what you have asked for.");
	if (!state_is_among(rows_text(in->facts, "deal_status"),
		    "draft submitted in_review info_requested conflict_hold"))
		return problem_set(problem, PROBLEM_deal_not_open,
			"The deal is %s; its margin does not change any more.",
			rows_text(in->facts, "deal_status"));
	set_decision(in, set, "comment");
	return check_earns(in, problem);
}

static bool decide_price_reject(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	json_t *set = begin_step(in, &price_resource, "rejected", out, problem);

	if (set == NULL)
		return false;
	set_decision(in, set, "reason");
	return true;
}

static bool decide_price_withdraw(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	json_t *set = begin_step(in, &price_resource, "withdrawn", out, problem);

	if (set == NULL)
		return false;
	if (strcmp(command_before_text(in, "status"), "approved") != 0 ||
		state_is_among(rows_text(in->facts, "deal_status"),
			"draft submitted in_review info_requested conflict_hold"))
		return true;
	return problem_set(problem, PROBLEM_deal_not_open,
		"The deal is %s; its margin does not change any more.",
		rows_text(in->facts, "deal_status"));
}

bool deal_special_price(const struct command_input *in, struct deal_facts *facts, json_t *fields,
	struct problem *problem)
{
	json_t *special = row_json(in->facts, "special_price", in->request->arena);

	if (json_is_true(json_object_get(special, "is_open")))
		return problem_set(problem, PROBLEM_conflict,
			"A special price is being asked for; decide on that first.");
	facts->special_bps = json_integer_value(json_object_get(special, "margin_bps"));
	json_object_set(fields, "needs_special_price", special != NULL ? special : json_null());
	return true;
}

#define STEP(operation, of, rule, facts_of, statement)                               \
	{                                                                            \
		.operation_id = (operation), .resource = &(of), .facts = (facts_of), \
		.decide = (rule), .write = (statement)                               \
	}
#define HELP(operation, rule) \
	STEP(operation, help_resource, rule, "deal_help_facts", "deal_help_change")
#define PRICE(operation, rule) \
	STEP(operation, price_resource, rule, "special_price_facts", "special_price_change")

const struct endpoint deal_request_endpoints[] = {
	{ .operation_id = "listDealHelpRequests", .list = &help_list },
	{ .operation_id = "getDealHelpRequest", .resource = &help_resource, .get = true },
	{ .operation_id = "createDealHelpRequest",
		.resource = &help_resource,
		.facts = "deal_part_facts",
		.decide = decide_help,
		.write = "deal_help_create",
		.creates = true },
	HELP("acceptDealHelpRequest", decide_help_accept),
	HELP("declineDealHelpRequest", decide_help_decline),
	HELP("completeDealHelpRequest", decide_help_complete),
	HELP("withdrawDealHelpRequest", decide_help_withdraw),
	{ .operation_id = "listSpecialPricingRequests", .list = &price_list },
	{ .operation_id = "getSpecialPricingRequest", .resource = &price_resource, .get = true },
	{ .operation_id = "createSpecialPricingRequest",
		.resource = &price_resource,
		.facts = "deal_part_facts",
		.decide = decide_price,
		.write = "special_price_create",
		.creates = true },
	PRICE("approveSpecialPricingRequest", decide_price_approve),
	PRICE("rejectSpecialPricingRequest", decide_price_reject),
	PRICE("withdrawSpecialPricingRequest", decide_price_withdraw),
	{ 0 },
};
