/* SPDX-License-Identifier: Apache-2.0 */
/* Tiers: created as drafts that partners do not see, edited, published. Approved deals keep the
 * margin they locked. */
#include <string.h>

#include "domain/margin.h"
#include "resources.h"

static const struct resource tier_resource = {
	.object = "tier",
	.shape = "tier_shape",
	.path = "/v1/tiers/",
	.shared = true,
	.transitions = tier_transitions,
};

static const struct filter tier_filters[] = {
	{ .parameter = "status",
		.sql = "s.status = {}",
		.sql_many = "s.status = any({})",
		.type = 't' },
	{ 0 },
};

static const struct sort tier_sorts[] = {
	{ .name = "rank", .column = "rank", .type = 'i' },
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list tier_list = {
	.resource = &tier_resource, .filters = tier_filters, .sorts = tier_sorts
};

static int64_t band_member(
	const json_t *band, const json_t *before, const char *name, const char *flat_name)
{
	const json_t *value = json_object_get(band, name);
	return json_integer_value(value != NULL ? value : json_object_get(before, flat_name));
}

/* The band that results: members that a patch leaves out keep their value. */
static bool read_band(
	const struct command_input *in, struct margin_band *ret_band, struct problem *problem)
{
	const json_t *band = json_object_get(in->body, "margin_band");
	json_t *before = in->before != NULL ? json_loads(in->before, 0, NULL) : NULL;
	ret_band->floor_bps = band_member(band, before, "floor_bps", "margin_band.floor_bps");
	ret_band->base_bps = band_member(band, before, "base_bps", "margin_band.base_bps");
	ret_band->cap_bps = band_member(band, before, "cap_bps", "margin_band.cap_bps");
	json_decref(before);
	return margin_band_check(
		ret_band, rows_int(in->facts, "margin_cap_bps"), in->request->arena, problem);
}

static bool decide_create(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	struct margin_band band;
	out->event = "tier.created";
	return read_band(in, &band, problem);
}

static bool decide_update(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	static const char *const plain[] = { "name", "rank", "benefits", "requirements", NULL };
	struct margin_band band;
	if (!read_band(in, &band, problem))
		return false;
	json_t *set = json_pack("{s:I, s:I, s:I}", "floor_bps", (json_int_t)band.floor_bps,
		"base_bps", (json_int_t)band.base_bps, "cap_bps", (json_int_t)band.cap_bps);
	json_object_set_new(out->fields, "set", set);
	patch_columns(in, set, plain);
	out->event = "tier.updated";
	return true;
}

static bool decide_publish(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const char *status = command_before_text(in, "status");
	const struct transition *move = transition_require(
		tier_transitions, "tier", "publish", "published", status, problem);
	if (move == NULL)
		return false;
	json_object_set_new(out->fields, "set",
		json_pack("{s:s, s:s}", "status", move->to, "published_at",
			rows_text(in->facts, "now")));
	out->event = "tier.published";
	return true;
}

const struct endpoint tier_endpoints[] = {
	{ .operation_id = "listTiers", .list = &tier_list },
	{ .operation_id = "getTier", .resource = &tier_resource, .get = true },
	{ .operation_id = "createTier",
		.resource = &tier_resource,
		.facts = "tier_facts",
		.decide = decide_create,
		.write = "tier_create",
		.creates = true },
	{ .operation_id = "updateTier",
		.resource = &tier_resource,
		.facts = "tier_facts",
		.decide = decide_update,
		.write = "tier_change" },
	{ .operation_id = "publishTier",
		.resource = &tier_resource,
		.facts = "tier_facts",
		.decide = decide_publish,
		.write = "tier_change" },
	{ 0 },
};
