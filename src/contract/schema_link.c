/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Second pass: what can only be said when every node has been read. Chains of $ref must end; allOf
 * becomes one list of properties; required names must exist; each branch of oneOf must tell itself
 * by a constant of its own, so that choosing a branch is a look-up and means the same as trying
 * them all; a default must obey its schema.
 */
#include <stdlib.h>
#include <string.h>

#include "contract/schema_node.h"

#define FAIL(compiler, schema, ...) \
	pointer_fail((compiler)->reterr, POINTER_ROOT((schema)->where), __VA_ARGS__)

static bool check_alias(struct schema_compiler *compiler, const struct schema *schema)
{
	const struct schema *slow = schema, *fast = schema->target;

	while (fast && fast->target) {
		if (fast == slow || fast->target == slow)
			return FAIL(compiler, schema, "$ref leads back to itself");
		slow = slow->target;
		fast = fast->target->target;
	}
	return true;
}

static int compare_names(const void *a, const void *b)
{
	const struct property *const *left = a, *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

/* The index by name, made once the list of properties is final. */
static bool index_properties(struct schema_compiler *compiler, struct schema *schema)
{
	size_t count = schema->property_count;

	schema->by_name = arena_alloc(compiler->arena, (count + 1) * sizeof(*schema->by_name));
	for (size_t i = 0; i < count; i++) {
		struct property *property = &schema->properties[i];

		schema->by_name[i] = property;
		property->read_only =
			property->schema->read_only || schema_follow(property->schema)->read_only;
	}
	qsort(schema->by_name, count, sizeof(*schema->by_name), compare_names);
	for (size_t i = 1; i < count; i++)
		if (strcmp(schema->by_name[i - 1]->name, schema->by_name[i]->name) == 0)
			return FAIL(compiler, schema,
				"property '%.100s' stands in two branches of allOf",
				schema->by_name[i]->name);
	return true;
}

static bool mark_required(struct schema_compiler *compiler, struct schema *schema,
	const json_t *names, bool is_strict)
{
	const json_t *name;
	size_t i;

	json_array_foreach (names, i, name) {
		struct property *property =
			(struct property *)schema_find_property(schema, json_string_value(name));

		if (property)
			property->required = true;
		else if (is_strict)
			return FAIL(compiler, schema, "required name '%.100s' is not a property",
				json_string_value(name));
	}
	return true;
}

static bool link_object(struct schema_compiler *compiler, struct schema *schema);

/* Appends the properties of one branch; only objects that say nothing else can be merged. */
static bool merge_branch(
	struct schema_compiler *compiler, struct schema *schema, const struct schema *branch)
{
	struct schema *from = (struct schema *)schema_follow(branch);
	size_t count = schema->property_count;
	struct property *all;

	if (from->has_constraints || from->discriminator || branch->allows_null ||
		(from->types != 0 && from->types != SCHEMA_OBJECT))
		return FAIL(compiler, schema, "a branch of allOf is more than an open object");
	if (!link_object(compiler, from))
		return false;
	all = arena_zalloc(compiler->arena, (count + from->property_count + 1) * sizeof(*all));
	if (count > 0)
		memcpy(all, schema->properties, count * sizeof(*all));
	if (from->property_count > 0)
		memcpy(all + count, from->properties, from->property_count * sizeof(*all));
	schema->properties = all;
	schema->property_count = count + from->property_count;
	schema->types |= from->types;
	return true;
}

static bool merge_branches(struct schema_compiler *compiler, struct schema *schema)
{
	for (size_t i = 0; i < schema->branch_count; i++)
		if (!merge_branch(compiler, schema, schema->branches[i]))
			return false;
	return true;
}

static bool link_required(struct schema_compiler *compiler, struct schema *schema)
{
	for (size_t i = 0; i < schema->branch_count; i++) {
		const struct schema *branch = schema_follow(schema->branches[i]);

		if (!mark_required(compiler, schema, branch->required, !schema->is_branch))
			return false;
	}
	return mark_required(compiler, schema, schema->required, !schema->is_branch);
}

/* Properties, allOf and required of one object, its branches first. */
static bool link_object(struct schema_compiler *compiler, struct schema *schema)
{
	bool is_all_of = schema->branches && !schema->discriminator;

	if (schema->state == LINK_DONE || schema->target)
		return true;
	if (schema->state == LINK_BUSY)
		return FAIL(compiler, schema, "allOf leads back to itself");
	schema->state = LINK_BUSY;
	if (is_all_of && !merge_branches(compiler, schema))
		return false;
	if (!index_properties(compiler, schema))
		return false;
	if (is_all_of ? !link_required(compiler, schema)
		      : !mark_required(compiler, schema, schema->required, !schema->is_branch))
		return false;
	schema->state = LINK_DONE;
	return true;
}

static bool add_tag(struct schema_compiler *compiler, struct schema *schema, const json_t *tag,
	const struct schema *branch)
{
	if (!json_is_string(tag))
		return FAIL(compiler, schema, "values of the discriminator must be strings");
	for (size_t i = 0; i < schema->variant_count; i++)
		if (strcmp(schema->variants[i].tag, json_string_value(tag)) == 0)
			return FAIL(compiler, schema, "'%.60s' stands in two branches of oneOf",
				json_string_value(tag));
	schema->variants[schema->variant_count++] =
		(struct variant){ json_string_value(tag), branch };
	return true;
}

/* The constant, or the values of the enum, by which a branch tells itself. */
static bool add_tags(
	struct schema_compiler *compiler, struct schema *schema, const struct schema *branch)
{
	const struct property *property = schema_find_property(branch, schema->discriminator);
	const struct schema *tags = property ? schema_follow(property->schema) : NULL;
	size_t count = tags ? json_array_size(tags->enum_values) + (tags->const_value != NULL) : 0;
	struct variant *all;

	if (branch->types != SCHEMA_OBJECT || branch->discriminator || count == 0 ||
		!property->required)
		return FAIL(compiler, schema,
			"a branch of oneOf needs type object and '%.60s', required and constant",
			schema->discriminator);
	all = arena_zalloc(compiler->arena, (schema->variant_count + count) * sizeof(*all));
	if (schema->variant_count > 0)
		memcpy(all, schema->variants, schema->variant_count * sizeof(*all));
	schema->variants = all;
	if (tags->const_value)
		return add_tag(compiler, schema, tags->const_value, branch);
	for (size_t i = 0; i < count; i++)
		if (!add_tag(compiler, schema, json_array_get(tags->enum_values, i), branch))
			return false;
	return true;
}

static const struct schema *find_variant(const struct schema *schema, const char *tag)
{
	for (size_t i = 0; i < schema->variant_count; i++)
		if (strcmp(schema->variants[i].tag, tag) == 0)
			return schema->variants[i].schema;
	return NULL;
}

static const struct schema *find_target(const struct schema_compiler *compiler, const json_t *node)
{
	for (const struct schema_target *target = compiler->targets; target; target = target->next)
		if (target->node == node)
			return schema_follow(target->schema);
	return NULL;
}

/* A mapping is for other tools; it must say what the constants of the branches say. */
static bool check_mapping(struct schema_compiler *compiler, const struct schema *schema)
{
	const char *tag;
	json_t *reference;

	json_object_foreach ((json_t *)schema->mapping, tag, reference) {
		const char *text = json_string_value(reference);
		const json_t *node = text ? pointer_resolve(compiler->document, text) : NULL;
		const struct schema *variant = find_variant(schema, tag);

		if (!node || !variant || find_target(compiler, node) != variant)
			return FAIL(compiler, schema,
				"mapping of '%.60s' disagrees with the branches", tag);
	}
	return true;
}

static bool link_variants(struct schema_compiler *compiler, struct schema *schema)
{
	for (size_t i = 0; i < schema->branch_count; i++) {
		if (schema->branches[i]->allows_null)
			return FAIL(compiler, schema, "a branch of oneOf must not allow null");
		if (!add_tags(compiler, schema, schema_follow(schema->branches[i])))
			return false;
	}
	return check_mapping(compiler, schema);
}

/* In oneOf exactly one branch must match: null is refused where it would match twice. */
static bool check_null(struct schema_compiler *compiler, const struct schema *schema)
{
	const struct schema *target = schema->target;

	if (!schema->allows_null || !schema->has_one_of)
		return true;
	for (; target; target = target->target)
		if (target->allows_null ||
			(!target->target && (target->types == 0 || (target->types & SCHEMA_NULL))))
			return FAIL(compiler, schema, "null matches two branches of oneOf");
	return true;
}

static bool check_names(struct schema_compiler *compiler, const struct schema *schema)
{
	const struct schema *names = schema->names ? schema_follow(schema->names) : NULL;

	if (!names || ((names->types == 0 || names->types == SCHEMA_STRING) &&
			      !names->enum_values && !names->const_value && !names->branches))
		return true;
	return FAIL(compiler, schema, "propertyNames takes lengths, pattern and format only");
}

static bool check_default(struct schema_compiler *compiler, const struct schema *schema)
{
	struct problem problem = PROBLEM_INIT;

	if (!schema->default_value || schema_validate(schema, /* output= */ NULL,
					      schema->default_value, compiler->arena, &problem))
		return true;
	return FAIL(compiler, schema, "the default does not obey the schema");
}

bool schema_compiler_link(struct schema_compiler *compiler)
{
	struct schema *schemas = compiler->pending;

	compiler->pending = NULL;
	for (struct schema *schema = schemas; schema; schema = schema->next)
		if (!check_alias(compiler, schema))
			return false;
	for (struct schema *schema = schemas; schema; schema = schema->next)
		if (!link_object(compiler, schema))
			return false;
	for (struct schema *schema = schemas; schema; schema = schema->next)
		if (schema->discriminator && !link_variants(compiler, schema))
			return false;
	for (struct schema *schema = schemas; schema; schema = schema->next)
		if (!check_null(compiler, schema) || !check_names(compiler, schema) ||
			!check_default(compiler, schema))
			return false;
	return true;
}
