/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a single value must obey, and how its violation reads. Sentences say what is expected, never
 * what was sent: short, for people, in one voice. A new check is a function here, called by
 * schema_validate.c and, when parameters can have it too, by schema_text.c.
 */
#include "contract/schema_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_BYTES 32

static void add(struct validator *validator, const struct pointer *where, enum violation_code code,
	const char *sentence)
{
	validator->has_failed = true;
	if (is_full(validator))
		return;
	problem_add(validator->problem, validator->arena, validator->place,
		pointer_render(validator->arena, where), code, "%s", sentence);
}

bool is_full(const struct validator *validator)
{
	return validator->has_failed &&
	       validator->problem->violation_count >= PROBLEM_MAX_VIOLATIONS;
}

void report(struct validator *validator, const struct schema *schema, const struct pointer *where,
	enum violation_code code, const char *format, ...)
{
	char sentence[240];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	add(validator, where, code, schema->message ? schema->message : sentence);
}

void report_member(struct validator *validator, const struct pointer *where,
	enum violation_code code, const char *format, ...)
{
	char sentence[240];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	add(validator, where, code, sentence);
}

void report_type(
	struct validator *validator, const struct schema *schema, const struct pointer *where)
{
	static const char *const nouns[] = { "null", "true or false", "whole number", "a number",
		"a string", "a list", "an object" };
	char sentence[120] = "";
	size_t length = 0;

	/* From object to null, so that "or null" comes last. */
	for (int i = 6; i >= 0; i--) {
		if (!(schema->types & 1u << i))
			continue;
		length += (size_t)snprintf(sentence + length, sizeof(sentence) - length, "%s%s",
			length > 0 ? " or " : "", nouns[i]);
	}
	if (sentence[0] >= 'a' && sentence[0] <= 'z')
		sentence[0] = (char)(sentence[0] - 'a' + 'A');
	report(validator, schema, where, VIOLATION_wrong_type, "%s.", sentence);
}

/* "a, b, c" with as many as fit. */
struct choices {
	char text[200];
	size_t length;
	bool is_cut;
};

static void choices_append(struct choices *choices, const char *text)
{
	size_t length = strlen(text);

	memcpy(choices->text + choices->length, text, length + 1);
	choices->length += length;
}

static void choices_add(struct choices *choices, const char *choice)
{
	if (choices->is_cut)
		return;
	if (choices->length > 0)
		choices_append(choices, ", ");
	choices->is_cut = strlen(choice) + 8 > sizeof(choices->text) - choices->length;
	choices_append(choices, choices->is_cut ? "…" : choice);
}

static void choices_add_json(struct choices *choices, const json_t *value)
{
	char number[40];

	if (json_is_string(value)) {
		choices_add(choices, json_string_value(value));
	} else if (json_is_integer(value)) {
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
		choices_add(choices, number);
	} else if (json_is_null(value)) {
		choices_add(choices, "null");
	} else if (json_is_boolean(value)) {
		choices_add(choices, json_is_true(value) ? "true" : "false");
	}
}

void report_choice(
	struct validator *validator, const struct schema *schema, const struct pointer *where)
{
	struct choices choices = { .length = 0 };
	const json_t *value;
	size_t i;

	json_array_foreach (schema->enum_values, i, value)
		choices_add_json(&choices, value);
	if (schema->const_value && choices.length == 0)
		choices_add_json(&choices, schema->const_value);
	report(validator, schema, where, VIOLATION_invalid_choice, "One of: %s.", choices.text);
}

void report_tags(
	struct validator *validator, const struct schema *schema, const struct pointer *where)
{
	struct choices choices = { .length = 0 };

	for (size_t i = 0; i < schema->variant_count; i++)
		choices_add(&choices, schema->variants[i].tag);
	report(validator, schema, where, VIOLATION_invalid_choice, "One of: %s.", choices.text);
}

void check_size(struct validator *validator, const struct schema *schema,
	const struct pointer *where, size_t size, size_t min, size_t max, const char *noun)
{
	if (size < min)
		report(validator, schema, where, VIOLATION_too_short, "At least %zu %s%s.", min,
			noun, min == 1 ? "" : "s");
	else if (size > max)
		report(validator, schema, where, VIOLATION_too_long, "At most %zu %s%s.", max, noun,
			max == 1 ? "" : "s");
}

/* Is it a whole number within 64 bits? */
static bool is_int64(long double value, int64_t *ret_whole)
{
	if (value < INT64_MIN || value > INT64_MAX)
		return false;
	*ret_whole = (int64_t)value;
	return (long double)*ret_whole == value;
}

