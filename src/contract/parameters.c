/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parameters of operations: in the path, the query and the header. Each is one scalar, or in the
 * query a list of them by repetition, because that is what all clients send the same way. If-Match
 * and Idempotency-Key are more than parameters: they tell the gate what it must ask for.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "contract/operations.h"

#define FAIL(compiler, place, ...) pointer_fail((compiler)->reterr, (place)->where, __VA_ARGS__)

static const char *const parameter_members[] = { "name", "in", "required", "schema", "description",
	"example", "examples", "deprecated", "style", "explode", NULL };

static bool read_place(
	struct schema_compiler *compiler, const struct place *place, struct parameter *parameter)
{
	static const char *const places[] = { "path", "query", "header" };
	static const char *const styles[] = { "simple", "form", "simple" };
	const char *in = json_string_value(json_object_get(place->node, "in"));
	const char *style = json_string_value(json_object_get(place->node, "style"));
	int i = 0;

	while (i < 3 && !(in && strcmp(in, places[i]) == 0))
		i++;
	if (i == 3)
		return FAIL(compiler, place, "'in' must be path, query or header");
	if ((style && strcmp(style, styles[i]) != 0) ||
		json_is_false(json_object_get(place->node, "explode")))
		return FAIL(compiler, place, "only the default style and explode are supported");
	parameter->place = (enum parameter_place)i;
	return true;
}

/* The default as a query would have it. */
static const char *default_text(struct arena *arena, const struct schema *schema)
{
	const json_t *value = schema_default(schema);

	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_integer(value))
		return arena_printf(arena, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	if (json_is_real(value))
		return arena_printf(arena, "%.17g", json_real_value(value));
	return json_is_boolean(value) ? (json_is_true(value) ? "true" : "false") : NULL;
}

/* An array in the query repeats; its items are the schema of one value. */
static bool read_schema(
	struct schema_compiler *compiler, const struct place *place, struct parameter *parameter)
{
	const struct schema *schema = schema_compiler_add(compiler,
		json_object_get(place->node, "schema"), POINTER_MEMBER(place->where, "schema"));
	const struct schema *content;

	if (!schema || !schema_compiler_link(compiler))
		return false;
	content = schema_follow(schema);
	if (content->types == SCHEMA_ARRAY && content->items &&
		parameter->place == PARAMETER_QUERY) {
		if (schema_default(schema))
			return FAIL(compiler, place, "a list has no default");
		parameter->repeats = true;
		schema = content->items;
	}
	if (!schema_takes_text(schema))
		return FAIL(compiler, place,
			"the schema must be of one scalar type, or a list of it in the query");
	parameter->schema = schema;
	parameter->default_value = default_text(compiler->arena, schema);
	return true;
}

static bool read_parameter(
	struct schema_compiler *compiler, const struct place *place, struct parameter *parameter)
{
	parameter->name = json_string_value(json_object_get(place->node, "name"));
	parameter->required = json_is_true(json_object_get(place->node, "required"));
	parameter->ignored = json_is_true(json_object_get(place->node, "x-ignored"));
	if (!place_check_members(compiler, place, parameter_members))
		return false;
	if (!parameter->name || *parameter->name == '\0')
		return FAIL(compiler, place, "a parameter needs a name");
	return read_place(compiler, place, parameter) && read_schema(compiler, place, parameter);
}

/* Names of header fields do not care about case. */
static bool is_same_parameter(const struct parameter *a, const struct parameter *b)
{
	if (a->place != b->place)
		return false;
	return (a->place == PARAMETER_HEADER ? strcasecmp(a->name, b->name)
					     : strcmp(a->name, b->name)) == 0;
}

static const struct parameter *find_same(
	const struct operation *operation, const struct parameter *parameter, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (is_same_parameter(&operation->parameters[i], parameter))
			return &operation->parameters[i];
	return NULL;
}

/* Appends a list; what the operation says itself wins over its path item, twice in one list is an
 * error. */
static bool add_list(struct schema_compiler *compiler, struct operation *operation,
	struct parameter *parameters, const struct place *owner)
{
	const json_t *list = json_object_get(owner->node, "parameters"), *node;
	const struct pointer *where = POINTER_MEMBER(owner->where, "parameters");
	size_t before = operation->parameter_count, i;

	json_array_foreach (list, i, node) {
		struct place place = { node, POINTER_ITEM(where, i) };
		struct parameter parameter = { 0 };

		if (!place_follow(compiler, &place) ||
			!read_parameter(compiler, &place, &parameter))
			return false;
		if (find_same(operation, &parameter, before))
			continue;
		if (find_same(operation, &parameter, operation->parameter_count))
			return FAIL(compiler, &place, "parameter '%.60s' is there twice",
				parameter.name);
		parameters[operation->parameter_count++] = parameter;
	}
	return true;
}

static void read_duties(struct operation *operation)
{
	for (size_t i = 0; i < operation->parameter_count; i++) {
		const struct parameter *parameter = &operation->parameters[i];
		enum duty duty = parameter->required  ? DUTY_REQUIRED
				 : parameter->ignored ? DUTY_IGNORED
						      : DUTY_OPTIONAL;

		if (parameter->place != PARAMETER_HEADER)
			continue;
		if (strcasecmp(parameter->name, "If-Match") == 0)
			operation->if_match = duty;
		else if (strcasecmp(parameter->name, "Idempotency-Key") == 0)
			operation->idempotency_key = duty;
	}
}

/* Each {name} of the path is a required path parameter, and there are no others. */
static bool check_path(struct schema_compiler *compiler, const struct operation *operation,
	const struct place *own)
{
	size_t in_path = 0, named = 0;

	for (size_t i = 0; i < operation->parameter_count; i++)
		in_path += operation->parameters[i].place == PARAMETER_PATH;
	for (; operation->path_ids[named]; named++) {
		const struct parameter wanted = { .name = operation->path_ids[named],
			.place = PARAMETER_PATH };
		const struct parameter *found =
			find_same(operation, &wanted, operation->parameter_count);

		if (!found || !found->required)
			return FAIL(compiler, own,
				"path parameter '%.60s' must be described and required",
				wanted.name);
	}
	return in_path == named || FAIL(compiler, own, "a path parameter is not in the path");
}

bool parameters_compile(struct schema_compiler *compiler, struct operation *operation,
	const struct place *path_item, const struct place *own)
{
	size_t most = json_array_size(json_object_get(path_item->node, "parameters")) +
		      json_array_size(json_object_get(own->node, "parameters"));
	struct parameter *parameters =
		arena_zalloc(compiler->arena, (most + 1) * sizeof(*parameters));

	operation->parameters = parameters;
	if (!add_list(compiler, operation, parameters, own) ||
		!add_list(compiler, operation, parameters, path_item) ||
		!check_path(compiler, operation, own))
		return false;
	read_duties(operation);
	return true;
}
