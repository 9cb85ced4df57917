/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries and forms: pairs between '&', decoded by one strict rule. A name nobody knows is refused
 * and not ignored, because a filter with a typing error would answer with everything. Values are
 * kept in the contract's order of parameters, so that two spellings of one query are one query.
 */
#include "http/query.h"

#include <stdio.h>
#include <string.h>

#include "http/form.h"
#include "http/percent.h"

#define NAME_SHOWN_BYTES 40
#define NAME_MAX_BYTES   48 /* longer names are near to none */

struct pair {
	struct slice name;
	struct slice value;
};

/* Takes the next pair off `rest`, decoded. False at a broken one. */
static bool pair_next(
	struct slice *rest, struct arena *arena, struct pair *ret_pair, struct problem *problem)
{
	const char *end = memchr(rest->bytes, '&', rest->length);
	struct slice text = { rest->bytes, end ? (size_t)(end - rest->bytes) : rest->length };
	const char *equals = memchr(text.bytes, '=', text.length);
	size_t name_length = equals ? (size_t)(equals - text.bytes) : text.length;
	struct slice value = { text.bytes + name_length, text.length - name_length };

	rest->bytes += text.length + (end ? 1 : 0);
	rest->length -= text.length + (end ? 1 : 0);
	if (name_length == 0 || (end && rest->length == 0))
		return problem_set(
			problem, PROBLEM_invalid_parameter, "A parameter without a name.");
	if (equals)
		value = (struct slice){ value.bytes + 1, value.length - 1 };
	if (percent_decode(
		    arena, (struct slice){ text.bytes, name_length }, true, &ret_pair->name) &&
		percent_decode(arena, value, true, &ret_pair->value))
		return true;
	return problem_set(problem, PROBLEM_invalid_encoding,
		"A parameter is not percent-encoded UTF-8 without NUL.");
}

/* A caller's name as it may stand in a sentence: printable ASCII, cut. */
static void name_for_people(struct slice name, char out[static NAME_SHOWN_BYTES + 1])
{
	size_t length = name.length < NAME_SHOWN_BYTES ? name.length : NAME_SHOWN_BYTES;

	for (size_t i = 0; i < length; i++) {
		char byte = name.bytes[i];

		out[i] = (byte >= 0x20 && byte < 0x7f) ? byte : '?';
	}
	out[length] = '\0';
}

static size_t least(size_t a, size_t b, size_t c)
{
	size_t smaller = a < b ? a : b;

	return smaller < c ? smaller : c;
}

/* Levenshtein's distance; both at most NAME_MAX_BYTES long. */
static size_t distance(struct slice a, struct slice b)
{
	size_t row[NAME_MAX_BYTES + 1];

	for (size_t j = 0; j <= b.length; j++)
		row[j] = j;
	for (size_t i = 0; i < a.length; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < b.length; j++) {
			size_t cost = diagonal + (a.bytes[i] != b.bytes[j]);

			diagonal = row[j + 1];
			row[j + 1] = least(cost, row[j] + 1, diagonal + 1);
		}
	}
	return row[b.length];
}

static const char *nearest_name(const struct operation *operation, struct slice name)
{
	const char *nearest = NULL;
	size_t best = name.length / 2 + 1;

	for (size_t i = 0; i < operation->parameter_count && name.length <= NAME_MAX_BYTES; i++) {
		const struct parameter *parameter = &operation->parameters[i];
		struct slice own = slice_of(parameter->name);
		size_t away;

		if (parameter->place != PARAMETER_QUERY || own.length > NAME_MAX_BYTES)
			continue;
		away = distance(name, own);
		if (away >= best)
			continue;
		best = away;
		nearest = parameter->name;
	}
	return nearest;
}

static bool refuse_name(struct request *request, struct slice name, struct problem *problem)
{
	char shown[NAME_SHOWN_BYTES + 1];
	const char *nearest = nearest_name(request->operation, name);

	name_for_people(name, shown);
	if (nearest)
		problem_set(problem, PROBLEM_unknown_parameter,
			"There is no parameter '%s' here. Did you mean '%s'?", shown, nearest);
	else
		problem_set(problem, PROBLEM_unknown_parameter, "There is no parameter '%s' here.",
			shown);
	problem_add(problem, request->arena, PLACE_PARAMETER, shown, VIOLATION_unknown_field,
		"Not a parameter of this operation.");
	return false;
}

/* Index of the query parameter in the operation, or its parameter_count. */
static size_t parameter_index(const struct operation *operation, struct slice name)
{
	size_t i = 0;

	while (i < operation->parameter_count &&
		(operation->parameters[i].place != PARAMETER_QUERY ||
			!slice_is(name, operation->parameters[i].name)))
		i++;
	return i;
}

