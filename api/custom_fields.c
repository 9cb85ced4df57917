/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fields that a program defines, and the check of values against them. What partners fill in
 * and what is the vendor's own are two members of a deal, so that a stored row hides the latter
 * like any other member of the vendor's.
 */
#include "custom_fields.h"

#include <string.h>

#include "margin.h"
#include "resources.h"

#define MOST_FIELDS 50 /* what a map may hold (maxProperties of the contract) */

/* ---- definitions ---- */

static const struct transition field_transitions[] = {
	{ "retire", "active", "retired" },
	{ "reinstate", "retired", "active" },
	{ 0 },
};

static const struct resource field_resource = {
	.object = "custom_field",
	.shape = "custom_field_shape",
	.path = "/v1/custom-fields/",
	.shared = true,
	.transitions = field_transitions,
};

static const struct filter field_filters[] = {
	{ .parameter = "of_object", .type = 't' },
	{ .parameter = "status", .type = 't' },
	{ .parameter = "key", .type = 't' },
	{ 0 },
};

static const struct sort field_sorts[] = {
	{ .name = "key", .column = "key", .type = 't' },
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list field_list = {
	.resource = &field_resource, .filters = field_filters, .sorts = field_sorts
};

static const char **read_texts(const json_t *list, struct arena *arena, size_t *ret_count)
{
	const char **texts = arena_alloc(arena, (json_array_size(list) + 1) * sizeof *texts);
	const json_t *item;
	size_t index;
	*ret_count = 0;
	json_array_foreach (list, index, item)
		texts[(*ret_count)++] = json_string_value(item);
	return texts;
}

static struct field_definition definition_read(const json_t *from, struct arena *arena)
{
	struct field_definition definition = {
		.key = json_string_value(json_object_get(from, "key")),
		.is_required = json_is_true(json_object_get(from, "is_required")),
		.is_vendors = json_is_true(json_object_get(from, "is_vendors")),
	};
	field_kind_parse(json_string_value(json_object_get(from, "kind")), &definition.kind);
	definition.choices =
		read_texts(json_object_get(from, "choices"), arena, &definition.choice_count);
	return definition;
}

/* The definition as it will be: what the body says on top of what is there. */
static bool check_definition(const struct command_input *in, struct problem *problem)
{
	struct arena *arena = in->request->arena;
	json_t *after = in->before != NULL ? json_loads(in->before, 0, NULL) : json_object();
	arena_defer(arena, (void (*)(void *))json_decref, after);
	json_object_update(after, (json_t *)in->body);
	const char *visibility = json_string_value(json_object_get(after, "visibility"));
	bool is_vendors = visibility != NULL && strcmp(visibility, "vendor") == 0;
	json_object_set_new(after, "is_vendors", json_boolean(is_vendors));
	const struct field_definition definition = definition_read(after, arena);
	return field_definition_check(&definition, arena, problem);
}

static bool decide_create(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	out->event = "custom_field.created";
	return check_definition(in, problem);
}

static bool decide_update(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	static const char *const plain[] = { "label", "description", "choices", "is_required",
		NULL };
	json_t *set = json_object();
	json_object_set_new(out->fields, "set", set);
	patch_columns(in, set, plain);
	out->event = "custom_field.updated";
	return check_definition(in, problem);
}

static bool decide_move(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const char *action = command_action(in);
	bool is_retire = strcmp(action, "retire") == 0;
	const struct transition *move = transition_require(field_transitions, "custom field",
		action, is_retire ? "retired" : "reinstated", command_before_text(in, "status"),
		problem);
	if (move == NULL)
		return false;
	json_object_set_new(out->fields, "set", json_pack("{s:s}", "status", move->to));
	out->event = is_retire ? "custom_field.retired" : "custom_field.reinstated";
	return true;
}

/* ---- values ---- */

static bool is_plain(unsigned char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
	       (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_';
}

/* A name as part of a JSON pointer in a fragment. */
static const char *place_of(const char *where, const char *key, struct arena *arena)
{
	struct text text = TEXT_INIT;
	text_append_string(&text, where);
	text_append_char(&text, '/');
	for (const unsigned char *byte = (const unsigned char *)key; *byte != '\0'; byte++) {
		if (*byte == '~' || *byte == '/')
			text_append_string(&text, *byte == '~' ? "~0" : "~1");
		else if (is_plain(*byte))
			text_append_char(&text, (char)*byte);
		else
			text_appendf(&text, "%%%02X", *byte);
	}
	const char *place = arena_strndup(arena, text.bytes, text.length);
	text_release(&text);
	return place;
}

static enum given_type type_of(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING: return GIVEN_TEXT;
	case JSON_INTEGER: return GIVEN_INTEGER;
	case JSON_REAL: return GIVEN_REAL;
	case JSON_TRUE:
	case JSON_FALSE: return GIVEN_BOOLEAN;
	default: return GIVEN_NULL;
	}
}

/* The definitions of one side's member; whether anything is defined at all. */
static struct field_set set_of(const struct command_input *in, bool is_vendors)
{
	struct arena *arena = in->request->arena;
	const json_t *rows = row_json(in->facts, "field_definitions", arena), *row;
	struct field_definition *definitions =
		arena_alloc(arena, (json_array_size(rows) + 1) * sizeof *definitions);
	struct field_set set = { .definitions = definitions,
		.where = is_vendors ? "#/vendor_custom_fields" : "#/custom_fields" };
	size_t index;
	json_array_foreach (rows, index, row) {
		struct field_definition definition = definition_read(row, arena);
		if (definition.is_vendors == is_vendors)
			definitions[set.definition_count++] = definition;
	}
	set.is_free = !is_vendors && set.definition_count == 0;
	return set;
}

static bool check_values(const struct command_input *in, const struct field_set *set,
	const json_t *given, struct problem *problem)
{
	struct arena *arena = in->request->arena;
	struct field_value values[MOST_FIELDS];
	size_t count = 0;
	const char *key;
	json_t *value;
	json_object_foreach ((json_t *)given, key, value) {
		if (count == MOST_FIELDS)
			break;
		values[count++] = (struct field_value){ .key = key,
			.where = place_of(set->where, key, arena),
			.type = type_of(value),
			.text = json_string_value(value) };
	}
	return field_values_check(set, values, count, arena, problem);
}

bool custom_fields_check(
	const struct command_input *in, enum field_duty duty, struct problem *problem)
{
	const json_t *own = json_object_get(in->body, "vendor_custom_fields");
	struct field_set set = set_of(in, false);
	set.duty = duty;
	check_values(in, &set, json_object_get(in->body, "custom_fields"), problem);
	if (own == NULL)
		return !problem->is_set;
	if (actor_side(in->actor) != SIDE_VENDOR) {
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/vendor_custom_fields",
			VIOLATION_unknown_field, "Unknown field.");
		return false;
	}
	set = set_of(in, true);
	return check_values(in, &set, own, problem);
}

