/* SPDX-License-Identifier: Apache-2.0 */
/* Regions and territories (see territory.h). Cases stand in tests/unit/domain/cases/region.tsv,
 * territory.tsv and territory_end.tsv. */
#include "domain/territory.h"

#include <inttypes.h>
#include <string.h>

const struct transition region_transitions[] = {
	{ "retire", "active", "retired" },
	{ NULL, NULL, NULL },
};

const struct transition territory_transitions[] = {
	{ "end", "scheduled active", NULL },
	{ NULL, NULL, NULL },
};

static void check_parent(
	const struct region_facts *facts, struct arena *arena, struct problem *problem)
{
	if (!facts->has_parent)
		return;
	if (!facts->parent_status)
		problem_add(problem, arena, PLACE_POINTER, "#/parent_id",
			VIOLATION_reference_not_found, "There is no such region.");
	else if (strcmp(facts->parent_status, "active") != 0)
		problem_add(problem, arena, PLACE_POINTER, "#/parent_id", VIOLATION_inconsistent,
			"The region is retired.");
	else if (facts->is_below_itself)
		problem_add(problem, arena, PLACE_POINTER, "#/parent_id", VIOLATION_inconsistent,
			"A region cannot lie below itself.");
	else if (facts->depth > REGION_MOST_DEPTH)
		problem_add(problem, arena, PLACE_POINTER, "#/parent_id", VIOLATION_inconsistent,
			"The tree has at most %d levels; this would make %" PRId64 ".",
			REGION_MOST_DEPTH, facts->depth);
}

bool region_check(const struct region_facts *facts, struct arena *arena, struct problem *problem)
{
	check_parent(facts, arena, problem);
	for (size_t i = 0; i < facts->taken_count; i++)
		problem_add(problem, arena, PLACE_POINTER,
			arena_printf(arena, "#/countries/%" PRId64, facts->taken_places[i]),
			VIOLATION_not_unique, "The country lies in another region.");
	if (problem->is_set || !facts->blocker_id)
		return !problem->is_set;
	problem_set(problem, PROBLEM_territory_taken,
		"There, an assignment of this region or below would overlap with an exclusive "
		"one.");
	problem_add(problem, arena, PLACE_POINTER, "#/parent_id", VIOLATION_not_unique,
		"An exclusive assignment stands in the way.");
	problem->resource_id = arena_strdup(arena, facts->blocker_id);
	return false;
}

static void check_references(
	const struct territory_facts *facts, struct arena *arena, struct problem *problem)
{
	if (!facts->partner_status)
		problem_add(problem, arena, PLACE_POINTER, "#/partner_id",
			VIOLATION_reference_not_found, "There is no such partner.");
	if (!facts->region_status)
		problem_add(problem, arena, PLACE_POINTER, "#/region_id",
			VIOLATION_reference_not_found, "There is no such region.");
	else if (strcmp(facts->region_status, "active") != 0)
		problem_add(problem, arena, PLACE_POINTER, "#/region_id", VIOLATION_inconsistent,
			"The region is retired.");
	if (facts->has_product && !facts->product_status)
		problem_add(problem, arena, PLACE_POINTER, "#/product_id",
			VIOLATION_reference_not_found, "There is no such product.");
	else if (facts->has_product && strcmp(facts->product_status, "active") != 0)
		problem_add(problem, arena, PLACE_POINTER, "#/product_id", VIOLATION_inconsistent,
			"The product is retired.");
}

static bool refuse_taken(
	const struct territory_facts *facts, struct arena *arena, struct problem *problem)
{
	if (facts->is_blocked_by_own) {
		problem_set(problem, PROBLEM_already_exists,
			"The partner has this in that time already.");
		problem_add(problem, arena, PLACE_POINTER, "#/region_id", VIOLATION_not_unique,
			"The partner has it already.");
	} else {
		problem_set(problem, PROBLEM_territory_taken,
			"The assignment would overlap with one that is exclusive, or with another "
			"partner's where it is to be exclusive itself.");
		problem_add(problem, arena, PLACE_POINTER, "#/region_id", VIOLATION_not_unique,
			"The region is not free for this product and time.");
	}
	problem->resource_id = arena_strdup(arena, facts->blocker_id);
	return false;
}

bool territory_check(
	const struct territory_facts *facts, struct arena *arena, struct problem *problem)
{
	check_references(facts, arena, problem);
	if (facts->has_end && facts->valid_to_us <= facts->valid_from_us)
		problem_add(problem, arena, PLACE_POINTER, "#/valid_to", VIOLATION_inconsistent,
			"The assignment must end after it begins.");
	if (problem->is_set)
		return false;
	if (strcmp(facts->partner_status, "terminated") == 0)
		return problem_set(problem, PROBLEM_partner_not_active,
			"A terminated partner cannot be given a territory.");
	return !facts->blocker_id || refuse_taken(facts, arena, problem);
}

bool territory_ends_at(const struct territory_end *end, const char *where, struct arena *arena,
	int64_t *ret_ends_us, struct problem *problem)
{
	int64_t ends_us = end->is_wanted ? end->wanted_us : end->now_us;

	if (ends_us < end->now_us) {
		problem_add(problem, arena, PLACE_POINTER, where, VIOLATION_too_small,
			"Not before now: what was, stays.");
		return false;
	}
	if (end->has_end && ends_us > end->valid_to_us) {
		problem_add(problem, arena, PLACE_POINTER, where, VIOLATION_too_large,
			"The assignment ends before that.");
		return false;
	}
	*ret_ends_us = ends_us < end->valid_from_us ? end->valid_from_us : ends_us;
	return true;
}
