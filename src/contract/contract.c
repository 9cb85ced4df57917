/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contract from the embedded bytes to routed operations. Everything compiled lives on one arena
 * together with the document it points into, and nothing changes after contract_load, so all
 * threads share it without locks.
 */
#include "contract/contract.h"

#include <stdlib.h>
#include <string.h>

#include "contract/operations.h"
#include "contract/trie.h"

struct contract {
	struct arena *arena;
	struct slice yaml;
	json_t *document;
	char *json;
	struct operation *operations;
	size_t count;
	struct trie *trie;
};

/* Members of a path item that are methods, in the order of enum http_method. */
static const char *const method_names[METHOD_COUNT] = { "get", "post", "put", "patch", "delete" };
static const char *const path_item_members[] = { "get", "post", "put", "patch", "delete",
	"parameters", "summary", "description", NULL };

static bool check_version(struct schema_compiler *compiler)
{
	const char *version = json_string_value(json_object_get(compiler->document, "openapi"));

	return (version && strncmp(version, "3.1.", 4) == 0) ||
	       pointer_fail(compiler->reterr, POINTER_ROOT("#/openapi"), "must be 3.1");
}

static size_t count_operations(const json_t *paths)
{
	const char *path;
	json_t *item;
	size_t count = 0;

	json_object_foreach ((json_t *)paths, path, item)
		for (int i = 0; i < METHOD_COUNT; i++)
			count += json_object_get(item, method_names[i]) != NULL;
	return count;
}

/* A rule for all operations would be one that a new operation gets unasked. */
static bool check_security(const struct schema_compiler *compiler)
{
	const struct pointer *where = POINTER_MEMBER(POINTER_ROOT("#"), "security");

	return !json_object_get(compiler->document, "security") ||
	       pointer_fail(
		       compiler->reterr, where, "say who may call an operation at the operation");
}

static bool add_operation(struct contract *contract, struct schema_compiler *compiler,
	const struct operation *blank, const struct place *path_item, const struct place *own)
{
	struct operation *operation = &contract->operations[contract->count];
	const char *error;

	*operation = *blank;
	operation->index = contract->count;
	error = trie_add(contract->trie, contract->arena, operation);
	if (error)
		return pointer_fail(compiler->reterr, own->where, "%s", error);
	if (!operation_compile(compiler, operation, path_item, own))
		return false;
	if (contract_operation_by_id(contract, operation->id))
		return pointer_fail(compiler->reterr, own->where,
			"operationId '%.60s' is there twice", operation->id);
	contract->count++;
	return true;
}

static bool add_path(struct contract *contract, struct schema_compiler *compiler, const char *path,
	const struct place *path_item)
{
	if (!place_check_members(compiler, path_item, path_item_members))
		return false;
	for (int i = 0; i < METHOD_COUNT; i++) {
		const struct operation blank = { .path = path, .method = (enum http_method)i };
		const struct place own = { json_object_get(path_item->node, method_names[i]),
			POINTER_MEMBER(path_item->where, method_names[i]) };

		if (own.node && !add_operation(contract, compiler, &blank, path_item, &own))
			return false;
	}
	return true;
}

static bool add_paths(struct contract *contract, struct schema_compiler *compiler)
{
	const json_t *paths = json_object_get(contract->document, "paths");
	const struct pointer *where = POINTER_MEMBER(POINTER_ROOT("#"), "paths");
	const char *path;
	json_t *item;

	contract->trie = trie_new(contract->arena);
	contract->operations = arena_zalloc(
		contract->arena, (count_operations(paths) + 1) * sizeof(*contract->operations));
	json_object_foreach ((json_t *)paths, path, item) {
		const struct place place = { item, POINTER_MEMBER(where, path) };

		if (!add_path(contract, compiler, path, &place))
			return false;
	}
	return contract->count > 0 ||
	       pointer_fail(compiler->reterr, where, "there must be an operation");
}

static bool load(struct contract *contract, const char *yaml, size_t length, struct text *reterr)
{
	struct schema_compiler compiler = SCHEMA_COMPILER_INIT(contract->arena, NULL, reterr);

	contract->yaml = (struct slice){ arena_strndup(contract->arena, yaml, length), length };
	contract->document = yaml_to_json(yaml, length, reterr);
	if (!contract->document)
		return false;
	compiler.document = contract->document;
	if (!check_version(&compiler) || !check_security(&compiler) ||
		!add_paths(contract, &compiler))
		return false;
	contract->json = json_dumps(contract->document, JSON_COMPACT);
	if (!contract->json)
		text_append_string(reterr, "out of memory");
	return contract->json;
}

struct contract *contract_load(const char *yaml, size_t length, struct text *reterr)
{
	struct arena *arena = arena_new();
	struct contract *contract = arena_zalloc(arena, sizeof(*contract));

	contract->arena = arena;
	return load(contract, yaml, length, reterr) ? contract : contract_free(contract);
}

struct contract *contract_free(struct contract *contract)
{
	if (!contract)
		return NULL;
	free(contract->json);
	json_decref(contract->document);
	arena_free(contract->arena);
	return NULL;
}

size_t contract_operation_count(const struct contract *contract)
{
	return contract->count;
}

const struct operation *contract_operation(const struct contract *contract, size_t index)
{
	return index < contract->count ? &contract->operations[index] : NULL;
}

const struct operation *contract_operation_by_id(
	const struct contract *contract, const char *operation_id)
{
	for (size_t i = 0; i < contract->count; i++)
		if (strcmp(contract->operations[i].id, operation_id) == 0)
			return &contract->operations[i];
	return NULL;
}

struct slice contract_yaml(const struct contract *contract)
{
	return contract->yaml;
}

struct slice contract_json(const struct contract *contract)
{
	return slice_of(contract->json);
}

const json_t *contract_document(const struct contract *contract)
{
	return contract->document;
}

void contract_route(const struct contract *contract, enum http_method method, struct slice path,
	struct route *ret_route)
{
	trie_match(contract->trie, method, path, ret_route);
}
