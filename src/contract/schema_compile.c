/* SPDX-License-Identifier: Apache-2.0 */
/*
 * First pass: one node of JSON Schema to one struct schema. Every keyword is a row of `keywords`;
 * what has no row and does not begin with "x-" is an error, so nothing a contract says can be
 * ignored by accident. A new keyword needs a row, a function that fills a member of struct schema,
 * and its check in schema_validate.c. $ref targets are compiled once and may point at themselves.
 */
#include <stdlib.h>
#include <string.h>

#include "contract/schema_node.h"

#define DEPTH_MAX 200

/* What a keyword does to a schema decides which others may stand beside it. */
enum keyword_kind {
	KIND_ANNOTATION = 1 << 0,
	KIND_TYPE = 1 << 1,
	KIND_SHAPE = 1 << 2, /* properties and required: may stand beside allOf */
	KIND_CONSTRAINT = 1 << 3,
	KIND_REF = 1 << 4,
	KIND_ONE_OF = 1 << 5,
	KIND_ANY_OF = 1 << 6,
	KIND_ALL_OF = 1 << 7,
	KIND_DISCRIMINATOR = 1 << 8,
};

struct keyword;

/* The node at hand. */
struct build {
	struct schema_compiler *compiler;
	struct schema *schema;
	const struct pointer *where; /* of the keyword while it is compiled */
	const struct keyword *keyword;
};

struct keyword {
	const char *name;
	enum keyword_kind kind;
	bool (*compile)(struct build *build, const json_t *value);
	size_t offset; /* of the member that the generic functions set */
};

#define FAIL(build, ...) pointer_fail((build)->compiler->reterr, (build)->where, __VA_ARGS__)

static void *target_of(const struct build *build)
{
	return (char *)build->schema + build->keyword->offset;
}

static bool compile_nothing(struct build *build, const json_t *value)
{
	(void)build;
	(void)value;
	return true;
}

static bool compile_flag(struct build *build, const json_t *value)
{
	if (!json_is_boolean(value))
		return FAIL(build, "must be a boolean");
	*(bool *)target_of(build) = json_is_true(value);
	return true;
}

static bool compile_value(struct build *build, const json_t *value)
{
	*(const json_t **)target_of(build) = value;
	return true;
}

static bool compile_string(struct build *build, const json_t *value)
{
	if (!json_is_string(value))
		return FAIL(build, "must be a string");
	*(const char **)target_of(build) = json_string_value(value);
	return true;
}

static bool compile_size(struct build *build, const json_t *value)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return FAIL(build, "must be a whole number that is not negative");
	*(size_t *)target_of(build) = (size_t)json_integer_value(value);
	return true;
}

static bool compile_bound(struct build *build, const json_t *value)
{
	struct bound *bound = target_of(build);

	if (!json_is_number(value))
		return FAIL(build, "must be a number");
	bound->is_set = true;
	bound->value = json_is_integer(value) ? (long double)json_integer_value(value)
					      : (long double)json_real_value(value);
	return true;
}

static bool compile_multiple(struct build *build, const json_t *value)
{
	if (!json_is_integer(value) || json_integer_value(value) < 1)
		return FAIL(build, "must be a positive whole number");
	build->schema->multiple_of = json_integer_value(value);
	return true;
}

static unsigned type_bit(const char *name)
{
	static const char *const names[] = { "null", "boolean", "integer", "number", "string",
		"array", "object" };

	for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (name && strcmp(name, names[i]) == 0)
			return 1u << i;
	return 0;
}

static bool compile_type(struct build *build, const json_t *value)
{
	size_t count = json_is_array(value) ? json_array_size(value) : 1;

	for (size_t i = 0; i < count; i++) {
		const json_t *one = json_is_array(value) ? json_array_get(value, i) : value;
		unsigned bit = type_bit(json_string_value(one));

		if (bit == 0)
			return FAIL(build, "is not a JSON type");
		build->schema->types |= bit;
	}
	return build->schema->types != 0 || FAIL(build, "must not be empty");
}

static bool compile_enum(struct build *build, const json_t *value)
{
	if (json_array_size(value) == 0)
		return FAIL(build, "must be a list that is not empty");
	build->schema->enum_values = value;
	return true;
}

static bool compile_pattern(struct build *build, const json_t *value)
{
	struct text error = TEXT_INIT;
	bool is_fine;

	if (!json_is_string(value))
		return FAIL(build, "must be a string");
	build->schema->pattern =
		pattern_compile(build->compiler->arena, json_string_value(value), &error);
	is_fine = build->schema->pattern || FAIL(build, "%s", error.bytes);
	text_release(&error);
	return is_fine;
}