static void report_bound(struct validator *validator, const struct schema *schema,
	const struct pointer *where, enum violation_code code, const char *words, long double value)
{
	int64_t whole;

	if (is_int64(value, &whole))
		report(validator, schema, where, code, "%s %lld.", words, (long long)whole);
	else
		report(validator, schema, where, code, "%s %.15Lg.", words, value);
}

void check_number(struct validator *validator, const struct schema *schema,
	const struct pointer *where, long double value)
{
	int64_t whole;

	if (schema->minimum.is_set && value < schema->minimum.value)
		report_bound(validator, schema, where, VIOLATION_too_small, "At least",
			schema->minimum.value);
	else if (schema->above.is_set && value <= schema->above.value)
		report_bound(validator, schema, where, VIOLATION_too_small, "More than",
			schema->above.value);
	else if (schema->maximum.is_set && value > schema->maximum.value)
		report_bound(validator, schema, where, VIOLATION_too_large, "At most",
			schema->maximum.value);
	else if (schema->below.is_set && value >= schema->below.value)
		report_bound(validator, schema, where, VIOLATION_too_large, "Less than",
			schema->below.value);
	else if (schema->multiple_of > 0 &&
		 (!is_int64(value, &whole) || whole % schema->multiple_of != 0))
		report(validator, schema, where, VIOLATION_invalid_format, "A multiple of %lld.",
			(long long)schema->multiple_of);
}

/* C0 and U+007F; what people write as text may have tabs and line ends. */
static bool has_controls(struct slice text)
{
	for (size_t i = 0; i < text.length; i++) {
		unsigned char byte = (unsigned char)text.bytes[i];

		if (byte == 0x7f || (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r'))
			return true;
	}
	return false;
}

/* True when there is nothing to say. Not the schema's words: it is a rule about all texts. */
static bool is_free_of_controls(
	struct validator *validator, const struct pointer *where, struct slice text)
{
	if (!has_controls(text))
		return true;
	report_member(
		validator, where, VIOLATION_invalid_format, "Control characters are not allowed.");
	return false;
}

void check_string(struct validator *validator, const struct schema *schema,
	const struct pointer *where, struct slice text)
{
	bool has_limits = schema->min_length > 0 || schema->max_length < SIZE_MAX;
	size_t points = has_limits ? utf8_length(text.bytes, text.length) : 0;

	if (!is_free_of_controls(validator, where, text))
		return;
	if (schema->format && !schema->format->is_valid(text.bytes, text.length))
		report(validator, schema, where, VIOLATION_invalid_format, "%s",
			schema->format->sentence);
	else if (has_limits && (points < schema->min_length || points > schema->max_length))
		check_size(validator, schema, where, points, schema->min_length, schema->max_length,
			"character");
	else if (schema->pattern && !pattern_matches(schema->pattern, text.bytes, text.length))
		report(validator, schema, where, VIOLATION_invalid_format,
			"Not in the expected form.");
}

void check_name(
	struct validator *validator, const struct schema *names, const struct pointer *where)
{
	if (names)
		check_string(validator, names, where, slice_of(where->name));
	else
		is_free_of_controls(validator, where, slice_of(where->name));
}

/* Edits between two short names; more than NAME_MAX_BYTES is never near. */
static size_t distance(const char *left, const char *right)
{
	size_t row[NAME_MAX_BYTES + 1];
	size_t width = strnlen(right, NAME_MAX_BYTES + 1);

	if (width > NAME_MAX_BYTES || strnlen(left, NAME_MAX_BYTES + 1) > NAME_MAX_BYTES)
		return SIZE_MAX;
	for (size_t j = 0; j <= width; j++)
		row[j] = j;
	for (size_t i = 1; left[i - 1] != '\0'; i++) {
		size_t corner = row[0];

		row[0] = i;
		for (size_t j = 1; j <= width; j++) {
			size_t change = corner + (left[i - 1] != right[j - 1]);
			size_t edit = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

			corner = row[j];
			row[j] = change < edit ? change : edit;
		}
	}
	return row[width];
}

const char *nearest_name(const struct schema *schema, const char *name)
{
	size_t length = strnlen(name, NAME_MAX_BYTES);
	size_t best = length < 4 ? 1 : length < 8 ? 2 : 3;
	const char *nearest = NULL;

	for (size_t i = 0; i < schema->property_count; i++) {
		const struct property *property = &schema->properties[i];
		size_t edits = property->read_only ? SIZE_MAX : distance(name, property->name);

		if (edits < length && (edits < best || (edits == best && !nearest))) {
			best = edits;
			nearest = property->name;
		}
	}
	return nearest;
}
