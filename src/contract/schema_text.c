/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters: one scalar written as text. Numbers must be written as JSON writes them, so that one
 * value has one spelling: no plus sign, no leading zero, no blanks. schema_takes_text says at start
 * which schemas can be used so.
 */
#include <stdlib.h>
#include <string.h>

#include "contract/schema_check.h"

static size_t span_digits(struct slice text, size_t from)
{
	size_t at = from;

	while (at < text.length && text.bytes[at] >= '0' && text.bytes[at] <= '9')
		at++;
	return at - from;
}

/* -?(0|[1-9][0-9]*): its length, 0 when the text does not begin so. */
static size_t span_integer(struct slice text)
{
	size_t sign = text.length > 0 && text.bytes[0] == '-';
	size_t digits = span_digits(text, sign);

	if (digits == 0 || (digits > 1 && text.bytes[sign] == '0'))
		return 0;
	return sign + digits;
}

static size_t span_fraction(struct slice text, size_t from)
{
	size_t digits =
		from < text.length && text.bytes[from] == '.' ? span_digits(text, from + 1) : 0;

	return digits > 0 ? digits + 1 : 0;
}

static size_t span_exponent(struct slice text, size_t from)
{
	size_t sign, digits;

	if (from >= text.length || (text.bytes[from] != 'e' && text.bytes[from] != 'E'))
		return 0;
	sign = from + 1 < text.length &&
	       (text.bytes[from + 1] == '+' || text.bytes[from + 1] == '-');
	digits = span_digits(text, from + 1 + sign);
	return digits > 0 ? 1 + sign + digits : 0;
}

/* Strict JSON; a number of more than 47 characters is nobody's number. */
static bool parse_number(struct slice text, bool is_whole, long double *ret_value)
{
	size_t length = span_integer(text);
	char copy[48];

	if (length > 0 && !is_whole) {
		length += span_fraction(text, length);
		length += span_exponent(text, length);
	}
	if (length == 0 || length != text.length || length >= sizeof(copy))
		return false;
	memcpy(copy, text.bytes, length);
	copy[length] = '\0';
	*ret_value = strtold(copy, NULL);
	return true;
}

static bool is_text_choice(const struct schema *schema, struct slice text)
{
	const json_t *choice;
	size_t i;

	if (json_is_string(schema->const_value) &&
		!slice_is(text, json_string_value(schema->const_value)))
		return false;
	json_array_foreach (schema->enum_values, i, choice)
		if (json_is_string(choice) && slice_is(text, json_string_value(choice)))
			return true;
	return !schema->enum_values;
}

static bool is_number_choice(const struct schema *schema, long double value)
{
	const json_t *choice;
	size_t i;

	json_array_foreach (schema->enum_values, i, choice)
		if (json_is_integer(choice) && (long double)json_integer_value(choice) == value)
			return true;
	return !schema->enum_values;
}

static void check_text(struct validator *validator, const struct schema *schema,
	const struct pointer *where, struct slice text)
{
	if (!utf8_is_valid(text.bytes, text.length))
		report(validator, schema, where, VIOLATION_invalid_format, "UTF-8.");
	else if (!is_text_choice(schema, text))
		report_choice(validator, schema, where);
	else
		check_string(validator, schema, where, text);
}

static void check_number_text(struct validator *validator, const struct schema *schema,
	const struct pointer *where, struct slice text)
{
	bool is_whole = !(schema->types & SCHEMA_NUMBER);
	long double value;

	if (!parse_number(text, is_whole, &value))
		report_type(validator, schema, where);
	else if (is_whole && (value > INT64_MAX || value < INT64_MIN))
		report(validator, schema, where,
			value > 0 ? VIOLATION_too_large : VIOLATION_too_small,
			"Not within 64 bits.");
	else if (!is_number_choice(schema, value))
		report_choice(validator, schema, where);
	else
		check_number(validator, schema, where, value);
}

bool schema_takes_text(const struct schema *schema)
{
	const struct schema *scalar = schema_follow(schema);

	switch (scalar->types) {
	case SCHEMA_STRING: return true;
	case SCHEMA_INTEGER:
	case SCHEMA_NUMBER: return !scalar->const_value;
	case SCHEMA_BOOLEAN: return !scalar->enum_values && !scalar->const_value;
	default: return false;
	}
}

bool schema_validate_text(const struct schema *schema, const char *name, struct slice value,
	struct arena *arena, struct problem *problem)
{
	struct validator validator = {
		.arena = arena, .problem = problem, .place = PLACE_PARAMETER
	};
	const struct schema *scalar = schema_follow(schema);
	const struct pointer *where = POINTER_ROOT(name);

	if (scalar->types & (SCHEMA_INTEGER | SCHEMA_NUMBER))
		check_number_text(&validator, scalar, where, value);
	else if (!(scalar->types & SCHEMA_BOOLEAN))
		check_text(&validator, scalar, where, value);
	else if (!slice_is(value, "true") && !slice_is(value, "false"))
		report_type(&validator, scalar, where);
	return !validator.has_failed;
}
