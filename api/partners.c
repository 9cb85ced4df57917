/* SPDX-License-Identifier: Apache-2.0 */
/* Partners: the programme's other side. Steps of their life are rows of partner_steps; the tier has
 * a history. */
#include <string.h>

#include "base/clock.h"
#include "resources.h"

const struct resource partner_resource = {
	.object = "partner",
	.shape = "partner_shape",
	.path = "/v1/partners/",
	.transitions = partner_transitions,
};

static const struct resource tier_change_resource = {
	.object = "tier_change",
	.shape = "tier_change_shape",
};

/* A program has thousands of partners, not millions: a part of a name, a map and lists, which no
 * index could serve behind the walls, are looked at on the way. */
static const struct filter partner_filters[] = {
	{ .parameter = "q",
		.sql = "' ' || lower(s.name) || ' ' || lower(s.number) like "
		       "deal_search_pattern({})",
		.type = 't' },
	{ .parameter = "external_id",
		.sql = "s.external_ids @> jsonb_build_object(split_part({}, ':', 1), "
		       "substr({}, strpos({}, ':') + 1))",
		.type = 't' },
	{ .parameter = "number", .type = 't' },
	{ .parameter = "status", .type = 't' },
	{ .parameter = "type", .type = 't' },
	{ .parameter = "tier_id", .type = 'u' },
	{ .parameter = "country", .type = 't' },
	{ .parameter = "industry",
		.sql = "s.industries ? {}",
		.sql_many = "s.industries ?| {}",
		.type = 't' },
	{ .parameter = "language",
		.sql = "s.languages ? {}",
		.sql_many = "s.languages ?| {}",
		.type = 't' },
	{ .parameter = "region",
		.sql = "s.regions ? {}",
		.sql_many = "s.regions ?| {}",
		.type = 't' },
	{ 0 },
};

static const struct sort partner_sorts[] = {
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ .name = "name", .column = "name", .type = 't' },
	{ .name = "number", .column = "number", .type = 't' },
	{ 0 },
};

static const struct list partner_list = {
	.resource = &partner_resource,
	.filters = partner_filters,
	.sorts = partner_sorts,
};

static const struct filter tier_history_filters[] = {
	{ .parameter = "partner_id", .type = 'u', .from_path = true },
	{ 0 },
};

static const struct sort tier_history_sorts[] = {
	{ .name = "effective_at", .column = "effective_at", .type = 'z' },
	{ 0 },
};

static const struct list tier_history_list = {
	.resource = &tier_change_resource,
	.filters = tier_history_filters,
	.sorts = tier_history_sorts,
	.parent = &partner_resource,
};

bool partner_tier_is_open(const struct command_input *in, struct problem *problem)
{
	const char *status = rows_text(in->facts, "tier_status");
	if (command_body_text(in, "tier_id") == NULL)
		return true;
	if (status == NULL)
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/tier_id",
			VIOLATION_reference_not_found, "There is no such tier.");
	else if (strcmp(status, "published") != 0)
		return problem_set(problem, PROBLEM_tier_not_published,
			"Partners can only be placed in a published tier.");
	return !problem->is_set;
}

static void set_tier_change(struct decision *out)
{
	char id[UUID_TEXT_BYTES];
	uuid_v7(id);
	json_object_set_new(out->fields, "tier_change_id", json_string(id));
}

/*
 * Addresses as they are stored, every member there. At most one of a kind: who needs another office
 * of the same kind has it in custom_fields. NULL when the body names none, or the problem is set.
 */
