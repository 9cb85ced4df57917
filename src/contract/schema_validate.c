/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs compiled schemas over values. Nothing is allocated until there is something to say: the
 * place is a chain of frames on the stack (pointer.h) and sentences are formatted when a violation
 * is added. A value of the wrong type or outside its enum is not looked at further, so one mistake
 * gives one violation. A text that is too long is not matched against its pattern, a list that is
 * too long is not searched for duplicates: cost stays bounded by the contract.
 */
#include "contract/schema_check.h"

#include <string.h>

#define DEPTH_MAX 64

static void validate(struct validator *validator, const struct schema *schema, const json_t *value,
	const struct pointer *where);

static unsigned type_of(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_NULL: return SCHEMA_NULL;
	case JSON_TRUE:
	case JSON_FALSE: return SCHEMA_BOOLEAN;
	case JSON_INTEGER: return SCHEMA_INTEGER | SCHEMA_NUMBER;
	case JSON_REAL: return SCHEMA_NUMBER;
	case JSON_STRING: return SCHEMA_STRING;
	case JSON_ARRAY: return SCHEMA_ARRAY;
	case JSON_OBJECT: return SCHEMA_OBJECT;
	}
	return 0;
}

static long double number_of(const json_t *value)
{
	return json_is_integer(value) ? (long double)json_integer_value(value)
				      : (long double)json_real_value(value);
}

static bool is_same(const json_t *left, const json_t *right);

static bool is_same_array(const json_t *left, const json_t *right)
{
	const json_t *item;
	size_t i;

	if (json_array_size(left) != json_array_size(right))
		return false;
	json_array_foreach (left, i, item)
		if (!is_same(item, json_array_get(right, i)))
			return false;
	return true;
}

static bool is_same_object(const json_t *left, const json_t *right)
{
	const char *name;
	json_t *value;

	if (json_object_size(left) != json_object_size(right))
		return false;
	json_object_foreach ((json_t *)left, name, value) {
		const json_t *other = json_object_get(right, name);

		if (!other || !is_same(value, other))
			return false;
	}
	return true;
}

/* Equality of JSON Schema: 1 and 1.0 are the same number. */
static bool is_same(const json_t *left, const json_t *right)
{
	if (json_is_number(left) && json_is_number(right))
		return number_of(left) == number_of(right);
	if (json_is_object(left) && json_is_object(right))
		return is_same_object(left, right);
	if (json_is_array(left) && json_is_array(right))
		return is_same_array(left, right);
	return json_equal(left, right);
}

static bool is_choice(const struct schema *schema, const json_t *value)
{
	const json_t *choice;
	size_t i;

	if (schema->const_value && !is_same(schema->const_value, value))
		return false;
	json_array_foreach (schema->enum_values, i, choice)
		if (is_same(choice, value))
			return true;
	return !schema->enum_values;
}

static void check_unique(struct validator *validator, const struct schema *schema,
	const json_t *array, const struct pointer *where)
{
	size_t count = json_array_size(array);

	for (size_t i = 1; i < count; i++)
		for (size_t j = 0; j < i; j++) {
			if (!is_same(json_array_get(array, i), json_array_get(array, j)))
				continue;
			report(validator, schema, POINTER_ITEM(where, i), VIOLATION_not_unique,
				"The same as element %zu.", j);
			break;
		}
}

static void validate_array(struct validator *validator, const struct schema *schema,
	const json_t *array, const struct pointer *where)
{
	size_t count = json_array_size(array);

	check_size(
		validator, schema, where, count, schema->min_items, schema->max_items, "element");
	if (schema->unique_items && count <= schema->max_items)
		check_unique(validator, schema, array, where);
	for (size_t i = 0; schema->items && i < count && !is_full(validator); i++)
		validate(
			validator, schema->items, json_array_get(array, i), POINTER_ITEM(where, i));
}

/* Says what is wrong with a member that no property names. */
static void report_unknown(
	struct validator *validator, const struct schema *schema, const struct pointer *where)
{
	bool is_top = !where->parent->parent;
	const char *nearest;

	if (is_top && validator->output && schema_has_property(validator->output, where->name)) {
		report_member(validator, where, VIOLATION_read_only_field, "Set by the server.");
		return;
	}
	nearest = nearest_name(schema, where->name);
	if (nearest)
		report_member(validator, where, VIOLATION_unknown_field,
			"Unknown field. Did you mean \"%s\"?", nearest);
	else
		report_member(validator, where, VIOLATION_unknown_field, "Unknown field.");
}

