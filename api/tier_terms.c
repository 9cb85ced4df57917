/* SPDX-License-Identifier: Apache-2.0 */
/* Reads terms of tiers and entries of the benefit catalogue from JSON that has been checked. */
#include "tier_terms.h"

#include <string.h>

static void decref(void *value)
{
	json_decref(value);
}

json_t *facts_json(const struct command_input *in, const char *column)
{
	const char *text = rows_text(in->facts, column);
	if (text == NULL)
		return NULL;
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);
	arena_defer(in->request->arena, decref, value);
	return value;
}

static const char *text_of(const json_t *object, const char *member)
{
	return json_string_value(json_object_get(object, member));
}

static int64_t int_of(const json_t *object, const char *member)
{
	return json_integer_value(json_object_get(object, member));
}

void benefit_read(const json_t *entry, struct benefit *ret_benefit)
{
	const json_t *choices = json_object_get(entry, "choices"), *choice;
	const char *status = text_of(entry, "status"), *kind = text_of(entry, "kind");
	size_t index;
	*ret_benefit = (struct benefit){
		.key = text_of(entry, "key"),
		.better = benefit_better_parse(text_of(entry, "better")),
		.unit = text_of(entry, "unit"),
		.is_retired = status != NULL && strcmp(status, "retired") == 0,
	};
	if (kind != NULL)
		benefit_kind_parse(kind, &ret_benefit->kind);
	json_array_foreach ((json_t *)choices, index, choice)
		if (ret_benefit->choice_count < BENEFIT_MAX_CHOICES)
			ret_benefit->choices[ret_benefit->choice_count++] =
				json_string_value(choice);
}

struct benefit_value benefit_value_read(const json_t *value)
{
	if (json_is_boolean(value))
		return (struct benefit_value){ VALUE_BOOLEAN, json_is_true(value), NULL };
	if (json_is_integer(value))
		return (struct benefit_value){ VALUE_INTEGER, json_integer_value(value), NULL };
	return (struct benefit_value){ VALUE_STRING, 0, json_string_value(value) };
}

static const struct benefit *entry_find(
	const json_t *catalogue, const char *key, struct arena *arena)
{
	const json_t *found = json_object_get(catalogue, key);
	if (found == NULL)
		return NULL;
	struct benefit *entry = arena_alloc(arena, sizeof *entry);
	benefit_read(found, entry);
	return entry;
}

static const struct tier_benefit *benefits_read(
	const json_t *list, const json_t *catalogue, struct arena *arena)
{
	struct tier_benefit *benefits =
		arena_zalloc(arena, (json_array_size(list) + 1) * sizeof *benefits);
	size_t index;
	json_t *item;
	json_array_foreach ((json_t *)list, index, item) {
		const char *key = text_of(item, "key");
		benefits[index] = (struct tier_benefit){
			.key = key,
			.entry = entry_find(catalogue, key, arena),
			.value = benefit_value_read(json_object_get(item, "value")),
		};
	}
	return benefits;
}

static const struct tier_requirement *requirements_read(const json_t *list, struct arena *arena)
{
	struct tier_requirement *requirements =
		arena_zalloc(arena, (json_array_size(list) + 1) * sizeof *requirements);
	size_t index;
	json_t *item;
	json_array_foreach ((json_t *)list, index, item) {
		requirements[index] = (struct tier_requirement){
			.metric = text_of(item, "metric"),
			.is_most = strcmp(text_of(item, "comparison"), "lte") == 0,
			.value = int_of(item, "value"),
			.window_days = int_of(item, "window_days"),
		};
	}
	return requirements;
}

const struct tier_terms *terms_read(
	const json_t *terms, const json_t *catalogue, struct arena *arena)
{
	const json_t *benefits = json_object_get(terms, "benefits"),
		     *requirements = json_object_get(terms, "requirements");
	struct tier_terms *read = arena_zalloc(arena, sizeof *read);
	*read = (struct tier_terms){
		.band = { int_of(terms, "floor_bps"), int_of(terms, "base_bps"),
			int_of(terms, "cap_bps") },
		.benefits = benefits_read(benefits, catalogue, arena),
		.benefit_count = json_array_size(benefits),
		.requirements = requirements_read(requirements, arena),
		.requirement_count = json_array_size(requirements),
	};
	return read;
}
