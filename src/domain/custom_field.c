/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One check for each kind, in a table by kind; a new kind is a word in FIELD_KINDS, a row there and
 * lines in tests/unit/domain/cases/custom_field_value.tsv. Lengths and ranges are the contract's.
 */
#include "domain/custom_field.h"

#include <string.h>

#include "base/clock.h"

static const char *const kind_names[] = {
#define FIELD_KIND_NAME(name) [FIELD_##name] = #name,
	FIELD_KINDS(FIELD_KIND_NAME)
#undef FIELD_KIND_NAME
};

/* What a value has wrong; NULL when nothing. */
struct fault {
	enum violation_code code;
	const char *detail;
};

static const struct fault no_fault = { VIOLATION_wrong_type, NULL };

bool field_kind_parse(const char *text, enum field_kind *ret_kind)
{
	for (int i = 0; i < FIELD_KIND_COUNT; i++) {
		if (strcmp(text, kind_names[i]) != 0)
			continue;
		*ret_kind = (enum field_kind)i;
		return true;
	}
	return false;
}

static bool has_choices(enum field_kind kind)
{
	return kind == FIELD_choice || kind == FIELD_multi_choice;
}

bool field_definition_check(
	const struct field_definition *definition, struct arena *arena, struct problem *problem)
{
	if (has_choices(definition->kind) && definition->choice_count == 0)
		problem_add(problem, arena, PLACE_POINTER, "#/choices", VIOLATION_required,
			"Say what there is to choose from.");
	if (!has_choices(definition->kind) && definition->choice_count > 0)
		problem_add(problem, arena, PLACE_POINTER, "#/choices", VIOLATION_inconsistent,
			"Only the kinds choice and multi_choice have choices.");
	if (definition->is_required && definition->is_vendors)
		problem_add(problem, arena, PLACE_POINTER, "#/is_required", VIOLATION_inconsistent,
			"Partners cannot fill in a field that they do not see.");
	return !problem->is_set;
}

static bool is_choice(const struct field_definition *definition, const char *text)
{
	for (size_t i = 0; i < definition->choice_count; i++)
		if (strcmp(definition->choices[i], text) == 0)
			return true;
	return false;
}

static struct fault check_text(
	const struct field_definition *definition, const struct field_value *value)
{
	(void)definition;
	if (value->type != GIVEN_TEXT)
		return (struct fault){ VIOLATION_wrong_type, "A text is wanted." };
	return no_fault;
}

static struct fault check_integer(
	const struct field_definition *definition, const struct field_value *value)
{
	(void)definition;
	if (value->type != GIVEN_INTEGER)
		return (struct fault){ VIOLATION_wrong_type, "A whole number is wanted." };
	return no_fault;
}

static struct fault check_number(
	const struct field_definition *definition, const struct field_value *value)
{
	(void)definition;
	if (value->type != GIVEN_INTEGER && value->type != GIVEN_REAL)
		return (struct fault){ VIOLATION_wrong_type, "A number is wanted." };
	return no_fault;
}

static struct fault check_boolean(
	const struct field_definition *definition, const struct field_value *value)
{
	(void)definition;
	if (value->type != GIVEN_BOOLEAN)
		return (struct fault){ VIOLATION_wrong_type, "True or false is wanted." };
	return no_fault;
}

static struct fault check_date(
	const struct field_definition *definition, const struct field_value *value)
{
	(void)definition;
	if (value->type != GIVEN_TEXT)
		return (struct fault){ VIOLATION_wrong_type, "A day is wanted." };
	if (!date_is_valid(value->text, strlen(value->text)))
		return (struct fault){ VIOLATION_invalid_format,
			"A day is written YYYY-MM-DD and exists." };
	return no_fault;
}

static struct fault check_choice(
	const struct field_definition *definition, const struct field_value *value)
{
	if (value->type != GIVEN_TEXT)
		return (struct fault){ VIOLATION_wrong_type, "One of the choices is wanted." };
	if (!is_choice(definition, value->text))
		return (struct fault){ VIOLATION_invalid_choice, "That is none of the choices." };
	return no_fault;
}

/* The next of the words between semicolons, and what is left behind it. */
static size_t next_word(const char **rest, const char **ret_word)
{
	size_t length = strcspn(*rest, ";");
	*ret_word = *rest;
	*rest += length + ((*rest)[length] == ';');
	return length;
}

static size_t choice_index(
	const struct field_definition *definition, const char *word, size_t length)
{
	size_t i = 0;
	while (i < definition->choice_count &&
		(strlen(definition->choices[i]) != length ||
			memcmp(definition->choices[i], word, length) != 0))
		i++;
	return i;
}

static struct fault check_multi_choice(
	const struct field_definition *definition, const struct field_value *value)
{
	bool is_taken[FIELD_MAX_CHOICES] = { false };
	if (value->type != GIVEN_TEXT)
		return (struct fault){ VIOLATION_wrong_type,
			"Choices are wanted, with semicolons between them." };
	for (const char *rest = value->text, *word; *rest != '\0';) {
		size_t length = next_word(&rest, &word);
		size_t index = choice_index(definition, word, length);
		if (index >= definition->choice_count || index >= FIELD_MAX_CHOICES)
			return (struct fault){ VIOLATION_invalid_choice,
				"Something in the list is none of the choices." };
		if (is_taken[index])
			return (struct fault){ VIOLATION_not_unique,
				"A choice is in the list twice." };
		is_taken[index] = true;
	}
	return no_fault;
}

static struct fault (*const checks[])(
	const struct field_definition *definition, const struct field_value *value) = {
#define FIELD_KIND_CHECK(name) [FIELD_##name] = check_##name,
	FIELD_KINDS(FIELD_KIND_CHECK)
#undef FIELD_KIND_CHECK
};

static const struct field_definition *definition_of(const struct field_set *set, const char *key)
{
	for (size_t i = 0; i < set->definition_count; i++)
		if (strcmp(set->definitions[i].key, key) == 0)
			return &set->definitions[i];
	return NULL;
}

static struct fault check_value(const struct field_set *set, const struct field_value *value)
{
	const struct field_definition *definition = definition_of(set, value->key);
	if (set->is_free)
		return no_fault;
	if (definition == NULL)
		return (struct fault){ VIOLATION_unknown_field,
			"The program has no such field; GET /v1/custom-fields tells which." };
	if (value->type != GIVEN_NULL)
		return checks[definition->kind](definition, value);
	if (definition->is_required && set->duty != FIELDS_OPTIONAL)
		return (struct fault){ VIOLATION_required, "The program asks for it." };
	return no_fault;
}

static bool is_given(const struct field_value *values, size_t count, const char *key)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(values[i].key, key) == 0)
			return true;
	return false;
}

bool field_values_check(const struct field_set *set, const struct field_value *values, size_t count,
	struct arena *arena, struct problem *problem)
{
	for (size_t i = 0; i < count; i++) {
		struct fault fault = check_value(set, &values[i]);
		if (fault.detail != NULL)
			problem_add(problem, arena, PLACE_POINTER, values[i].where, fault.code,
				"%s", fault.detail);
	}
	for (size_t i = 0; i < set->definition_count && set->duty == FIELDS_COMPLETE; i++) {
		const struct field_definition *definition = &set->definitions[i];
		if (definition->is_required && !is_given(values, count, definition->key))
			problem_add(problem, arena, PLACE_POINTER,
				arena_printf(arena, "%s/%s", set->where, definition->key),
				VIOLATION_required, "The program asks for it.");
	}
	return !problem->is_set;
}