static json_t *addresses_of(const struct command_input *in, struct problem *problem)
{
	static const char *const members[] = { "kind", "line1", "line2", "city", "region",
		"postal_code", "country" };
	const json_t *given = json_object_get(in->body, "addresses"), *address;
	json_t *kept = json_array(), *kinds = json_object();
	size_t i;

	json_array_foreach (given, i, address) {
		const char *kind = json_string_value(json_object_get(address, "kind"));
		json_t *whole = json_object();
		if (json_object_get(kinds, kind) != NULL)
			problem_add(problem, in->request->arena, PLACE_POINTER,
				arena_printf(in->request->arena, "#/addresses/%zu/kind", i),
				VIOLATION_not_unique, "There is another %s address.", kind);
		json_object_set_new(kinds, kind, json_true());
		for (size_t m = 0; m < sizeof members / sizeof members[0]; m++) {
			json_t *value = json_object_get(address, members[m]);
			json_object_set_new(whole, members[m],
				value != NULL ? json_incref(value) : json_null());
		}
		json_array_append_new(kept, whole);
	}
	json_decref(kinds);
	if (given != NULL && !problem->is_set)
		return kept;
	json_decref(kept);
	return NULL;
}

/* Refuses the body's addresses, or puts them into `fields`. */
static bool set_addresses(const struct command_input *in, json_t *fields, struct problem *problem)
{
	json_t *addresses = addresses_of(in, problem);

	if (addresses != NULL)
		json_object_set_new(fields, "addresses", addresses);
	return !problem->is_set;
}

static bool decide_create(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	if (!set_addresses(in, out->fields, problem) || !partner_tier_is_open(in, problem))
		return false;
	const char *tier = rows_text(in->facts, "tier_id");
	json_object_set_new(out->fields, "tier_id", tier != NULL ? json_string(tier) : json_null());
	set_tier_change(out);
	out->event = "partner.created";
	return true;
}

static bool decide_update(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	static const char *const plain[] = { "name", "legal_name", "country", "website",
		"industries", "languages", "regions", "lead_capacity", NULL };
	json_t *set = json_object();
	json_object_set_new(out->fields, "set", set);
	patch_columns(in, set, plain);
	out->event = "partner.updated";
	return set_addresses(in, set, problem) && patch_map(in, set, "external_ids", problem) &&
	       patch_map(in, set, "custom_fields", problem);
}

struct partner_step {
	const char *action, *participle, *event;
	const char *time; /* column that takes the present time */
};

static const struct partner_step partner_steps[] = {
	{ "activate", "activated", "partner.activated", "activated_at" },
	{ "reinstate", "reinstated", "partner.reinstated", NULL },
};

static const struct partner_step *step_of(const char *action)
{
	const struct partner_step *step = partner_steps;
	while (strcmp(step->action, action) != 0)
		step++;
	return step;
}

/* A partner is activated once it has accepted what its type asks for. */
static bool has_agreed(const struct command_input *in, const char *action, struct problem *problem)
{
	const char *missing = rows_text(in->facts, "missing_agreement");

	return missing == NULL || strcmp(action, "activate") != 0 ||
	       problem_set(problem, PROBLEM_agreement_required,
		       "The partner has not accepted the agreement '%s'.", missing);
}

static bool decide_step(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const struct partner_step *step = step_of(command_action(in));
	const char *status = command_before_text(in, "status");
	const struct transition *move = transition_require(
		partner_transitions, "partner", step->action, step->participle, status, problem);
	if (move == NULL || !has_agreed(in, step->action, problem))
		return false;
	json_t *set = json_pack("{s:s, s:s?, s:n}", "status", move->to, "status_reason",
		command_body_text(in, "reason"), "status_reason_code");
	json_object_set_new(out->fields, "set", set);
	if (step->time != NULL)
		json_object_set_new(set, step->time, json_string(rows_text(in->facts, "now")));
	out->event = step->event;
	return true;
}

/* Somebody decides on the tier: an override ends, and failed reviews are forgotten. */
static json_t *standing_anew(const char *tier)
{
	return json_pack("{s:s?, s:i, s:n, s:n, s:n, s:n, s:n}", "tier_id", tier, "failed_reviews",
		0, "at_risk_since", "override_reason", "override_by_id", "override_from",
		"override_until");
}

