/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The catalogue of benefits, what a partner is entitled to by its tier, and the metrics that
 * requirements of tiers may name. A benefit keeps its key and its kind, so that terms which name it
 * keep their meaning.
 */
#include <string.h>

#include "resources.h"
#include "tier_terms.h"

/* ---- the catalogue ---- */

static const struct transition benefit_transitions[] = {
	{ "retire", "active", "retired" },
	{ 0 },
};

static const struct resource benefit_resource = {
	.object = "benefit",
	.shape = "benefit_shape",
	.path = "/v1/benefits/",
	.shared = true,
	.transitions = benefit_transitions,
};

static const struct filter benefit_filters[] = {
	{ .parameter = "status", .type = 't' },
	{ .parameter = "kind", .type = 't' },
	{ 0 },
};

static const struct sort benefit_sorts[] = {
	{ .name = "name", .column = "name", .type = 't' },
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list benefit_list = {
	.resource = &benefit_resource, .filters = benefit_filters, .sorts = benefit_sorts
};

static void decref(void *value)
{
	json_decref(value);
}

/* The entry as it would stand, for the rule. */
static const json_t *entry_written(const struct command_input *in)
{
	json_t *entry = in->before != NULL ? json_loads(in->before, 0, NULL) : json_object();
	arena_defer(in->request->arena, decref, entry);
	json_object_update(entry, (json_t *)in->body);
	return entry;
}

static bool has_choice(const struct benefit *benefit, const char *choice)
{
	for (size_t i = 0; i < benefit->choice_count; i++)
		if (strcmp(benefit->choices[i], choice) == 0)
			return true;
	return false;
}

/* Terms may name any choice that there was. */
static void check_kept_choices(
	const struct command_input *in, const struct benefit *after, struct problem *problem)
{
	struct benefit before;
	json_t *row = json_loads(in->before, 0, NULL);
	arena_defer(in->request->arena, decref, row);
	benefit_read(row, &before);
	for (size_t i = 0; i < before.choice_count; i++)
		if (!has_choice(after, before.choices[i]))
			problem_add(problem, in->request->arena, PLACE_POINTER, "#/choices",
				VIOLATION_inconsistent, "The choice '%s' may be in use: keep it.",
				before.choices[i]);
}

static bool decide_create(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	struct benefit benefit;
	benefit_read(entry_written(in), &benefit);
	out->event = "benefit.created";
	return benefit_check(&benefit, in->request->arena, problem);
}

static bool decide_update(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	static const char *const plain[] = { "name", "description", "unit", "choices", "better",
		NULL };
	struct benefit benefit;
	json_t *set = json_object();
	json_object_set_new(out->fields, "set", set);
	patch_columns(in, set, plain);
	benefit_read(entry_written(in), &benefit);
	benefit_check(&benefit, in->request->arena, problem);
	check_kept_choices(in, &benefit, problem);
	out->event = "benefit.updated";
	return !problem->is_set;
}

static bool decide_retire(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const char *status = command_before_text(in, "status");
	if (transition_require(
		    benefit_transitions, "benefit", "retire", "retired", status, problem) == NULL)
		return false;
	json_object_set_new(out->fields, "set", json_pack("{s:s}", "status", "retired"));
	out->event = "benefit.retired";
	return true;
}

/* ---- of a partner ---- */

static const struct resource partner_benefit_resource = {
	.object = "partner_benefit",
	.shape = "partner_benefit_shape",
};

static const struct filter partner_benefit_filters[] = {
	{ .parameter = "_partner_id", .type = 'u', .from_path = true },
	{ 0 },
};

static const struct sort partner_benefit_sorts[] = {
	{ .name = "name", .column = "name", .type = 't' },
	{ 0 },
};

static const struct list partner_benefit_list = {
	.resource = &partner_benefit_resource,
	.filters = partner_benefit_filters,
	.sorts = partner_benefit_sorts,
	.parent = &partner_resource,
};

/* ---- metrics ---- */

static bool list_metrics(
	struct request *request, struct response *response, struct problem *problem)
{
	json_t *list = json_array();
	(void)request;
	(void)problem;
	for (const struct metric *metric = metrics; metric->key != NULL; metric++)
		json_array_append_new(
			list, json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "key", metric->key,
				      "object", "tier_metric", "description", metric->description,
				      "unit", metric_unit_text(metric->unit), "source",
				      metric_source_text(metric->source), "window",
				      metric_window_text(metric->window)));
	response->cache = CACHE_PRIVATE;
	response_json(response, 200, json_pack("{s:o}", "data", list));
	return true;
}

const struct endpoint benefit_endpoints[] = {
	{ .operation_id = "listBenefits", .list = &benefit_list },
	{ .operation_id = "getBenefit", .resource = &benefit_resource, .get = true },
	{ .operation_id = "createBenefit",
		.resource = &benefit_resource,
		.decide = decide_create,
		.write = "benefit_create",
		.creates = true },
	{ .operation_id = "updateBenefit",
		.resource = &benefit_resource,
		.decide = decide_update,
		.write = "benefit_change" },
	{ .operation_id = "retireBenefit",
		.resource = &benefit_resource,
		.decide = decide_retire,
		.write = "benefit_change" },
	{ .operation_id = "listPartnerBenefits", .list = &partner_benefit_list },
	{ .operation_id = "listTierMetrics", .run = list_metrics },
	{ 0 },
};
