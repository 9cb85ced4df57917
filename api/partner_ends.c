/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Suspending, terminating and merging partners: the steps that have effects on what a partner has.
 * The effects are counted by the rule (domain/partner.h), shown with the answer, kept as a decision
 * and compared with what the write finds.
 */
#include <string.h>
#include <strings.h>

#include "domain/partner.h"
#include "resources.h"

static struct partner_end_facts facts_of(const struct command_input *in)
{
	const char *approved = command_body_text(in, "approved_deals");

	return (struct partner_end_facts){
		.status = command_before_text(in, "status"),
		.open_deals = rows_int(in->facts, "open_deals"),
		.approved_deals = rows_int(in->facts, "approved_deals"),
		.all_deals = rows_int(in->facts, "all_deals"),
		.cancels_approved = approved != NULL && strcmp(approved, "cancel") == 0,
		.receives = rows_bool(in->facts, "receives"),
		.target_status = rows_text(in->facts, "target_status"),
	};
}

static json_t *effects_json(const struct partner_effects *effects)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "deals_waiting", (json_int_t)effects->waiting,
		"deals_withdrawn", (json_int_t)effects->withdrawn, "deals_cancelled",
		(json_int_t)effects->cancelled, "deals_kept", (json_int_t)effects->kept,
		"deals_moved", (json_int_t)effects->moved);
}

/* Kept with the decision and shown with the answer. */
static void keep_effects(const struct partner_end_facts *facts,
	const struct partner_effects *effects, struct decision *out)
{
	json_object_update_new(
		out->inputs, json_pack("{s:s, s:I, s:I, s:I}", "status", facts->status,
				     "open_deals", (json_int_t)facts->open_deals, "approved_deals",
				     (json_int_t)facts->approved_deals, "all_deals",
				     (json_int_t)facts->all_deals));
	json_object_update_new(out->outcome, effects_json(effects));
	out->is_kept = true;
	out->reveal = json_pack("{s:o}", "effects", effects_json(effects));
}

/* What the write has to find. */
static json_t *counted(const struct partner_end_facts *facts)
{
	return json_pack("{s:I, s:I, s:I}", "all", (json_int_t)facts->all_deals, "open",
		(json_int_t)facts->open_deals, "approved", (json_int_t)facts->approved_deals);
}

/* The members of the partner's row that both endings set. */
static json_t *ended(const struct command_input *in, const char *status)
{
	const char *code = command_body_text(in, "reason_code");

	return json_pack("{s:s, s:s?, s:s}", "status", status, "status_reason",
		command_body_text(in, "reason"), "status_reason_code",
		code != NULL ? code : "other");
}

static bool decide_suspend(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const struct partner_end_facts facts = facts_of(in);
	struct partner_effects effects;

	if (!partner_suspend(&facts, &effects, &out->explanation, problem))
		return false;
	json_object_set_new(out->fields, "set", ended(in, "suspended"));
	keep_effects(&facts, &effects, out);
	out->event = "partner.suspended";
	return true;
}

static bool decide_terminate(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const struct partner_end_facts facts = facts_of(in);
	struct partner_effects effects;

	if (!partner_terminate(&facts, &effects, &out->explanation, problem))
		return false;
	json_t *set = ended(in, "terminated");
	json_object_set_new(set, "terminated_at", json_string(rows_text(in->facts, "now")));
	json_object_set_new(out->fields, "set", set);
	json_object_update_new(
		out->fields, json_pack("{s:b, s:o}", "cancels", facts.cancels_approved, "counted",
				     counted(&facts)));
	keep_effects(&facts, &effects, out);
	out->event = "partner.terminated";
	return true;
}

/* A foreign id that names a deal of each cannot name one deal of the partner that is left. */
static bool check_external_ids(const struct command_input *in, struct problem *problem)
{
	const char *shared = rows_text(in->facts, "shared_external_id");

	return shared == NULL ||
	       problem_set(problem, PROBLEM_duplicate_deal,
		       "Both partners have a deal with the external id %s; change one first.",
		       shared);
}

static bool decide_merge(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const char *target = command_body_text(in, "into_partner_id");
	struct partner_end_facts facts = facts_of(in);
	struct partner_effects effects;

	if (facts.target_status == NULL) {
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/into_partner_id",
			VIOLATION_reference_not_found, "There is no such partner.");
		return false;
	}
	facts.is_itself = strcasecmp(target, in->id) == 0;
	if (!partner_merge(&facts, &effects, &out->explanation, problem) ||
		!check_external_ids(in, problem))
		return false;
	json_object_update_new(
		out->fields, json_pack("{s:s, s:s?, s:o}", "into_partner_id", target, "reason",
				     command_body_text(in, "reason"), "counted", counted(&facts)));
	keep_effects(&facts, &effects, out);
	out->event = "partner.merged";
	return true;
}

const struct endpoint partner_end_endpoints[] = {
	{ .operation_id = "suspendPartner",
		.resource = &partner_resource,
		.facts = "partner_end_facts",
		.decide = decide_suspend,
		.write = "partner_change",
		.reveals = true },
	{ .operation_id = "terminatePartner",
		.resource = &partner_resource,
		.facts = "partner_end_facts",
		.decide = decide_terminate,
		.write = "partner_change",
		.reveals = true },
	{ .operation_id = "mergePartner",
		.resource = &partner_resource,
		.facts = "partner_end_facts",
		.decide = decide_merge,
		.write = "partner_merge",
		.reveals = true },
	{ 0 },
};
