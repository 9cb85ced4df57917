/* SPDX-License-Identifier: Apache-2.0 */
/* What decide functions read from a command, and the merge patch that most updates are. */
#include <string.h>

#include "http/endpoint.h"

static void decref(void *value)
{
	json_decref(value);
}

static json_t *parse_on(struct arena *arena, const char *text)
{
	json_t *value = text != NULL ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
	if (value == NULL)
		value = json_object();
	arena_defer(arena, decref, value);
	return value;
}

const char *command_action(const struct command_input *in)
{
	const char *slash = strrchr(in->request->operation->path, '/');
	return slash + 1;
}

const char *command_before_text(const struct command_input *in, const char *member)
{
	const json_t *before = parse_on(in->request->arena, in->before);
	return json_string_value(json_object_get(before, member));
}

const char *command_body_text(const struct command_input *in, const char *member)
{
	return json_string_value(json_object_get(in->body, member));
}

int64_t command_body_int(const struct command_input *in, const char *member, int64_t otherwise)
{
	const json_t *value = json_object_get(in->body, member);
	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

void patch_columns(const struct command_input *in, json_t *set, const char *const *names)
{
	for (; *names != NULL; names++) {
		json_t *value = json_object_get(in->body, *names);
		if (value != NULL)
			json_object_set(set, *names, value);
	}
}

/* What a map may hold, however many patches it took (maxProperties of the contract). */
#define MAP_MAX_MEMBERS 50

bool patch_map(
	const struct command_input *in, json_t *set, const char *name, struct problem *problem)
{
	struct arena *arena = in->request->arena;
	const json_t *patch = json_object_get(in->body, name);
	if (patch == NULL)
		return true;
	const json_t *before = parse_on(arena, in->before), *there = json_object_get(before, name);
	if (there == NULL)
		there = json_object_get(before, arena_printf(arena, "vendor:%s", name));
	json_t *merged = json_is_object(there) ? json_copy((json_t *)there) : json_object();
	if (!json_is_object(patch))
		json_object_clear(merged); /* null: the map becomes empty */
	const char *key;
	json_t *value;
	json_object_foreach ((json_t *)patch, key, value) {
		if (json_is_null(value))
			json_object_del(merged, key);
		else
			json_object_set(merged, key, value);
	}
	json_object_set_new(set, name, merged);
	if (json_object_size(merged) <= MAP_MAX_MEMBERS)
		return true;
	problem_add(problem, arena, PLACE_POINTER, arena_printf(arena, "#/%s", name),
		VIOLATION_too_long, "At most %d members, with those that are there.",
		MAP_MAX_MEMBERS);
	return false;
}