bool custom_fields_are_complete(const struct command_input *in, struct problem *problem)
{
	struct arena *arena = in->request->arena;
	struct field_set set = set_of(in, false);
	json_t *row = json_loads(in->before, 0, NULL);
	arena_defer(arena, (void (*)(void *))json_decref, row);
	const json_t *values = json_object_get(row, "custom_fields");
	for (size_t i = 0; i < set.definition_count; i++) {
		const struct field_definition *definition = &set.definitions[i];
		const json_t *value = json_object_get(values, definition->key);
		if (definition->is_required && (value == NULL || json_is_null(value)))
			problem_add(problem, arena, PLACE_POINTER,
				arena_printf(arena, "%s/%s", set.where, definition->key),
				VIOLATION_required, "Fill it in before the deal is submitted.");
	}
	return !problem->is_set;
}

const struct endpoint custom_field_endpoints[] = {
	{ .operation_id = "listCustomFields", .list = &field_list },
	{ .operation_id = "getCustomField", .resource = &field_resource, .get = true },
	{ .operation_id = "createCustomField",
		.resource = &field_resource,
		.decide = decide_create,
		.write = "custom_field_create",
		.creates = true },
	{ .operation_id = "updateCustomField",
		.resource = &field_resource,
		.decide = decide_update,
		.write = "custom_field_change" },
	{ .operation_id = "retireCustomField",
		.resource = &field_resource,
		.decide = decide_move,
		.write = "custom_field_change" },
	{ .operation_id = "reinstateCustomField",
		.resource = &field_resource,
		.decide = decide_move,
		.write = "custom_field_change" },
	{ 0 },
};
