/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pairs each operation of the contract with its row of api/ and loads the shape of every resource
 * that a row names. Made once at start; a fault here keeps the server from starting.
 */
#include "bindings.h"

#include <string.h>

static bool bind(struct bindings *bindings, const struct endpoint *endpoint, struct text *reterr)
{
	const struct operation *operation =
		contract_operation_by_id(bindings->contract, endpoint->operation_id);
	if (operation == NULL) {
		text_appendf(reterr, "row '%s' has no operation in the contract\n",
			endpoint->operation_id);
		return false;
	}
	if (bindings->by_operation[operation->index] != NULL) {
		text_appendf(reterr, "operation '%s' has two rows\n", endpoint->operation_id);
		return false;
	}
	bindings->by_operation[operation->index] = endpoint;
	return true;
}

static bool load_shape(struct bindings *bindings, struct db *db, const struct resource *resource,
	struct text *reterr)
{
	if (resource == NULL || bindings_shape(bindings, resource) != NULL)
		return true;
	struct shape *shape =
		bindings->shape_count < BINDINGS_MAX_SHAPES
			? shape_load(bindings->arena, db, bindings->contract, resource, reterr)
			: NULL;
	if (shape == NULL)
		return false;
	bindings->shapes[bindings->shape_count++] = shape;
	return true;
}

static bool load_shapes(struct bindings *bindings, struct db *db, const struct endpoint *endpoint,
	struct text *reterr)
{
	const struct list *list = endpoint->list;
	return load_shape(bindings, db, endpoint->resource, reterr) &&
	       (list == NULL || (load_shape(bindings, db, list->resource, reterr) &&
					load_shape(bindings, db, list->parent, reterr)));
}

static bool bind_group(
	struct bindings *bindings, const struct endpoint *endpoint, struct text *reterr)
{
	bool good = true;
	for (; endpoint->operation_id != NULL; endpoint++)
		good = bind(bindings, endpoint, reterr) && good;
	return good;
}

/* What it takes to read a resource is what its GET asks for; no GET, no reader. */
static void note_reader(struct bindings *bindings, const struct operation *operation,
	const struct endpoint *endpoint)
{
	for (size_t i = 0; endpoint->get && i < bindings->shape_count; i++) {
		struct shape *shape = bindings->shapes[i];
		if (shape->resource != endpoint->resource)
			continue;
		shape->is_readable = true;
		for (const char *const *name = operation->scopes; *name != NULL; name++) {
			enum scope scope;
			if (scope_parse(*name, strlen(*name), &scope))
				shape->read_scopes |= UINT64_C(1) << scope;
		}
	}
}

/* Stops at the first that cannot be read: the database is then not what it should be. */
static bool load_all_shapes(struct bindings *bindings, struct db *db, struct text *reterr)
{
	for (size_t i = 0; i < contract_operation_count(bindings->contract); i++) {
		const struct endpoint *endpoint = bindings->by_operation[i];
		if (endpoint == NULL)
			continue;
		if (!load_shapes(bindings, db, endpoint, reterr))
			return false;
		note_reader(bindings, contract_operation(bindings->contract, i), endpoint);
	}
	return true;
}

struct bindings *bindings_make(const struct contract *contract, struct db *db,
	const struct endpoint *const *groups, struct text *reterr)
{
	struct arena *arena = arena_new();
	struct bindings *bindings = arena_zalloc(arena, sizeof *bindings);
	size_t count = contract_operation_count(contract);
	bindings->arena = arena;
	bindings->contract = contract;
	bindings->by_operation = arena_zalloc(arena, (count + 1) * sizeof(struct endpoint *));
	bool good = true;
	for (; *groups != NULL; groups++)
		good = bind_group(bindings, *groups, reterr) && good;
	good = load_all_shapes(bindings, db, reterr) && bindings_check(bindings, reterr) && good;
	return good ? bindings : bindings_free(bindings);
}

struct bindings *bindings_free(struct bindings *bindings)
{
	if (bindings != NULL)
		arena_free(bindings->arena);
	return NULL;
}

const struct endpoint *bindings_endpoint(
	const struct bindings *bindings, const struct operation *operation)
{
	return bindings->by_operation[operation->index];
}

const struct shape *bindings_shape(const struct bindings *bindings, const struct resource *resource)
{
	for (size_t i = 0; i < bindings->shape_count; i++)
		if (bindings->shapes[i]->resource == resource)
			return bindings->shapes[i];
	return NULL;
}

const struct shape *bindings_shape_by_object(const struct bindings *bindings, const char *object)
{
	for (size_t i = 0; object != NULL && i < bindings->shape_count; i++)
		if (strcmp(bindings->shapes[i]->resource->object, object) == 0)
			return bindings->shapes[i];
	return NULL;
}

const char *bindings_readable(
	const struct bindings *bindings, scope_set scopes, struct arena *arena)
{
	const char *list = "{";
	for (size_t i = 0; i < bindings->shape_count; i++) {
		const struct shape *shape = bindings->shapes[i];
		if (shape->is_readable && (shape->read_scopes & ~scopes) == 0)
			list = arena_printf(arena, "%s%s%s", list, list[1] != '\0' ? "," : "",
				shape->resource->object);
	}
	return arena_printf(arena, "%s}", list);
}