static bool decide_change_tier(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const char *status = command_before_text(in, "status"),
		   *now_in = command_before_text(in, "tier_id");
	if (transition_require(partner_transitions, "partner", "change-tier",
		    "moved to another tier", status, problem) == NULL ||
		!partner_tier_is_open(in, problem))
		return false;
	const char *tier = rows_text(in->facts, "tier_id");
	if (now_in != NULL && strcmp(now_in, tier) == 0) {
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/tier_id",
			VIOLATION_inconsistent, "The partner is in this tier already.");
		return false;
	}
	json_object_set_new(out->fields, "set", standing_anew(tier));
	json_object_set_new(
		out->fields, "reason", json_pack("s?", command_body_text(in, "reason")));
	set_tier_change(out);
	out->event = "partner.tier_changed";
	return true;
}

static bool check_override_end(const struct command_input *in, struct problem *problem)
{
	const char *ends_at = command_body_text(in, "ends_at");
	int64_t ends_us;
	if (!time_parse(ends_at, strlen(ends_at), &ends_us))
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/ends_at",
			VIOLATION_invalid_format, "Not an instant.");
	else if (ends_us <= rows_time(in->facts, "now"))
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/ends_at",
			VIOLATION_too_small, "An override ends in the future.");
	return !problem->is_set;
}

/* The tier the partner is in already may be set, too: reviews then leave it there. */
static bool decide_override_tier(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const char *status = command_before_text(in, "status"),
		   *now_in = command_before_text(in, "tier_id"),
		   *reason = command_body_text(in, "reason");
	check_override_end(in, problem);
	if (!partner_tier_is_open(in, problem) ||
		transition_require(partner_transitions, "partner", "override-tier",
			"held in a tier", status, problem) == NULL)
		return false;
	const char *tier = rows_text(in->facts, "tier_id");
	json_t *set = standing_anew(tier);
	json_object_update_new(
		set, json_pack("{s:s, s:s, s:s, s:s}", "override_reason", reason, "override_by_id",
			     in->actor->id, "override_from", rows_text(in->facts, "now"),
			     "override_until", command_body_text(in, "ends_at")));
	if (now_in != NULL && strcmp(now_in, tier) == 0)
		json_object_del(set, "tier_id");
	json_object_set_new(out->fields, "set", set);
	json_object_set_new(out->fields, "reason", json_string(reason));
	set_tier_change(out);
	out->event = "partner.tier_overridden";
	return true;
}

/* The partner stays where it is; the next review judges it like any other. */
static bool decide_clear_override(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	if (command_before_text(in, "tier_override.ends_at") == NULL)
		return problem_set(
			problem, PROBLEM_conflict, "The tier of the partner is not overridden.");
	json_t *set = standing_anew(NULL);
	json_object_del(set, "tier_id");
	json_object_set_new(out->fields, "set", set);
	out->event = "partner.tier_override_cleared";
	return true;
}

#define STEP(operation)                                                                    \
	{                                                                                  \
		.operation_id = (operation), .resource = &partner_resource,                \
		.facts = "partner_facts", .decide = decide_step, .write = "partner_change" \
	}

const struct endpoint partner_endpoints[] = {
	{ .operation_id = "listPartners", .list = &partner_list },
	{ .operation_id = "getPartner", .resource = &partner_resource, .get = true },
	{ .operation_id = "createPartner",
		.resource = &partner_resource,
		.facts = "partner_facts",
		.decide = decide_create,
		.write = "partner_create",
		.creates = true },
	{ .operation_id = "updatePartner",
		.resource = &partner_resource,
		.decide = decide_update,
		.write = "partner_change" },
	STEP("activatePartner"),
	STEP("reinstatePartner"),
	{ .operation_id = "changePartnerTier",
		.resource = &partner_resource,
		.facts = "partner_facts",
		.decide = decide_change_tier,
		.write = "partner_change" },
	{ .operation_id = "overridePartnerTier",
		.resource = &partner_resource,
		.facts = "partner_facts",
		.decide = decide_override_tier,
		.write = "partner_change" },
	{ .operation_id = "clearPartnerTierOverride",
		.resource = &partner_resource,
		.decide = decide_clear_override,
		.write = "partner_change" },
	{ .operation_id = "listPartnerTierHistory", .list = &tier_history_list },
	{ 0 },
};
