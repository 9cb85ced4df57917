/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of the hierarchy; sql/functions/relations.sql asks again, one writer after the other.
 */
#include "domain/relation.h"

#include <string.h>

static void refuse(struct arena *arena, const char *where, enum violation_code code,
	const char *detail, struct problem *problem)
{
	problem_add(problem, arena, PLACE_POINTER, where, code, "%s", detail);
}

static void check_partner(
	const char *status, const char *where, struct arena *arena, struct problem *problem)
{
	if (status == NULL)
		refuse(arena, where, VIOLATION_reference_not_found, "There is no such partner.",
			problem);
	else if (strcmp(status, "terminated") == 0)
		refuse(arena, where, VIOLATION_inconsistent, "The partner is terminated.", problem);
}

static void check_period(
	const struct relation_facts *facts, struct arena *arena, struct problem *problem)
{
	if (facts->starts_us < facts->now_us)
		refuse(arena, "#/starts_at", VIOLATION_too_small,
			"Who was above whom in the past stays as it was.", problem);
	if (facts->ends_us != 0 && facts->ends_us <= facts->starts_us)
		refuse(arena, "#/ends_at", VIOLATION_too_small, "The end is after the start.",
			problem);
}

bool relation_begin(
	const struct relation_facts *facts, struct arena *arena, struct problem *problem)
{
	check_partner(facts->child_status, "#/partner_id", arena, problem);
	check_partner(facts->parent_status, "#/parent_id", arena, problem);
	if (facts->parent_type != NULL && strcmp(facts->parent_type, "distributor") != 0)
		refuse(arena, "#/parent_id", VIOLATION_inconsistent,
			"Only a distributor has partners below it.", problem);
	else if (facts->makes_circle)
		refuse(arena, "#/parent_id", VIOLATION_inconsistent,
			"The partner would be above itself.", problem);
	check_period(facts, arena, problem);
	return !problem->is_set;
}

bool relation_end(const struct relation_facts *facts, int64_t wanted_us, struct arena *arena,
	struct problem *problem)
{
	if (wanted_us < facts->now_us)
		refuse(arena, "#/ends_at", VIOLATION_too_small,
			"Who was above whom in the past stays as it was.", problem);
	else if (facts->ends_us != 0 && wanted_us > facts->ends_us)
		refuse(arena, "#/ends_at", VIOLATION_too_large, "It ends before that already.",
			problem);
	return !problem->is_set;
}
