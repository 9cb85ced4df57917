/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields that a program defines beyond what every deal has: what a definition must be, and what a
 * value must be to fit its definition. Values come as they were written; where each stands is said
 * by the caller.
 */
#ifndef PARTNERD_DOMAIN_CUSTOM_FIELD_H
#define PARTNERD_DOMAIN_CUSTOM_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/problem.h"

#define FIELD_KINDS(X) X(text) X(integer) X(number) X(boolean) X(date) X(choice) X(multi_choice)

#define FIELD_MAX_CHOICES 100

enum field_kind {
#define FIELD_KIND_ENUM(name) FIELD_##name,
	FIELD_KINDS(FIELD_KIND_ENUM)
#undef FIELD_KIND_ENUM
		FIELD_KIND_COUNT
};

bool field_kind_parse(const char *text, enum field_kind *ret_kind);

struct field_definition {
	const char *key;
	enum field_kind kind;
	bool is_required;
	bool is_vendors; /* partners neither see nor write it */
	const char *const *choices;
	size_t choice_count;
};

/* Choices where the kind has them and nowhere else; partners are asked only for what they see. */
bool field_definition_check(
	const struct field_definition *definition, struct arena *arena, struct problem *problem);

enum given_type {
	GIVEN_NULL,
	GIVEN_TEXT,
	GIVEN_INTEGER,
	GIVEN_REAL,
	GIVEN_BOOLEAN,
};

struct field_value {
	const char *key;
	const char *where; /* "#/custom_fields/campaign" */
	enum given_type type;
	const char *text;
};

/* What a set of values has to hold beside fitting values. */
enum field_duty {
	FIELDS_OPTIONAL, /* a draft */
	FIELDS_KEPT,     /* a patch: what is required is not taken away */
	FIELDS_COMPLETE, /* a registration: what is required is there */
};

struct field_set {
	const struct field_definition *definitions;
	size_t definition_count;
	bool is_free; /* nothing is defined: any name goes with a scalar */
	enum field_duty duty;
	const char *where; /* "#/custom_fields" */
};

/* Every value that is not as its definition says, every name that is not defined, and every
 * required one that is missing, all at once. */
bool field_values_check(const struct field_set *set, const struct field_value *values, size_t count,
	struct arena *arena, struct problem *problem);

#endif