static void tighten(struct schema *schema, long double low, long double high)
{
	if (!schema->minimum.is_set || schema->minimum.value < low)
		schema->minimum = (struct bound){ true, low };
	if (!schema->maximum.is_set || schema->maximum.value > high)
		schema->maximum = (struct bound){ true, high };
}

/* int32 and int64 are ranges; finish_range applies them when all bounds are known. */
static bool compile_format(struct build *build, const json_t *value)
{
	const char *name = json_string_value(value);

	if (!name)
		return FAIL(build, "must be a string");
	if (strcmp(name, "int32") == 0 || strcmp(name, "int64") == 0)
		return true;
	build->schema->format = format_find(name);
	return build->schema->format || FAIL(build, "format '%.60s' is not supported", name);
}

static bool compile_items(struct build *build, const json_t *value)
{
	build->schema->items = schema_compiler_add(build->compiler, value, build->where);
	return build->schema->items;
}

static bool compile_names(struct build *build, const json_t *value)
{
	build->schema->names = schema_compiler_add(build->compiler, value, build->where);
	return build->schema->names;
}

static bool compile_additional(struct build *build, const json_t *value)
{
	build->schema->is_closed = json_is_false(value);
	if (json_is_boolean(value))
		return true;
	build->schema->additional = schema_compiler_add(build->compiler, value, build->where);
	return build->schema->additional;
}

static bool compile_properties(struct build *build, const json_t *value)
{
	struct schema *schema = build->schema;
	const char *name;
	json_t *node;

	if (!json_is_object(value))
		return FAIL(build, "must be an object");
	schema->properties = arena_zalloc(build->compiler->arena,
		(json_object_size(value) + 1) * sizeof(*schema->properties));
	json_object_foreach ((json_t *)value, name, node) {
		struct property *property = &schema->properties[schema->property_count++];

		property->name = name;
		property->schema = schema_compiler_add(
			build->compiler, node, POINTER_MEMBER(build->where, name));
		if (!property->schema)
			return false;
	}
	return true;
}

static bool compile_required(struct build *build, const json_t *value)
{
	const json_t *name;
	size_t i;

	if (!json_is_array(value))
		return FAIL(build, "must be a list");
	json_array_foreach (value, i, name)
		if (!json_is_string(name))
			return FAIL(build, "must be a list of names");
	build->schema->required = value;
	return true;
}

static struct schema *find_target(struct schema_compiler *compiler, const json_t *node)
{
	for (struct schema_target *target = compiler->targets; target; target = target->next)
		if (target->node == node)
			return target->schema;
	return NULL;
}

static bool fill_schema(struct schema_compiler *compiler, struct schema *schema, const json_t *node,
	const struct pointer *where);

static struct schema *schema_new(struct schema_compiler *compiler, const struct pointer *where)
{
	struct schema *schema = arena_zalloc(compiler->arena, sizeof(*schema));

	schema->max_length = schema->max_items = schema->max_properties = SIZE_MAX;
	schema->where = pointer_render(compiler->arena, where);
	schema->next = compiler->pending;
	compiler->pending = schema;
	return schema;
}

/* The target is known before it is compiled, so that it may refer to itself. */
static bool compile_ref(struct build *build, const json_t *value)
{
	struct schema_compiler *compiler = build->compiler;
	const char *reference = json_string_value(value);
	const json_t *node = reference ? pointer_resolve(compiler->document, reference) : NULL;
	struct schema *schema;
	struct schema_target *target;

	if (!node)
		return FAIL(build, "'%.100s' leads nowhere", reference ? reference : "");
	schema = find_target(compiler, node);
	if (!schema) {
		const struct pointer *root = POINTER_ROOT(reference);

		schema = schema_new(compiler, root);
		target = arena_zalloc(compiler->arena, sizeof(*target));
		*target = (struct schema_target){ compiler->targets, node, schema };
		compiler->targets = target;
		if (!fill_schema(compiler, schema, node, root))
			return false;
	}
	build->schema->target = schema;
	return true;
}

/* The branches of allOf, oneOf and anyOf; {type: 'null'} becomes a flag. */
static bool compile_branches(struct build *build, const json_t *value)
{
	struct schema *schema = build->schema;
	bool is_all = build->keyword->kind == KIND_ALL_OF;
	const json_t *node;
	size_t i;

	if (json_array_size(value) == 0 || schema->branches)
		return FAIL(build, "must be a list that is not empty, and the only one");
	schema->branches = arena_zalloc(
		build->compiler->arena, json_array_size(value) * sizeof(struct schema *));
	json_array_foreach (value, i, node) {
		const char *type = json_string_value(json_object_get(node, "type"));
		struct schema *branch;

		if (!is_all && json_object_size(node) == 1 && type && strcmp(type, "null") == 0) {
			schema->allows_null = true;
			continue;
		}
		branch = schema_compiler_add(build->compiler, node, POINTER_ITEM(build->where, i));
		if (!branch)
			return false;
		branch->is_branch = is_all;
		schema->branches[schema->branch_count++] = branch;
	}
	return true;
}

