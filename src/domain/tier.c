/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notice protects the partners who are in a tier: whatever takes something from them is announced
 * in time, whatever only gives may begin at once. What cannot be compared counts as taken. Raise
 * TIER_RULES_VERSION whenever the same facts would give another answer.
 */
#include "domain/tier.h"

#include <string.h>

#define TIER_RULES_VERSION 1

/* ---- terms ---- */

static void check_benefits(
	const struct tier_terms *terms, struct arena *arena, struct problem *problem)
{
	for (size_t i = 0; i < terms->benefit_count; i++) {
		const struct tier_benefit *benefit = &terms->benefits[i];
		const char *key = arena_printf(arena, "#/benefits/%zu/key", i);

		if (!benefit->entry || benefit->entry->is_retired) {
			problem_add(problem, arena, PLACE_POINTER, key,
				VIOLATION_reference_not_found,
				"The catalogue has no active benefit '%s'.", benefit->key);
			continue;
		}
		benefit_value_check(benefit->entry, &benefit->value,
			arena_printf(arena, "#/benefits/%zu/value", i), arena, problem);
		for (size_t j = 0; j < i; j++)
			if (strcmp(terms->benefits[j].key, benefit->key) == 0)
				problem_add(problem, arena, PLACE_POINTER, key,
					VIOLATION_not_unique, "The benefit is there already.");
	}
}

static bool same_measure(const struct tier_requirement *a, const struct tier_requirement *b)
{
	return strcmp(a->metric, b->metric) == 0 && a->is_most == b->is_most &&
	       a->window_days == b->window_days;
}

static void check_window(const struct metric *metric, const struct tier_requirement *requirement,
	size_t index, struct arena *arena, struct problem *problem)
{
	const char *where = arena_printf(arena, "#/requirements/%zu/window_days", index);

	if (metric->window == WINDOW_REQUIRED && requirement->window_days == 0)
		problem_add(problem, arena, PLACE_POINTER, where, VIOLATION_required,
			"The metric '%s' is taken over a number of days.", metric->key);
	if (metric->window == WINDOW_NONE && requirement->window_days != 0)
		problem_add(problem, arena, PLACE_POINTER, where, VIOLATION_inconsistent,
			"The metric '%s' is taken as of now: window_days is null.", metric->key);
}

static void check_requirement(
	const struct tier_terms *terms, size_t index, struct arena *arena, struct problem *problem)
{
	const struct tier_requirement *requirement = &terms->requirements[index];
	const struct metric *metric = metric_find(requirement->metric);
	const char *name = arena_printf(arena, "#/requirements/%zu/metric", index);
	const char *value = arena_printf(arena, "#/requirements/%zu/value", index);

	if (!metric) {
		problem_add(problem, arena, PLACE_POINTER, name, VIOLATION_invalid_choice,
			"There is no metric '%s'.", requirement->metric);
		return;
	}
	if (requirement->value < metric_least(metric))
		problem_add(problem, arena, PLACE_POINTER, value, VIOLATION_too_small,
			"The metric '%s' is never below %lld.", metric->key,
			(long long)metric_least(metric));
	if (requirement->value > metric_most(metric))
		problem_add(problem, arena, PLACE_POINTER, value, VIOLATION_too_large,
			"The metric '%s' is never above %lld.", metric->key,
			(long long)metric_most(metric));
	check_window(metric, requirement, index, arena, problem);
	for (size_t i = 0; i < index; i++)
		if (same_measure(&terms->requirements[i], requirement))
			problem_add(problem, arena, PLACE_POINTER, name, VIOLATION_not_unique,
				"The metric is required already, in the same way.");
}

bool tier_terms_check(const struct tier_terms *terms, int64_t program_cap_bps, struct arena *arena,
	struct problem *problem)
{
	size_t before = problem->violation_count;

	margin_band_check(&terms->band, program_cap_bps, arena, problem);
	check_benefits(terms, arena, problem);
	for (size_t i = 0; i < terms->requirement_count; i++)
		check_requirement(terms, i, arena, problem);
	return problem->violation_count == before;
}

/* ---- the difference ---- */

