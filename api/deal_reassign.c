/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reassignment. Whom the deal came from is the vendor's to know: it stands in the inputs of the
 * decision and in the ledger, while the event that the next partner reads says nothing of it.
 */
#include <string.h>

#include "deal_limits.h"
#include "domain/deal.h"
#include "domain/reassign.h"
#include "resources.h"

static struct reassign_facts read_facts(const struct command_input *in)
{
	const json_t *partner = json_object_get(in->body, "partner_id"),
		     *owner = json_object_get(in->body, "owner_id");
	const char *target = rows_text(in->facts, "target_id");
	return (struct reassign_facts){
		.status = deal_status_at(rows_text(in->facts, "status"),
			rows_time(in->facts, "protected_until"), rows_time(in->facts, "now")),
		.names_partner = partner != NULL,
		.names_owner = owner != NULL,
		.clears_owner = json_is_null(owner),
		.is_for_vendor = actor_side(in->actor) == SIDE_VENDOR,
		.target_status = rows_text(in->facts, "target_status"),
		.is_same_partner =
			target != NULL && strcmp(target, rows_text(in->facts, "partner_id")) == 0,
		.has_twin = rows_text(in->facts, "twin_id") != NULL,
		.is_owner_known = rows_text(in->facts, "owner_id") != NULL,
	};
}

/* A draft takes no place, and an owner's change takes none either. */
static bool has_room(const struct command_input *in, const struct reassign_facts *facts,
	struct decision *out, struct problem *problem)
{
	json_object_set_new(out->fields, "needs_capacity", json_false());
	return !facts->names_partner || strcmp(facts->status, "draft") == 0 ||
	       deal_has_room(in, out, problem);
}

static bool may_move(const struct command_input *in, const struct reassign_facts *facts,
	struct decision *out, struct problem *problem)
{
	if (deal_reassign_check(facts, in->request->arena, &out->explanation, problem))
		return true;
	if (problem->code == PROBLEM_duplicate_deal)
		problem->resource_id = rows_text(in->facts, "twin_id");
	return false;
}

static bool decide_reassign(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const struct reassign_facts facts = read_facts(in);
	if (!may_move(in, &facts, out, problem) || !has_room(in, &facts, out, problem))
		return false;
	const char *from = rows_text(in->facts, "partner_id"),
		   *target = rows_text(in->facts, "target_id"),
		   *owner = rows_text(in->facts, "owner_id");
	json_object_update_new(
		out->fields, json_pack("{s:s?, s:s?}", "target_id", target, "owner_id", owner));
	if (facts.names_partner)
		json_object_set_new(out->fields, "untold",
			json_pack("[s, s, s]", "partner_id", "partner_name", "owner_id"));
	json_object_update_new(out->inputs,
		json_pack("{s:s, s:s, s:s?, s:s?, s:s}", "from_partner_id", from, "to_partner_id",
			target != NULL ? target : from, "from_owner_id",
			rows_text(in->facts, "present_owner_id"), "to_owner_id", owner, "reason",
			command_body_text(in, "reason")));
	out->is_kept = true;
	out->event = facts.names_partner ? "deal.reassigned" : "deal.owner_changed";
	return true;
}

const struct endpoint deal_reassign_endpoints[] = {
	{ .operation_id = "reassignDeal",
		.resource = &deal_resource,
		.facts = "deal_reassign_facts",
		.decide = decide_reassign,
		.write = "deal_reassign" },
	{ 0 },
};