/* Members that are not properties: refused, or held against additionalProperties. */
static void validate_others(struct validator *validator, const struct schema *schema,
	const json_t *object, const struct pointer *where)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)object, name, value) {
		const struct pointer *member = POINTER_MEMBER(where, name);

		if (is_full(validator))
			return;
		if (schema_find_property(schema, name))
			continue;
		if (schema->is_closed)
			report_unknown(validator, schema, member);
		else if (schema->additional)
			validate(validator, schema->additional, value, member);
	}
}

static void validate_names(struct validator *validator, const struct schema *schema,
	const json_t *object, const struct pointer *where)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)object, name, value)
		if (!is_full(validator))
			check_name(validator, schema->names ? schema_follow(schema->names) : NULL,
				POINTER_MEMBER(where, name));
}

static void validate_property(struct validator *validator, const struct property *property,
	const json_t *value, const struct pointer *where)
{
	if (property->read_only && value)
		report_member(validator, where, VIOLATION_read_only_field, "Set by the server.");
	else if (value)
		validate(validator, property->schema, value, where);
	else if (property->required && !property->read_only)
		report_member(validator, where, VIOLATION_required, "Required.");
}

static void validate_object(struct validator *validator, const struct schema *schema,
	const json_t *object, const struct pointer *where)
{
	size_t count = json_object_size(object), known = 0;

	check_size(validator, schema, where, count, schema->min_properties, schema->max_properties,
		"member");
	for (size_t i = 0; i < schema->property_count && !is_full(validator); i++) {
		const struct property *property = &schema->properties[i];
		const json_t *value = json_object_get(object, property->name);

		known += value != NULL;
		validate_property(
			validator, property, value, POINTER_MEMBER(where, property->name));
	}
	if (schema->names || (known < count && !schema->is_closed))
		validate_names(validator, schema, object, where);
	if (known < count && (schema->is_closed || schema->additional))
		validate_others(validator, schema, object, where);
}

/* oneOf: the discriminator names the only branch that can match. */
static void validate_variant(struct validator *validator, const struct schema *schema,
	const json_t *object, const struct pointer *where)
{
	const json_t *tag = json_object_get(object, schema->discriminator);
	const struct pointer *member = POINTER_MEMBER(where, schema->discriminator);

	if (!json_is_object(object)) {
		report(validator, schema, where, VIOLATION_wrong_type, "An object.");
		return;
	}
	for (size_t i = 0; json_is_string(tag) && i < schema->variant_count; i++)
		if (strcmp(schema->variants[i].tag, json_string_value(tag)) == 0) {
			validate(validator, schema->variants[i].schema, object, where);
			return;
		}
	if (!tag)
		report_member(validator, member, VIOLATION_required, "Required.");
	else if (!json_is_string(tag))
		report_member(validator, member, VIOLATION_wrong_type, "A string.");
	else
		report_tags(validator, schema, member);
}

static void validate_content(struct validator *validator, const struct schema *schema,
	const json_t *value, const struct pointer *where)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT: validate_object(validator, schema, value, where); break;
	case JSON_ARRAY: validate_array(validator, schema, value, where); break;
	case JSON_STRING:
		check_string(validator, schema, where,
			(struct slice){ json_string_value(value), json_string_length(value) });
		break;
	case JSON_INTEGER:
	case JSON_REAL: check_number(validator, schema, where, number_of(value)); break;
	default: break;
	}
}

static void validate_here(struct validator *validator, const struct schema *schema,
	const json_t *value, const struct pointer *where)
{
	if (schema->types && !(schema->types & type_of(value)))
		report_type(validator, schema, where);
	else if (schema->variants)
		validate_variant(validator, schema, value, where);
	else if (!is_choice(schema, value))
		report_choice(validator, schema, where);
	else
		validate_content(validator, schema, value, where);
}

static void validate(struct validator *validator, const struct schema *schema, const json_t *value,
	const struct pointer *where)
{
	bool is_null = json_is_null(value);

	for (; schema->target; schema = schema->target)
		if (is_null && schema->allows_null)
			return;
	if (is_null && schema->allows_null)
		return;
	if (validator->depth == DEPTH_MAX) {
		report(validator, schema, where, VIOLATION_wrong_type, "Nested too deeply.");
		return;
	}
	validator->depth++;
	validate_here(validator, schema, value, where);
	validator->depth--;
}

bool schema_validate(const struct schema *schema, const struct schema *output, const json_t *value,
	struct arena *arena, struct problem *problem)
{
	struct validator validator = {
		.arena = arena, .problem = problem, .place = PLACE_POINTER, .output = output
	};

	validate(&validator, schema, value, POINTER_ROOT("#"));
	return !validator.has_failed;
}
