/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about a compiled schema, asked by the engines, `partnerd check` and GET /v1/meta. */
#include <string.h>

#include "contract/schema_node.h"

const struct schema *schema_follow(const struct schema *schema)
{
	while (schema->target)
		schema = schema->target;
	return schema;
}

const struct property *schema_find_property(const struct schema *schema, const char *name)
{
	size_t low = 0, high = schema->property_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, schema->by_name[middle]->name);

		if (order == 0)
			return schema->by_name[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

bool schema_has_property(const struct schema *schema, const char *name)
{
	return schema_find_property(schema_follow(schema), name);
}

const struct schema *schema_property(const struct schema *schema, const char *name)
{
	const struct property *property = schema_find_property(schema_follow(schema), name);

	return property ? property->schema : NULL;
}

const struct schema *schema_items(const struct schema *schema)
{
	return schema_follow(schema)->items;
}

const char *schema_property_name(const struct schema *schema, size_t index)
{
	const struct schema *object = schema_follow(schema);

	return index < object->property_count ? object->properties[index].name : NULL;
}

bool schema_is_required(const struct schema *schema, const char *name)
{
	const struct property *property = schema_find_property(schema_follow(schema), name);

	return property && property->required;
}

const char *schema_enum_at(const struct schema *schema, size_t index)
{
	const json_t *values = schema_follow(schema)->enum_values;
	const json_t *value;
	size_t at;

	json_array_foreach (values, at, value) {
		if (!json_is_string(value))
			continue;
		if (index == 0)
			return json_string_value(value);
		index--;
	}
	return NULL;
}

const json_t *schema_default(const struct schema *schema)
{
	for (; schema; schema = schema->target)
		if (schema->default_value)
			return schema->default_value;
	return NULL;
}
