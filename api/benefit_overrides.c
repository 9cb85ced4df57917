/* SPDX-License-Identifier: Apache-2.0 */
/* What a single partner is entitled to otherwise than by its tier, for a time and a reason. */
#include <string.h>

#include "resources.h"
#include "tier_terms.h"

static const struct transition override_transitions[] = {
	{ "end", "scheduled active", "ended" },
	{ 0 },
};

static const struct resource override_resource = {
	.object = "benefit_override",
	.shape = "benefit_override_shape",
	.path = "/v1/benefit-overrides/",
	.transitions = override_transitions,
};

static const struct filter override_filters[] = {
	{ .parameter = "status", .type = 't' },
	{ .parameter = "partner_id", .type = 'u' },
	{ .parameter = "benefit_id", .type = 'u' },
	{ 0 },
};

static const struct sort override_sorts[] = {
	{ .name = "valid_from", .column = "valid_from", .type = 'z' },
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list override_list = {
	.resource = &override_resource,
	.filters = override_filters,
	.sorts = override_sorts,
};

static struct benefit_override override_read(const struct command_input *in)
{
	const json_t *value = json_object_get(in->body, "value"),
		     *entry = facts_json(in, "benefit");
	struct benefit_override override = {
		.partner_status = rows_text(in->facts, "partner_status"),
		.now_us = rows_time(in->facts, "now"),
		.valid_from_us = rows_time(in->facts, "valid_from"),
		.valid_until_us = rows_time(in->facts, "valid_until"),
		.blocker_id = rows_text(in->facts, "blocker_id"),
		.takes_away = json_is_null(value),
		.has_benefit = entry != NULL,
		.value = benefit_value_read(value),
	};
	if (entry != NULL)
		benefit_read(entry, &override.benefit);
	return override;
}

static bool decide_create(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const struct benefit_override override = override_read(in);
	out->event = "benefit_override.created";
	return benefit_override_check(&override, in->request->arena, problem);
}

static bool decide_end(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	out->event = "benefit_override.ended";
	return transition_require(override_transitions, "override", "end", "ended",
		       command_before_text(in, "status"), problem) != NULL;
}

const struct endpoint benefit_override_endpoints[] = {
	{ .operation_id = "listBenefitOverrides", .list = &override_list },
	{ .operation_id = "getBenefitOverride", .resource = &override_resource, .get = true },
	{ .operation_id = "createBenefitOverride",
		.resource = &override_resource,
		.facts = "benefit_override_facts",
		.decide = decide_create,
		.write = "benefit_override_create",
		.creates = true },
	{ .operation_id = "endBenefitOverride",
		.resource = &override_resource,
		.decide = decide_end,
		.write = "benefit_override_end" },
	{ 0 },
};