/* Adds the value to its parameter's list; the lists have room for QUERY_MAX_VALUES once they are
 * used twice. */
static void take_value(struct request *request, struct query_value *slot, struct slice value,
	struct problem *faults)
{
	const struct parameter *parameter = slot->parameter;

	if (slot->count > 0 && !parameter->repeats) {
		problem_add(faults, request->arena, PLACE_PARAMETER, parameter->name,
			VIOLATION_not_unique, "May be given once only.");
		return;
	}
	if (slot->count == QUERY_MAX_VALUES) {
		problem_add(faults, request->arena, PLACE_PARAMETER, parameter->name,
			VIOLATION_too_long, "May be given %d times.", QUERY_MAX_VALUES);
		return;
	}
	if (parameter->schema && !schema_validate_text(parameter->schema, parameter->name, value,
					 request->arena, faults))
		return;
	if (slot->count == 0)
		slot->values = arena_alloc(request->arena,
			(parameter->repeats ? QUERY_MAX_VALUES : 1) * sizeof(char *));
	slot->values[slot->count++] = value.bytes;
}

static bool take_pairs(struct request *request, struct query_value *slots, struct problem *faults,
	struct problem *problem)
{
	struct slice rest = request->raw_query;

	while (rest.length > 0) {
		struct pair pair = { 0 };
		size_t index;

		if (!pair_next(&rest, request->arena, &pair, problem))
			return false;
		index = parameter_index(request->operation, pair.name);
		if (index == request->operation->parameter_count)
			return refuse_name(request, pair.name, problem);
		slots[index].parameter = &request->operation->parameters[index];
		take_value(request, &slots[index], pair.value, faults);
	}
	return true;
}

/* Reports what is required and missing, and closes the gaps between the slots that were used. */
static void keep_used(struct request *request, struct query_value *slots, struct problem *faults)
{
	const struct operation *operation = request->operation;

	for (size_t i = 0; i < operation->parameter_count; i++) {
		const struct parameter *parameter = &operation->parameters[i];

		if (slots[i].count > 0)
			slots[request->query_count++] = slots[i];
		else if (parameter->place == PARAMETER_QUERY && parameter->required &&
			 !slots[i].parameter)
			problem_add(faults, request->arena, PLACE_PARAMETER, parameter->name,
				VIOLATION_required, "Is required.");
	}
	request->query = slots;
}

static bool report_faults(const struct problem *faults, struct problem *problem)
{
	problem_set(problem, PROBLEM_invalid_parameter,
		faults->violation_count == 1 ? "One parameter needs attention."
					     : "%zu parameters need attention.",
		faults->violation_count);
	memcpy(problem->violations, faults->violations, sizeof(faults->violations));
	problem->violation_count = faults->violation_count;
	return false;
}

bool query_parse(struct request *request, struct problem *problem)
{
	const struct operation *operation = request->operation;
	struct problem faults;
	struct query_value *slots;
	const char *dry_run;

	if (request->raw_query.length == 0 && operation->parameter_count == 0)
		return true;
	faults.is_set = false;
	faults.cause[0] = '\0';
	faults.violation_count = 0;
	slots = arena_zalloc(request->arena, (operation->parameter_count + 1) * sizeof(*slots));
	if (!take_pairs(request, slots, &faults, problem))
		return false;
	keep_used(request, slots, &faults);
	if (faults.violation_count > 0)
		return report_faults(&faults, problem);
	dry_run = request_query(request, "dry_run");
	request->dry_run = dry_run && strcmp(dry_run, "true") == 0;
	return true;
}

bool form_parse(
	struct form *ret_form, struct arena *arena, struct slice body, struct problem *problem)
{
	struct slice rest = body;

	ret_form->count = 0;
	while (rest.length > 0) {
		struct pair pair = { 0 };

		if (!pair_next(&rest, arena, &pair, problem))
			return false;
		for (size_t i = 0; i < ret_form->count; i++)
			if (slice_is(pair.name, ret_form->fields[i].name))
				return problem_set(problem, PROBLEM_invalid_parameter,
					"A field is given more than once.");
		if (ret_form->count == FORM_MAX_FIELDS)
			return problem_set(problem, PROBLEM_invalid_parameter,
				"A form may have %d fields.", FORM_MAX_FIELDS);
		ret_form->fields[ret_form->count].name = pair.name.bytes;
		ret_form->fields[ret_form->count++].value = pair.value.bytes;
	}
	return true;
}

const char *form_value(const struct form *form, const char *name)
{
	for (size_t i = 0; i < form->count; i++)
		if (strcmp(form->fields[i].name, name) == 0)
			return form->fields[i].value[0] ? form->fields[i].value : NULL;
	return NULL;
}