static void note(struct tier_difference *difference, const char *member, int effect, int *count)
{
	if (effect == 0)
		return;
	*count += effect < 0;
	if (difference->change_count < TIER_MAX_CHANGES)
		difference->changes[difference->change_count++] =
			(struct tier_change){ member, effect };
}

static int sign(int64_t value)
{
	return (value > 0) - (value < 0);
}

static void compare_bands(const struct margin_band *before, const struct margin_band *after,
	struct tier_difference *difference)
{
	int *count = &difference->bands_lower;

	note(difference, "floor_bps", sign(after->floor_bps - before->floor_bps), count);
	note(difference, "base_bps", sign(after->base_bps - before->base_bps), count);
	note(difference, "cap_bps", sign(after->cap_bps - before->cap_bps), count);
}

static const struct tier_benefit *find_benefit(const struct tier_terms *terms, const char *key)
{
	for (size_t i = 0; i < terms->benefit_count; i++)
		if (strcmp(terms->benefits[i].key, key) == 0)
			return &terms->benefits[i];
	return NULL;
}

static int benefit_effect(const struct tier_benefit *before, const struct tier_benefit *after)
{
	struct benefit unknown = { .key = before->key };

	if (!after)
		return -1;
	return benefit_compare(
		before->entry ? before->entry : &unknown, &before->value, &after->value);
}

static void compare_benefits(const struct tier_terms *before, const struct tier_terms *after,
	struct tier_difference *difference)
{
	int *count = &difference->benefits_worse;

	for (size_t i = 0; i < before->benefit_count; i++) {
		const struct tier_benefit *had = &before->benefits[i];

		note(difference, had->key, benefit_effect(had, find_benefit(after, had->key)),
			count);
	}
	for (size_t i = 0; i < after->benefit_count; i++)
		if (!find_benefit(before, after->benefits[i].key))
			note(difference, after->benefits[i].key, 1, count);
}

static const struct tier_requirement *find_requirement(
	const struct tier_terms *terms, const struct tier_requirement *wanted)
{
	for (size_t i = 0; i < terms->requirement_count; i++)
		if (same_measure(&terms->requirements[i], wanted))
			return &terms->requirements[i];
	return NULL;
}

static void compare_requirements(const struct tier_terms *before, const struct tier_terms *after,
	struct tier_difference *difference)
{
	int *count = &difference->requirements_harder;

	for (size_t i = 0; i < after->requirement_count; i++) {
		const struct tier_requirement *now = &after->requirements[i],
					      *was = find_requirement(before, now);
		int easier = !was ? -1 : sign(was->value - now->value);

		note(difference, now->metric, was && now->is_most ? -easier : easier, count);
	}
	for (size_t i = 0; i < before->requirement_count; i++)
		if (!find_requirement(after, &before->requirements[i]))
			note(difference, before->requirements[i].metric, 1, count);
}

void tier_compare(const struct tier_terms *before, const struct tier_terms *after,
	struct tier_difference *ret_difference)
{
	*ret_difference = (struct tier_difference){ 0 };
	compare_bands(&before->band, &after->band, ret_difference);
	compare_benefits(before, after, ret_difference);
	compare_requirements(before, after, ret_difference);
}

bool tier_favours_partner(const struct tier_difference *difference)
{
	return difference->bands_lower == 0 && difference->benefits_worse == 0 &&
	       difference->requirements_harder == 0;
}

/* ---- publication ---- */

static void explain_difference(const struct tier_publication *publication,
	const struct tier_difference *difference, struct explanation *explanation)
{
	const struct margin_band *before = &publication->before->band,
				 *after = &publication->after->band;

	explain_add(explanation, "floor", "bps", before->floor_bps, after->floor_bps,
		"A lower floor is against the partner.");
	explain_add(explanation, "base", "bps", before->base_bps, after->base_bps,
		"A lower base is against the partner.");
	explain_add(explanation, "cap", "bps", before->cap_bps, after->cap_bps,
		"A lower cap is against the partner.");
	explain_add(explanation, "benefits_worse", NULL, 0, difference->benefits_worse,
		"Benefits that are taken away or given a value that is not known to be better.");
	explain_add(explanation, "requirements_harder", NULL, 0, difference->requirements_harder,
		"Requirements that are new or ask for more.");
}