static bool compile_discriminator(struct build *build, const json_t *value)
{
	const char *name;
	json_t *inner;

	json_object_foreach ((json_t *)value, name, inner) {
		if (strcmp(name, "propertyName") == 0 && json_is_string(inner))
			build->schema->discriminator = json_string_value(inner);
		else if (strcmp(name, "mapping") == 0 && json_is_object(inner))
			build->schema->mapping = inner;
		else
			return FAIL(build, "'%.60s' is not supported", name);
	}
	return build->schema->discriminator || FAIL(build, "lacks propertyName");
}

#define AT(name) offsetof(struct schema, name)

static const struct keyword keywords[] = {
	{ "type", KIND_TYPE, compile_type, 0 },
	{ "properties", KIND_SHAPE, compile_properties, 0 },
	{ "required", KIND_SHAPE, compile_required, 0 },
	{ "additionalProperties", KIND_CONSTRAINT, compile_additional, 0 },
	{ "propertyNames", KIND_CONSTRAINT, compile_names, 0 },
	{ "minProperties", KIND_CONSTRAINT, compile_size, AT(min_properties) },
	{ "maxProperties", KIND_CONSTRAINT, compile_size, AT(max_properties) },
	{ "items", KIND_CONSTRAINT, compile_items, 0 },
	{ "minItems", KIND_CONSTRAINT, compile_size, AT(min_items) },
	{ "maxItems", KIND_CONSTRAINT, compile_size, AT(max_items) },
	{ "uniqueItems", KIND_CONSTRAINT, compile_flag, AT(unique_items) },
	{ "enum", KIND_CONSTRAINT, compile_enum, 0 },
	{ "const", KIND_CONSTRAINT, compile_value, AT(const_value) },
	{ "minimum", KIND_CONSTRAINT, compile_bound, AT(minimum) },
	{ "maximum", KIND_CONSTRAINT, compile_bound, AT(maximum) },
	{ "exclusiveMinimum", KIND_CONSTRAINT, compile_bound, AT(above) },
	{ "exclusiveMaximum", KIND_CONSTRAINT, compile_bound, AT(below) },
	{ "multipleOf", KIND_CONSTRAINT, compile_multiple, 0 },
	{ "minLength", KIND_CONSTRAINT, compile_size, AT(min_length) },
	{ "maxLength", KIND_CONSTRAINT, compile_size, AT(max_length) },
	{ "pattern", KIND_CONSTRAINT, compile_pattern, 0 },
	{ "format", KIND_CONSTRAINT, compile_format, 0 },
	{ "x-message", KIND_CONSTRAINT, compile_string, AT(message) },
	{ "$ref", KIND_REF, compile_ref, 0 },
	{ "allOf", KIND_ALL_OF, compile_branches, 0 },
	{ "oneOf", KIND_ONE_OF, compile_branches, 0 },
	{ "anyOf", KIND_ANY_OF, compile_branches, 0 },
	{ "discriminator", KIND_DISCRIMINATOR, compile_discriminator, 0 },
	{ "default", KIND_ANNOTATION, compile_value, AT(default_value) },
	{ "readOnly", KIND_ANNOTATION, compile_flag, AT(read_only) },
	{ "writeOnly", KIND_ANNOTATION, compile_flag, AT(write_only) },
	{ "title", KIND_ANNOTATION, compile_nothing, 0 },
	{ "description", KIND_ANNOTATION, compile_nothing, 0 },
	{ "example", KIND_ANNOTATION, compile_nothing, 0 },
	{ "examples", KIND_ANNOTATION, compile_nothing, 0 },
	{ "deprecated", KIND_ANNOTATION, compile_nothing, 0 },
	{ "$comment", KIND_ANNOTATION, compile_nothing, 0 },
	{ "x-", KIND_ANNOTATION, compile_nothing, 0 },
};

static const struct keyword *keyword_find(const char *name)
{
	size_t count = sizeof(keywords) / sizeof(keywords[0]);

	for (size_t i = 0; i < count; i++)
		if (strcmp(keywords[i].name, name) == 0)
			return &keywords[i];
	return strncmp(name, "x-", 2) == 0 ? &keywords[count - 1] : NULL;
}

