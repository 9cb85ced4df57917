/* SPDX-License-Identifier: Apache-2.0 */
/* Whose a region is, for what and from when to when. The vendor decides; a partner sees its own. */
#include <string.h>

#include "base/clock.h"
#include "domain/territory.h"
#include "resources.h"

static const struct resource territory_resource = {
	.object = "territory_assignment",
	.shape = "territory_assignment_shape",
	.path = "/v1/territory-assignments/",
	.transitions = territory_transitions,
};

#define VALID_AT "s.valid_from <= {} and (s.valid_to is null or s.valid_to > {})"
/* The region is, or lies above, the one that has the country. */
#define COVERS                                                                                  \
	"exists (select from region_countries c join regions r on r.program_id = c.program_id " \
	"and r.id = c.region_id where c.program_id = s._program_id and c.country = {} "         \
	"and starts_with(r.path, s._region_path))"

static const struct filter territory_filters[] = {
	{ .parameter = "status", .type = 't' },
	{ .parameter = "partner_id", .type = 'u' },
	{ .parameter = "region_id", .type = 'u' },
	{ .parameter = "product_id", .type = 'u' },
	{ .parameter = "country", .sql = COVERS, .type = 't' },
	{ .parameter = "is_exclusive", .type = 'b' },
	{ .parameter = "valid_at", .sql = VALID_AT, .type = 'z' },
	{ 0 },
};

static const struct sort territory_sorts[] = {
	{ .name = "valid_from", .column = "valid_from", .type = 'z' },
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list territory_list = {
	.resource = &territory_resource,
	.filters = territory_filters,
	.sorts = territory_sorts,
};

static const struct filter partner_filters[] = {
	{ .parameter = "partner_id", .type = 'u', .from_path = true },
	{ .parameter = "status", .type = 't' },
	{ .parameter = "valid_at", .sql = VALID_AT, .type = 'z' },
	{ 0 },
};

static const struct list partner_territory_list = {
	.resource = &territory_resource,
	.filters = partner_filters,
	.sorts = territory_sorts,
	.parent = &partner_resource,
};

static struct territory_facts read_facts(const struct command_input *in)
{
	return (struct territory_facts){
		.partner_status = rows_text(in->facts, "partner_status"),
		.region_status = rows_text(in->facts, "region_status"),
		.has_product = command_body_text(in, "product_id") != NULL,
		.product_status = rows_text(in->facts, "product_status"),
		.valid_from_us = rows_time(in->facts, "valid_from"),
		.valid_to_us = rows_time(in->facts, "valid_to"),
		.has_end = rows_text(in->facts, "valid_to") != NULL,
		.blocker_id = rows_text(in->facts, "blocker_id"),
		.is_blocked_by_own = rows_bool(in->facts, "is_blocked_by_own"),
	};
}

static bool decide_create(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const struct territory_facts facts = read_facts(in);
	out->event = "territory_assignment.created";
	return territory_check(&facts, in->request->arena, problem);
}

/* What was, stays: an end that is set anew lies ahead. */
static bool check_new_end(const struct command_input *in, struct problem *problem)
{
	const char *text = command_body_text(in, "valid_to");
	if (text == NULL || rows_time(in->facts, "valid_to") >= rows_time(in->facts, "now"))
		return true;
	problem_add(problem, in->request->arena, PLACE_POINTER, "#/valid_to", VIOLATION_too_small,
		"Not before now: what was, stays.");
	return false;
}

static bool decide_update(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	static const char *const plain[] = { "is_exclusive", "valid_to", "note", NULL };
	const struct territory_facts facts = read_facts(in);
	json_t *set = json_object();
	json_object_set_new(out->fields, "set", set);
	patch_columns(in, set, plain);
	out->event = "territory_assignment.updated";
	if (transition_find(territory_transitions, "end", command_before_text(in, "status")) ==
		NULL)
		return problem_set(problem, PROBLEM_invalid_transition,
			"An assignment that is over cannot be changed.");
	return check_new_end(in, problem) && territory_check(&facts, in->request->arena, problem);
}

static const char *instant_text(struct arena *arena, int64_t time_us)
{
	char text[TIME_TEXT_BYTES];
	time_format(time_us, text);
	return arena_printf(arena, "%.19s.%06dZ", text, (int)(time_us % CLOCK_SECOND_US));
}

static bool decide_end(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	struct arena *arena = in->request->arena;
	const char *wanted = command_body_text(in, "ends_at");
	struct territory_end end = {
		.now_us = rows_time(in->facts, "now"),
		.valid_from_us = rows_time(in->facts, "valid_from"),
		.valid_to_us = rows_time(in->facts, "valid_to"),
		.has_end = rows_text(in->facts, "valid_to") != NULL,
		.is_wanted = wanted != NULL,
	};
	int64_t ends_us;
	if (transition_require(territory_transitions, "assignment", "end", "ended",
		    command_before_text(in, "status"), problem) == NULL)
		return false;
	if (wanted != NULL && !time_parse(wanted, strlen(wanted), &end.wanted_us))
		return problem_set(problem, PROBLEM_internal, "An instant that was checked.");
	if (!territory_ends_at(&end, "#/ends_at", arena, &ends_us, problem))
		return false;
	json_object_set_new(out->fields, "set",
		json_pack("{s:s, s:s}", "valid_to", instant_text(arena, ends_us), "end_reason",
			command_body_text(in, "reason")));
	out->event = "territory_assignment.ended";
	return true;
}

const struct endpoint territory_endpoints[] = {
	{ .operation_id = "listTerritoryAssignments", .list = &territory_list },
	{ .operation_id = "listPartnerTerritories", .list = &partner_territory_list },
	{ .operation_id = "getTerritoryAssignment", .resource = &territory_resource, .get = true },
	{ .operation_id = "createTerritoryAssignment",
		.resource = &territory_resource,
		.facts = "territory_facts",
		.decide = decide_create,
		.write = "territory_create",
		.creates = true },
	{ .operation_id = "updateTerritoryAssignment",
		.resource = &territory_resource,
		.facts = "territory_facts",
		.decide = decide_update,
		.write = "territory_change" },
	{ .operation_id = "endTerritoryAssignment",
		.resource = &territory_resource,
		.facts = "territory_facts",
		.decide = decide_end,
		.write = "territory_change" },
	{ 0 },
};
