/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Types of partners and what a partner of each starts with. The seven of them are made with the
 * program; only what they bring is changed. Who asks for a default: partner_facts (the tier) and
 * deal_facts (the days of protection).
 */
#include <string.h>

#include "resources.h"

static const struct resource partner_type_resource = {
	.object = "partner_type",
	.shape = "partner_type_shape",
	.path = "/v1/partner-types/",
	.shared = true,
};

static const struct filter type_filters[] = {
	{ .parameter = "key", .type = 't' },
	{ 0 },
};

static const struct sort type_sorts[] = {
	{ .name = "name", .column = "name", .type = 't' },
	{ 0 },
};

static const struct list type_list = {
	.resource = &partner_type_resource,
	.filters = type_filters,
	.sorts = type_sorts,
};

static bool check_default_tier(const struct command_input *in, struct problem *problem)
{
	const char *status = rows_text(in->facts, "tier_status");

	if (command_body_text(in, "default_tier_id") == NULL)
		return true;
	if (status == NULL)
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/default_tier_id",
			VIOLATION_reference_not_found, "There is no such tier.");
	else if (strcmp(status, "published") != 0)
		return problem_set(problem, PROBLEM_tier_not_published,
			"Partners can only start in a published tier.");
	return !problem->is_set;
}

static bool is_paid_commission(const char *earns)
{
	return strcmp(earns, "margin") != 0;
}

static bool check_agreement(const struct command_input *in, struct problem *problem)
{
	if (command_body_text(in, "agreement_key") != NULL &&
		!rows_bool(in->facts, "has_agreement"))
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/agreement_key",
			VIOLATION_reference_not_found, "No agreement of this key is published.");
	return !problem->is_set;
}

/* Whoever earns commission has a rate, and nobody else. */
static bool check_earnings(const struct command_input *in, json_t *set, struct problem *problem)
{
	const char *earns = command_body_text(in, "earns");
	bool is_new = earns != NULL;

	if (earns == NULL)
		earns = command_before_text(in, "earns");
	bool has_rate = json_object_get(in->body, "commission_bps") != NULL
				? json_is_integer(json_object_get(in->body, "commission_bps"))
				: is_paid_commission(command_before_text(in, "earns"));
	if (is_paid_commission(earns) && !has_rate)
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/commission_bps",
			VIOLATION_required, "Commission needs a rate.");
	else if (!is_paid_commission(earns) &&
		 json_is_integer(json_object_get(in->body, "commission_bps")))
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/commission_bps",
			VIOLATION_inconsistent, "Partners of this type earn margin.");
	else if (!is_paid_commission(earns) && is_new)
		json_object_set_new(set, "commission_bps", json_null());
	return !problem->is_set;
}

static bool decide_update(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	static const char *const plain[] = { "name", "earns", "commission_bps", "default_tier_id",
		"protection_days", "agreement_key", NULL };
	json_t *set = json_object();

	json_object_set_new(out->fields, "set", set);
	patch_columns(in, set, plain);
	out->event = "partner_type.updated";
	return check_earnings(in, set, problem) && check_agreement(in, problem) &&
	       check_default_tier(in, problem);
}

const struct endpoint partner_type_endpoints[] = {
	{ .operation_id = "listPartnerTypes", .list = &type_list },
	{ .operation_id = "getPartnerType", .resource = &partner_type_resource, .get = true },
	{ .operation_id = "updatePartnerType",
		.resource = &partner_type_resource,
		.facts = "partner_type_facts",
		.decide = decide_update,
		.write = "partner_type_change" },
	{ 0 },
};
