/* SPDX-License-Identifier: Apache-2.0 */
/* Regions: the map as the program draws it, a tree. Every partner reads it; whose a region is
 * stands in territories.c. */
#include "domain/territory.h"
#include "resources.h"

#define MOST_COUNTRIES 250

static const struct resource region_resource = {
	.object = "region",
	.shape = "region_shape",
	.path = "/v1/regions/",
	.shared = true,
	.transitions = region_transitions,
};

static const struct filter region_filters[] = {
	{ .parameter = "status", .type = 't' },
	{ .parameter = "key", .type = 't' },
	{ .parameter = "parent_id", .type = 'u' },
	{ .parameter = "below",
		.sql = "exists (select from regions a where a.program_id = s._program_id "
		       "and a.id = {} and a.id <> s.id and starts_with(s._path, a.path))",
		.type = 'u' },
	{ .parameter = "country",
		.sql = "s.key = any(country_regions(s._program_id, {}))",
		.type = 't' },
	{ 0 },
};

static const struct sort region_sorts[] = {
	{ .name = "path", .column = "_path", .type = 't', .unique = true },
	{ .name = "name", .column = "name", .type = 't' },
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list region_list = {
	.resource = &region_resource,
	.filters = region_filters,
	.sorts = region_sorts,
};

static size_t read_places(const char *json, int64_t places[static MOST_COUNTRIES])
{
	json_t *list = json != NULL ? json_loads(json, 0, NULL) : NULL;
	size_t count = 0, index;
	json_t *place;
	json_array_foreach (list, index, place)
		if (count < MOST_COUNTRIES)
			places[count++] = json_integer_value(place);
	json_decref(list);
	return count;
}

static bool check_region(const struct command_input *in, struct problem *problem)
{
	int64_t places[MOST_COUNTRIES];
	const struct region_facts facts = {
		.has_parent = command_body_text(in, "parent_id") != NULL,
		.parent_status = rows_text(in->facts, "parent_status"),
		.is_below_itself = rows_bool(in->facts, "is_below_itself"),
		.depth = rows_int(in->facts, "depth"),
		.blocker_id = rows_text(in->facts, "blocker_id"),
		.taken_places = places,
		.taken_count = read_places(rows_text(in->facts, "taken_places"), places),
	};
	return region_check(&facts, in->request->arena, problem);
}

static bool decide_create(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	out->event = "region.created";
	return check_region(in, problem);
}

static bool decide_update(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	static const char *const plain[] = { "name", "parent_id", NULL };
	json_t *set = json_object(), *countries = json_object_get(in->body, "countries");
	json_object_set_new(out->fields, "set", set);
	patch_columns(in, set, plain);
	if (countries != NULL)
		json_object_set(out->fields, "countries", countries);
	out->event = "region.updated";
	return check_region(in, problem);
}

static bool decide_retire(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const struct transition *move = transition_require(region_transitions, "region", "retire",
		"retired", command_before_text(in, "status"), problem);
	if (move == NULL)
		return false;
	if (!rows_bool(in->facts, "is_unused"))
		return problem_set(problem, PROBLEM_region_in_use,
			"Regions lie below it, or somebody has it, now or later.");
	json_object_set_new(out->fields, "set", json_pack("{s:s}", "status", move->to));
	out->event = "region.retired";
	return true;
}

const struct endpoint region_endpoints[] = {
	{ .operation_id = "listRegions", .list = &region_list },
	{ .operation_id = "getRegion", .resource = &region_resource, .get = true },
	{ .operation_id = "createRegion",
		.resource = &region_resource,
		.facts = "region_facts",
		.decide = decide_create,
		.write = "region_create",
		.creates = true },
	{ .operation_id = "updateRegion",
		.resource = &region_resource,
		.facts = "region_facts",
		.decide = decide_update,
		.write = "region_change" },
	{ .operation_id = "retireRegion",
		.resource = &region_resource,
		.facts = "region_retire_facts",
		.decide = decide_retire,
		.write = "region_change" },
	{ 0 },
};
