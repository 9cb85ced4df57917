/* SPDX-License-Identifier: Apache-2.0 */
/* When protection may be extended. A refusal names the first thing that stands in the way. */
#include "domain/extension.h"

#include <inttypes.h>
#include <string.h>

static bool days_fit(
	const struct extension_facts *facts, struct arena *arena, struct problem *problem)
{
	if (facts->days <= facts->extension_days)
		return true;
	problem_add(problem, arena, PLACE_POINTER, "#/days", VIOLATION_too_large,
		"The program extends by %" PRId64 " days at most.", facts->extension_days);
	return false;
}

static bool deal_is_approved(const struct extension_facts *facts, struct problem *problem)
{
	if (strcmp(facts->deal_status, "approved") == 0)
		return true;
	return problem_set(problem, PROBLEM_deal_not_protected,
		"The deal is %s: there is no protection to extend.", facts->deal_status);
}

static bool is_first_open(
	const struct extension_facts *facts, struct arena *arena, struct problem *problem)
{
	if (!facts->open_id)
		return true;
	problem->resource_id = arena_strdup(arena, facts->open_id);
	problem_set(problem, PROBLEM_already_exists,
		"An extension of this deal waits for its decision.");
	problem_add(problem, arena, PLACE_POINTER, "#/deal_id", VIOLATION_not_unique,
		"One extension at a time.");
	return false;
}

bool extension_request(
	const struct extension_facts *facts, struct arena *arena, struct problem *problem)
{
	if (!facts->deal_status) {
		problem_add(problem, arena, PLACE_POINTER, "#/deal_id",
			VIOLATION_reference_not_found, "There is no such deal.");
		return false;
	}
	if (!days_fit(facts, arena, problem) || !deal_is_approved(facts, problem))
		return false;
	if (strcmp(facts->partner_status, "active") != 0)
		return problem_set(problem, PROBLEM_partner_not_active,
			"The partner must be active to ask for an extension, but it is %s.",
			facts->partner_status);
	if (!is_first_open(facts, arena, problem))
		return false;
	if (facts->now_us >= facts->ends_us)
		return problem_set(problem, PROBLEM_deal_not_protected,
			"An extension is asked for before protection ends.");
	if (facts->extension_days == 0)
		return problem_set(problem, PROBLEM_extension_limit_reached,
			"The program does not extend protection.");
	if (facts->granted >= facts->max_extensions)
		return problem_set(problem, PROBLEM_extension_limit_reached,
			"The deal was extended %" PRId64 " times, and the program allows %" PRId64
			".",
			facts->granted, facts->max_extensions);
	return true;
}

bool extension_grant(
	const struct extension_facts *facts, struct arena *arena, struct problem *problem)
{
	if (!days_fit(facts, arena, problem))
		return false;
	if (facts->extends_us > facts->now_us)
		return deal_is_approved(facts, problem);
	problem_add(problem, arena, PLACE_POINTER, "#/days", VIOLATION_too_small,
		"Counted from the end of protection, these days are over.");
	return false;
}
