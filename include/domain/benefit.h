/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Benefits: what an entry of the catalogue may say, what value a tier may give it, and whether one
 * value is worse for the partner than another.
 */
#ifndef PARTNERD_DOMAIN_BENEFIT_H
#define PARTNERD_DOMAIN_BENEFIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/problem.h"

#define BENEFIT_MAX_CHOICES 20

enum benefit_kind { BENEFIT_BOOLEAN, BENEFIT_NUMBER, BENEFIT_BPS, BENEFIT_TEXT, BENEFIT_CHOICE };

/* Which of two values a partner would rather have. */
enum benefit_better { BETTER_NOT_SAID, BETTER_HIGHER, BETTER_LOWER };

struct benefit {
	const char *key;
	enum benefit_kind kind;
	enum benefit_better better;
	const char *unit;                         /* NULL: none */
	const char *choices[BENEFIT_MAX_CHOICES]; /* from low to high */
	size_t choice_count;
	bool is_retired;
};

enum value_type { VALUE_BOOLEAN, VALUE_INTEGER, VALUE_STRING };

struct benefit_value {
	enum value_type type;
	int64_t number;   /* a boolean is 0 or 1 */
	const char *text; /* VALUE_STRING */
};

bool benefit_kind_parse(const char *text, enum benefit_kind *ret_kind);
/* NULL and "" are BETTER_NOT_SAID. */
enum benefit_better benefit_better_parse(const char *text);

/* An entry of the catalogue as it would be written: pointers #/unit, #/choices, #/better. */
bool benefit_check(const struct benefit *benefit, struct arena *arena, struct problem *problem);

/* The value fits the entry, else a violation at `where`. */
bool benefit_value_check(const struct benefit *benefit, const struct benefit_value *value,
	const char *where, struct arena *arena, struct problem *problem);

/* 1: `after` is better for the partner than `before`; 0: the same; -1: worse, or nobody can say. */
int benefit_compare(const struct benefit *benefit, const struct benefit_value *before,
	const struct benefit_value *after);

/* What a partner shall be entitled to otherwise than by its tier, from one instant to another. */
struct benefit_override {
	const char *partner_status; /* NULL: there is no such partner */
	bool has_benefit;
	struct benefit benefit;
	bool takes_away; /* there is no value: the benefit is withheld */
	struct benefit_value value;
	int64_t now_us, valid_from_us, valid_until_us;
	const char *blocker_id; /* of another override of the benefit in that time, or NULL */
};

/* References, value and period at their pointers; then whether the partner can be given anything,
 * and whether the time is free (`already_exists`). */
bool benefit_override_check(
	const struct benefit_override *override, struct arena *arena, struct problem *problem);

#endif