/* From when the terms may hold. */
static int64_t earliest_us(const struct tier_publication *publication,
	const struct tier_difference *difference, struct explanation *explanation)
{
	bool needs_notice = publication->before && !tier_favours_partner(difference);
	int64_t earliest = needs_notice ? publication->notice_ends_us : publication->now_us;

	if (!publication->before)
		explain_add(explanation, "notice", "days", publication->notice_days, 0,
			"The first terms of a tier need no notice.");
	else if (needs_notice)
		explain_add(explanation, "notice", "days", 0, publication->notice_days,
			"Something is against the partner: the terms are announced in time.");
	else
		explain_add(explanation, "notice", "days", publication->notice_days, 0,
			"Every change favours the partner: no notice is needed.");
	return earliest > publication->last_from_us ? earliest : publication->last_from_us;
}

bool tier_publish_decide(const struct tier_publication *publication, int64_t *ret_effective_us,
	struct tier_difference *ret_difference, struct explanation *ret_explanation,
	struct arena *arena, struct problem *problem)
{
	*ret_difference = (struct tier_difference){ 0 };
	*ret_explanation = (struct explanation){
		.rule_set = "tier_publication",
		.rule_set_version = TIER_RULES_VERSION,
	};
	if (publication->before) {
		tier_compare(publication->before, publication->after, ret_difference);
		explain_difference(publication, ret_difference, ret_explanation);
	}
	int64_t earliest = earliest_us(publication, ret_difference, ret_explanation);
	*ret_effective_us = publication->has_wanted ? publication->wanted_us : earliest;
	if (*ret_effective_us >= earliest)
		return true;
	if (publication->wanted_us < publication->now_us)
		problem_add(problem, arena, PLACE_POINTER, "#/effective_at", VIOLATION_too_small,
			"Terms do not begin in the past.");
	else if (publication->wanted_us < publication->last_from_us)
		problem_add(problem, arena, PLACE_POINTER, "#/effective_at", VIOLATION_too_small,
			"The terms published last begin later than that.");
	else
		problem_add(problem, arena, PLACE_POINTER, "#/effective_at", VIOLATION_too_small,
			"%d benefits, %d requirements and %d margins are worse for the partners: "
			"such terms need a notice of %lld days.",
			ret_difference->benefits_worse, ret_difference->requirements_harder,
			ret_difference->bands_lower, (long long)publication->notice_days);
	return false;
}

/* ---- tiers beside each other ---- */

static bool meet(const struct tier_standing *a, const struct tier_standing *b)
{
	return a->from_us < b->until_us && b->from_us < a->until_us;
}

static const char *place(const char *where, const char *member, struct arena *arena)
{
	return strcmp(where, "#/rank") == 0
		       ? where
		       : arena_printf(arena, "%s/margin_band/%s", where, member);
}

/* Terms that are announced often keep the bound of those in force: that is said once. */
static void refuse_bound(struct problem *problem, size_t before, struct arena *arena,
	const char *where, const char *detail)
{
	for (size_t i = before; i < problem->violation_count; i++)
		if (strcmp(problem->violations[i].where, where) == 0 &&
			strcmp(problem->violations[i].detail, detail) == 0)
			return;
	problem_add(problem, arena, PLACE_POINTER, where, VIOLATION_inconsistent, "%s", detail);
}

bool tier_bands_check(const struct tier_standing *own, const struct tier_standing *others,
	size_t other_count, const char *where, struct arena *arena, struct problem *problem)
{
	size_t before = problem->violation_count;

	for (size_t i = 0; i < other_count; i++) {
		const struct tier_standing *other = &others[i];

		if (!meet(own, other))
			continue;
		if (other->rank < own->rank && own->band.floor_bps < other->band.cap_bps)
			refuse_bound(problem, before, arena, place(where, "floor_bps", arena),
				arena_printf(arena,
					"The band of the lower tier '%s' reaches %lld basis "
					"points.",
					other->name, (long long)other->band.cap_bps));
		if (other->rank > own->rank && own->band.cap_bps > other->band.floor_bps)
			refuse_bound(problem, before, arena, place(where, "cap_bps", arena),
				arena_printf(arena,
					"The band of the higher tier '%s' begins at %lld basis "
					"points.",
					other->name, (long long)other->band.floor_bps));
	}
	return problem->violation_count == before;
}
