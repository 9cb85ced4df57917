/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values are compared on one scale: a boolean as 0 and 1, a choice by its place in the list. Text
 * has no scale, so any other text counts as worse: the partner then gets the notice.
 */
#include "domain/benefit.h"

#include <string.h>

#define WHOLE_BPS    10000
#define NOT_A_CHOICE (-1)

static const char *const kinds[] = { "boolean", "number", "bps", "text", "choice" };
#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

bool benefit_kind_parse(const char *text, enum benefit_kind *ret_kind)
{
	for (size_t i = 0; i < KIND_COUNT; i++) {
		if (strcmp(kinds[i], text) == 0) {
			*ret_kind = (enum benefit_kind)i;
			return true;
		}
	}
	return false;
}

enum benefit_better benefit_better_parse(const char *text)
{
	if (!text || !*text)
		return BETTER_NOT_SAID;
	return strcmp(text, "lower") == 0 ? BETTER_LOWER : BETTER_HIGHER;
}

/* ---- the catalogue ---- */

static void check_choices(
	const struct benefit *benefit, struct arena *arena, struct problem *problem)
{
	if (benefit->kind == BENEFIT_CHOICE && benefit->choice_count == 0)
		problem_add(problem, arena, PLACE_POINTER, "#/choices", VIOLATION_required,
			"A choice needs choices, from low to high.");
	if (benefit->kind != BENEFIT_CHOICE && benefit->choice_count > 0)
		problem_add(problem, arena, PLACE_POINTER, "#/choices", VIOLATION_inconsistent,
			"Only a choice has choices.");
	for (size_t i = 1; i < benefit->choice_count; i++) {
		for (size_t j = 0; j < i; j++) {
			if (strcmp(benefit->choices[i], benefit->choices[j]) == 0)
				problem_add(problem, arena, PLACE_POINTER,
					arena_printf(arena, "#/choices/%zu", i),
					VIOLATION_not_unique, "The choice is there already.");
		}
	}
}

bool benefit_check(const struct benefit *benefit, struct arena *arena, struct problem *problem)
{
	size_t before = problem->violation_count;

	if (benefit->unit && benefit->kind != BENEFIT_NUMBER)
		problem_add(problem, arena, PLACE_POINTER, "#/unit", VIOLATION_inconsistent,
			"Only a number has a unit.");
	if (benefit->better != BETTER_NOT_SAID && benefit->kind == BENEFIT_TEXT)
		problem_add(problem, arena, PLACE_POINTER, "#/better", VIOLATION_inconsistent,
			"No text is better than another.");
	check_choices(benefit, arena, problem);
	return problem->violation_count == before;
}

/* ---- values ---- */

static enum value_type type_of(enum benefit_kind kind)
{
	switch (kind) {
	case BENEFIT_BOOLEAN: return VALUE_BOOLEAN;
	case BENEFIT_NUMBER:
	case BENEFIT_BPS: return VALUE_INTEGER;
	case BENEFIT_TEXT:
	case BENEFIT_CHOICE: break;
	}
	return VALUE_STRING;
}

static int64_t choice_index(const struct benefit *benefit, const char *text)
{
	for (size_t i = 0; i < benefit->choice_count; i++)
		if (strcmp(benefit->choices[i], text) == 0)
			return (int64_t)i;
	return NOT_A_CHOICE;
}

bool benefit_value_check(const struct benefit *benefit, const struct benefit_value *value,
	const char *where, struct arena *arena, struct problem *problem)
{
	static const char *const wanted[] = { "true or false", "an integer", "basis points", "text",
		"one of the choices" };
	enum violation_code code = VIOLATION_wrong_type;
	bool fits = value->type == type_of(benefit->kind);

	if (fits && benefit->kind == BENEFIT_CHOICE) {
		fits = choice_index(benefit, value->text) != NOT_A_CHOICE;
		code = VIOLATION_invalid_choice;
	}
	if (fits && benefit->kind == BENEFIT_BPS &&
		(value->number < 0 || value->number > WHOLE_BPS)) {
		fits = false;
		code = value->number < 0 ? VIOLATION_too_small : VIOLATION_too_large;
	}
	if (!fits)
		problem_add(problem, arena, PLACE_POINTER, where, code,
			"The benefit '%s' takes %s.", benefit->key, wanted[benefit->kind]);
	return fits;
}

static int64_t scale_of(const struct benefit *benefit, const struct benefit_value *value)
{
	return benefit->kind == BENEFIT_CHOICE && value->type == VALUE_STRING
		       ? choice_index(benefit, value->text)
		       : value->number;
}

static bool same_value(const struct benefit_value *a, const struct benefit_value *b)
{
	if (a->type != b->type)
		return false;
	return a->type == VALUE_STRING ? strcmp(a->text, b->text) == 0 : a->number == b->number;
}

int benefit_compare(const struct benefit *benefit, const struct benefit_value *before,
	const struct benefit_value *after)
{
	if (same_value(before, after))
		return 0;
	if (benefit->better == BETTER_NOT_SAID || benefit->kind == BENEFIT_TEXT ||
		before->type != type_of(benefit->kind) || after->type != before->type)
		return -1;
	bool is_higher = scale_of(benefit, after) > scale_of(benefit, before);
	return is_higher == (benefit->better == BETTER_HIGHER) ? 1 : -1;
}

/* ---- overrides ---- */

static void check_override_value(
	const struct benefit_override *override, struct arena *arena, struct problem *problem)
{
	if (!override->has_benefit)
		problem_add(problem, arena, PLACE_POINTER, "#/benefit_id",
			VIOLATION_reference_not_found, "There is no such benefit.");
	else if (override->benefit.is_retired)
		problem_add(problem, arena, PLACE_POINTER, "#/benefit_id", VIOLATION_inconsistent,
			"The benefit is retired.");
	else if (!override->takes_away)
		(void)benefit_value_check(
			&override->benefit, &override->value, "#/value", arena, problem);
}

static void check_override_period(
	const struct benefit_override *override, struct arena *arena, struct problem *problem)
{
	if (override->valid_from_us < override->now_us)
		problem_add(problem, arena, PLACE_POINTER, "#/valid_from", VIOLATION_too_small,
			"Not before now: what was, stays.");
	if (override->valid_until_us <= override->valid_from_us)
		problem_add(problem, arena, PLACE_POINTER, "#/valid_until", VIOLATION_inconsistent,
			"The override must end after it begins.");
}

bool benefit_override_check(
	const struct benefit_override *override, struct arena *arena, struct problem *problem)
{
	if (!override->partner_status)
		problem_add(problem, arena, PLACE_POINTER, "#/partner_id",
			VIOLATION_reference_not_found, "There is no such partner.");
	check_override_value(override, arena, problem);
	check_override_period(override, arena, problem);
	if (problem->is_set || !override->partner_status)
		return false;
	if (strcmp(override->partner_status, "terminated") == 0)
		return problem_set(problem, PROBLEM_partner_not_active,
			"A terminated partner is entitled to nothing.");
	if (!override->blocker_id)
		return true;
	problem_set(problem, PROBLEM_already_exists,
		"The benefit is overridden for the partner in that time already.");
	problem_add(problem, arena, PLACE_POINTER, "#/benefit_id", VIOLATION_not_unique,
		"End the other override first.");
	problem->resource_id = arena_strdup(arena, override->blocker_id);
	return false;
}