static bool compile_keyword(struct build *build, const char *name, const json_t *value)
{
	const struct pointer *where = build->where;
	const struct pointer member = { where, name, 0 };
	bool is_fine;

	build->keyword = keyword_find(name);
	build->where = &member;
	is_fine = build->keyword ? build->keyword->compile(build, value)
				 : FAIL(build, "the keyword is not supported");
	build->where = where;
	return is_fine;
}

static bool compile_keywords(struct build *build, const json_t *node, unsigned *ret_kinds)
{
	const char *name;
	json_t *value;

	json_object_foreach ((json_t *)node, name, value) {
		if (!compile_keyword(build, name, value))
			return false;
		*ret_kinds |= build->keyword->kind;
	}
	return true;
}

/* Which keywords may stand together. */
static bool check_kinds(struct build *build, unsigned kinds)
{
	const unsigned combining = KIND_REF | KIND_ONE_OF | KIND_ANY_OF | KIND_ALL_OF;
	const struct schema *schema = build->schema;
	unsigned found = kinds & combining;

	if (found & (found - 1))
		return FAIL(build, "$ref, oneOf, anyOf and allOf do not combine");
	if ((kinds & KIND_DISCRIMINATOR) && !(kinds & KIND_ONE_OF))
		return FAIL(build, "discriminator needs oneOf");
	if (found && (kinds & KIND_CONSTRAINT))
		return FAIL(
			build, "only annotations may stand beside $ref, oneOf, anyOf and allOf");
	if (found && found != KIND_ALL_OF && (kinds & KIND_SHAPE))
		return FAIL(build, "properties may stand beside allOf only");
	if ((kinds & KIND_REF) && (kinds & KIND_TYPE))
		return FAIL(build, "type may not stand beside $ref");
	if (found && (kinds & KIND_TYPE) && schema->types != SCHEMA_OBJECT)
		return FAIL(build, "only type object may stand beside oneOf, anyOf and allOf");
	if (schema->unique_items && schema->max_items > 1000)
		return FAIL(build, "uniqueItems needs maxItems of at most 1000");
	return true;
}

/* One branch, null aside: an alias. Several branches: oneOf needs a discriminator, anyOf cannot be
 * judged. */
static bool finish_branches(struct build *build, unsigned kinds)
{
	struct schema *schema = build->schema;

	if (!schema->branches)
		return true;
	schema->has_one_of = kinds & KIND_ONE_OF;
	if (schema->branch_count == 1 && !(kinds & (KIND_SHAPE | KIND_DISCRIMINATOR | KIND_TYPE))) {
		schema->target = schema->branches[0];
		schema->branch_count = 0;
		return true;
	}
	if (kinds & KIND_ANY_OF)
		return FAIL(build, "anyOf is only supported as one schema or null");
	if ((kinds & KIND_ONE_OF) && (!schema->discriminator || schema->branch_count == 0))
		return FAIL(build, "oneOf needs a discriminator");
	return true;
}

static void finish_range(struct schema *schema, const json_t *node)
{
	const char *format = json_string_value(json_object_get(node, "format"));

	if (format && strcmp(format, "int32") == 0)
		tighten(schema, INT32_MIN, INT32_MAX);
	else if (format && strcmp(format, "int64") == 0)
		tighten(schema, INT64_MIN, INT64_MAX);
}

static bool fill_schema(struct schema_compiler *compiler, struct schema *schema, const json_t *node,
	const struct pointer *where)
{
	struct build build = { compiler, schema, where, NULL };
	unsigned kinds = 0;
	bool is_fine;

	if (!json_is_object(node))
		return FAIL(&build, "a schema must be an object");
	if (compiler->depth == DEPTH_MAX)
		return FAIL(&build, "schemas are nested too deeply");
	compiler->depth++;
	is_fine = compile_keywords(&build, node, &kinds) && check_kinds(&build, kinds) &&
		  finish_branches(&build, kinds);
	compiler->depth--;
	schema->has_constraints = kinds & KIND_CONSTRAINT;
	finish_range(schema, node);
	return is_fine;
}

struct schema *schema_compiler_add(
	struct schema_compiler *compiler, const json_t *node, const struct pointer *where)
{
	struct schema *schema = schema_new(compiler, where);

	return fill_schema(compiler, schema, node, where) ? schema : NULL;
}

const struct schema *schema_compile(
	struct arena *arena, const json_t *document, const json_t *node, struct text *reterr)
{
	struct schema_compiler compiler = SCHEMA_COMPILER_INIT(arena, document, reterr);
	struct schema *schema = schema_compiler_add(&compiler, node, POINTER_ROOT("#"));

	return schema && schema_compiler_link(&compiler) ? schema : NULL;
}
