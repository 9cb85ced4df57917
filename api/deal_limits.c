/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits of open registrations, and the report of who has how many. The limits are the vendor's; a
 * partner sees its own line of the report.
 */
#include "deal_limits.h"
#include "base/clock.h"
#include "resources.h"

#include <string.h>

static const struct transition limit_transitions[] = {
	{ "end", "active", "ended" },
	{ 0 },
};

static const struct resource limit_resource = {
	.object = "deal_limit",
	.shape = "deal_limit_shape",
	.path = "/v1/deal-limits/",
	.transitions = limit_transitions,
};

static const struct resource capacity_resource = {
	.object = "deal_capacity",
	.shape = "deal_capacity_shape",
};

static const struct filter limit_filters[] = {
	{ .parameter = "status", .type = 't' },
	{ .parameter = "tier_id", .type = 'u' },
	{ .parameter = "partner_id", .type = 'u' },
	{ 0 },
};

static const struct sort limit_sorts[] = {
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list limit_list = {
	.resource = &limit_resource, .filters = limit_filters, .sorts = limit_sorts
};

static const struct filter capacity_filters[] = {
	{ .parameter = "partner_id", .type = 'u' },
	{ .parameter = "tier_id", .type = 'u' },
	{ .parameter = "is_at_limit",
		.sql = "(s.available is not null and s.available = 0) = {}",
		.type = 'b' },
	{ .parameter = "idle_count_gte", .sql = "s.idle_count >= {}", .type = 'i' },
	{ 0 },
};

/* The figures have no index: what is open is few, and an index answers each count. */
static const struct sort capacity_sorts[] = {
	{ .name = "open_count", .column = "open_count", .type = 'i' },
	{ .name = "idle_count", .column = "idle_count", .type = 'i' },
	{ .name = "partner_name", .column = "partner_name", .type = 't' },
	{ 0 },
};

static const struct list capacity_list = {
	.resource = &capacity_resource, .filters = capacity_filters, .sorts = capacity_sorts
};

static bool check_end(const struct command_input *in, struct problem *problem)
{
	const char *ends_at = command_body_text(in, "ends_at");
	int64_t ends_us = 0;
	if (ends_at == NULL)
		return true;
	if (time_parse(ends_at, strlen(ends_at), &ends_us) && ends_us > rows_time(in->facts, "now"))
		return true;
	problem_add(problem, in->request->arena, PLACE_POINTER, "#/ends_at", VIOLATION_too_small,
		"A limit ends after it begins, and not before now.");
	return false;
}

static bool decide_create(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	out->event = "deal_limit.created";
	if (command_body_text(in, "tier_id") != NULL && command_body_text(in, "partner_id") != NULL)
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/partner_id",
			VIOLATION_inconsistent, "Name a tier, or a partner, or neither.");
	check_end(in, problem);
	return !problem->is_set;
}

static bool decide_update(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	static const char *const plain[] = { "open_limit", "reason", "ends_at", NULL };
	json_t *set = json_object();
	json_object_set_new(out->fields, "set", set);
	patch_columns(in, set, plain);
	out->event = "deal_limit.updated";
	if (!check_end(in, problem))
		return false;
	return transition_require(limit_transitions, "limit", "end", "changed",
		       command_before_text(in, "status"), problem) != NULL;
}

static bool decide_end(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	if (transition_require(limit_transitions, "limit", "end", "ended",
		    command_before_text(in, "status"), problem) == NULL)
		return false;
	json_object_set_new(
		out->fields, "set", json_pack("{s:s}", "ends_at", rows_text(in->facts, "now")));
	out->event = "deal_limit.ended";
	return true;
}

bool deal_has_room(const struct command_input *in, struct decision *out, struct problem *problem)
{
	const struct capacity capacity = {
		.is_limited = rows_text(in->facts, "open_limit") != NULL,
		.open_limit = rows_int(in->facts, "open_limit"),
		.open_count = rows_int(in->facts, "open_count"),
	};
	json_object_set_new(out->fields, "needs_capacity", json_boolean(capacity.is_limited));
	return capacity_check(&capacity, problem);
}

const struct endpoint deal_limit_endpoints[] = {
	{ .operation_id = "listDealLimits", .list = &limit_list },
	{ .operation_id = "getDealLimit", .resource = &limit_resource, .get = true },
	{ .operation_id = "createDealLimit",
		.resource = &limit_resource,
		.facts = "deal_limit_facts",
		.decide = decide_create,
		.write = "deal_limit_create",
		.creates = true },
	{ .operation_id = "updateDealLimit",
		.resource = &limit_resource,
		.facts = "deal_limit_facts",
		.decide = decide_update,
		.write = "deal_limit_change" },
	{ .operation_id = "endDealLimit",
		.resource = &limit_resource,
		.facts = "deal_limit_facts",
		.decide = decide_end,
		.write = "deal_limit_change" },
	{ .operation_id = "listDealCapacities", .list = &capacity_list },
	{ 0 },
};
