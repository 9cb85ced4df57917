/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hierarchy: which partner buys through which distributor, and what a distributor sees below
 * itself. A relation is shown to both its ends by the wall of its table, so the first wall lets it
 * pass; what is below a distributor is a view of its own, walled by the distributor.
 */
#include "domain/relation.h"

#include <stdlib.h>

#include "http/app.h"
#include "margin.h"
#include "resources.h"

static const struct resource relation_resource = {
	.object = "partner_relation",
	.shape = "partner_relation_shape",
	.path = "/v1/partner-relations/",
	.transitions = relation_transitions,
	.shared = true,
};

static const struct resource reseller_resource = {
	.object = "reseller",
	.shape = "reseller_shape",
};

static const struct resource reseller_deal_resource = {
	.object = "reseller_deal",
	.shape = "reseller_deal_shape",
};

static const struct filter relation_filters[] = {
	{ .parameter = "partner_id", .type = 'u' },
	{ .parameter = "parent_id", .type = 'u' },
	{ .parameter = "status", .type = 't' },
	{ .parameter = "valid_at",
		.sql = "s.starts_at <= {} and (s.ends_at is null or s.ends_at > {})",
		.type = 'z' },
	{ 0 },
};

static const struct sort relation_sorts[] = {
	{ .name = "starts_at", .column = "starts_at", .type = 'z' },
	{ 0 },
};

static const struct list relation_list = {
	.resource = &relation_resource,
	.filters = relation_filters,
	.sorts = relation_sorts,
};

static const struct filter reseller_filters[] = {
	{ .parameter = "distributor_id", .type = 'u', .from_path = true },
	{ .parameter = "status", .type = 't' },
	{ 0 },
};

static const struct sort reseller_sorts[] = {
	{ .name = "name", .column = "name", .type = 't' },
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list reseller_list = {
	.resource = &reseller_resource,
	.filters = reseller_filters,
	.sorts = reseller_sorts,
	.parent = &partner_resource,
};

static const struct filter reseller_deal_filters[] = {
	{ .parameter = "distributor_id", .type = 'u', .from_path = true },
	{ .parameter = "partner_id", .type = 'u' },
	{ .parameter = "status", .type = 't' },
	{ 0 },
};

static const struct sort reseller_deal_sorts[] = {
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ .name = "updated_at", .column = "updated_at", .type = 'z' },
	{ 0 },
};

static const struct list reseller_deal_list = {
	.resource = &reseller_deal_resource,
	.filters = reseller_deal_filters,
	.sorts = reseller_deal_sorts,
	.parent = &partner_resource,
};

static bool decide_create(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const struct relation_facts facts = {
		.child_status = rows_text(in->facts, "child_status"),
		.parent_status = rows_text(in->facts, "parent_status"),
		.parent_type = rows_text(in->facts, "parent_type"),
		.makes_circle = rows_bool(in->facts, "makes_circle"),
		.now_us = rows_time(in->facts, "now"),
		.starts_us = rows_time(in->facts, "valid_from"),
		.ends_us = rows_time(in->facts, "valid_to"),
	};

	if (!relation_begin(&facts, in->request->arena, problem))
		return false;
	json_object_set_new(
		out->fields, "starts_at", json_string(rows_text(in->facts, "valid_from")));
	out->event = "partner_relation.created";
	return true;
}

static bool decide_end(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const struct relation_facts facts = {
		.now_us = rows_time(in->facts, "now"),
		.ends_us = rows_time(in->facts, "valid_to"),
	};

	if (transition_require(relation_transitions, "relation", "end", "ended",
		    command_before_text(in, "status"), problem) == NULL ||
		!relation_end(&facts, rows_time(in->facts, "ends_at"), in->request->arena, problem))
		return false;
	json_object_set_new(out->fields, "ends_at", json_string(rows_text(in->facts, "ends_at")));
	out->event = "partner_relation.ended";
	return true;
}

/* ---- roll-up ---- */

/* The period as the statement reads it. */
static const char *period_json(const struct request *request)
{
	json_t *period =
		json_pack("{s:s?, s:s?}", "closed_on_gte", request_query(request, "closed_on_gte"),
			"closed_on_lt", request_query(request, "closed_on_lt"));
	char *text = json_dumps(period, JSON_COMPACT);
	json_decref(period);
	arena_defer(request->arena, free, text);
	return text;
}

static bool run_roll_up(struct request *request, struct response *response, struct problem *problem)
{
	const struct rows *rows = request_row(request, "partner_roll_up", period_json(request),
		"There is no such partner.", problem);
	if (rows == NULL)
		return false;
	response->cache = CACHE_PRIVATE;
	response_json(response, 200,
		json_pack("{s:s, s:s, s:I, s:O}", "partner_id", rows_text(rows, "partner_id"),
			"object", "partner_roll_up", "reseller_count",
			(json_int_t)rows_int(rows, "reseller_count"), "lines",
			row_json(rows, "lines", request->arena)));
	return true;
}

const struct endpoint partner_relation_endpoints[] = {
	{ .operation_id = "listPartnerRelations", .list = &relation_list },
	{ .operation_id = "getPartnerRelation", .resource = &relation_resource, .get = true },
	{ .operation_id = "createPartnerRelation",
		.resource = &relation_resource,
		.facts = "relation_facts",
		.decide = decide_create,
		.write = "relation_create",
		.creates = true },
	{ .operation_id = "endPartnerRelation",
		.resource = &relation_resource,
		.facts = "relation_end_facts",
		.decide = decide_end,
		.write = "relation_change" },
	{ .operation_id = "listResellers", .list = &reseller_list },
	{ .operation_id = "listResellerDeals", .list = &reseller_deal_list },
	{ .operation_id = "getPartnerRollUp", .run = run_roll_up },
	{ 0 },
};
