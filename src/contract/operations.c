/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One operation of OpenAPI to one struct operation: who may call it, what it takes, what it
 * answers. Only what the server keeps may be written: a member of the document that would be
 * ignored (servers, callbacks, content of parameters) is an error, as is a second success status,
 * or media types of one body that disagree.
 */
#include <string.h>

#include "contract/operations.h"

#define FAIL(compiler, place, ...) pointer_fail((compiler)->reterr, (place)->where, __VA_ARGS__)

static const char *const operation_members[] = { "operationId", "tags", "summary", "description",
	"externalDocs", "deprecated", "security", "parameters", "requestBody", "responses", NULL };
static const char *const body_members[] = { "description", "required", "content", NULL };
static const char *const media_members[] = { "schema", "example", "examples", NULL };
static const char *const response_members[] = { "description", "headers", "content", "links",
	NULL };

static bool is_listed(const char *name, const char *const *names)
{
	if (strncmp(name, "x-", 2) == 0)
		return true;
	while (*names && strcmp(name, *names) != 0)
		names++;
	return *names;
}

bool place_check_members(
	struct schema_compiler *compiler, const struct place *place, const char *const *names)
{
	const char *name;
	json_t *value;

	if (!json_is_object(place->node))
		return FAIL(compiler, place, "must be an object");
	json_object_foreach ((json_t *)place->node, name, value)
		if (!is_listed(name, names))
			return FAIL(compiler, place, "'%.60s' is not supported here", name);
	return true;
}

bool place_follow(struct schema_compiler *compiler, struct place *place)
{
	const char *reference = json_string_value(json_object_get(place->node, "$ref"));
	struct pointer *root;

	if (!reference)
		return json_is_object(place->node) || FAIL(compiler, place, "must be an object");
	place->node = pointer_resolve(compiler->document, reference);
	if (!json_is_object(place->node))
		return FAIL(compiler, place, "'%.100s' leads nowhere", reference);
	root = arena_zalloc(compiler->arena, sizeof(*root));
	root->name = reference;
	place->where = root;
	return true;
}

static bool read_scopes(struct schema_compiler *compiler, struct operation *operation,
	const json_t *scopes, const struct place *place)
{
	const json_t *scope;
	size_t i;

	if (!json_is_array(scopes) || json_array_size(scopes) > OPERATION_MAX_SCOPES)
		return FAIL(compiler, place, "scopes must be a list of at most %d",
			OPERATION_MAX_SCOPES);
	json_array_foreach (scopes, i, scope) {
		operation->scopes[i] = json_string_value(scope);
		if (!operation->scopes[i])
			return FAIL(compiler, place, "a scope must be a string");
	}
	return true;
}

static bool is_scheme(const struct schema_compiler *compiler, const char *name)
{
	const json_t *schemes = pointer_resolve(compiler->document, "#/components/securitySchemes");

	return json_object_get(schemes, name);
}

/*
 * `[]` is public; else exactly one requirement that names one scheme. Every operation says it
 * itself: what is left out, or stands at the top of the document, allows nothing.
 */
static bool read_security(
	struct schema_compiler *compiler, struct operation *operation, const struct place *own)
{
	const json_t *security = json_object_get(own->node, "security");
	const struct place place = { security, POINTER_MEMBER(own->where, "security") };
	const json_t *requirement;
	const char *scheme;
	json_t *scopes;

	if (!json_is_array(security))
		return FAIL(
			compiler, &place, "must be a list: who may call this, [] for everybody");
	operation->is_public = json_array_size(security) == 0;
	if (operation->is_public)
		return true;
	requirement = json_array_get(security, 0);
	if (json_array_size(security) != 1 || json_object_size(requirement) != 1)
		return FAIL(compiler, &place, "must be one requirement with one scheme");
	json_object_foreach ((json_t *)requirement, scheme, scopes)
		if (!is_scheme(compiler, scheme))
			return FAIL(compiler, &place, "scheme '%.60s' is not described", scheme);
		else if (!read_scopes(compiler, operation, scopes, &place))
			return false;
	return true;
}

static bool *media_flag(struct operation *operation, const char *media_type)
{
	if (strcmp(media_type, "application/json") == 0)
		return &operation->takes_json;
	if (strcmp(media_type, "application/merge-patch+json") == 0)
		return &operation->takes_merge_patch;
	if (strcmp(media_type, "application/x-www-form-urlencoded") == 0)
		return &operation->takes_form;
	if (strcmp(media_type, "application/octet-stream") == 0)
		return &operation->takes_bytes;
	return NULL;
}

static const struct schema *compile_media(
	struct schema_compiler *compiler, const struct place *place)
{
	const json_t *node = json_object_get(place->node, "schema");

	if (!place_check_members(compiler, place, media_members))
		return NULL;
	return schema_compiler_add(compiler, node, POINTER_MEMBER(place->where, "schema"));
}

/* One body, whatever it is called: all media types must have the same schema. */
static bool read_content(
	struct schema_compiler *compiler, struct operation *operation, const struct place *body)
{
	const json_t *content = json_object_get(body->node, "content"), *first = NULL;
	const struct pointer *where = POINTER_MEMBER(body->where, "content");
	const char *media_type;
	json_t *media;

	json_object_foreach ((json_t *)content, media_type, media) {
		const struct place place = { media, POINTER_MEMBER(where, media_type) };
		const json_t *schema = json_object_get(media, "schema");
		bool *flag = media_flag(operation, media_type);

		if (!flag)
			return FAIL(compiler, &place, "the media type is not supported");
		*flag = true;
		if (first && !json_equal(first, schema))
			return FAIL(compiler, &place,
				"the media types of a body must have the same schema");
		if (first)
			continue;
		first = schema;
		operation->body = compile_media(compiler, &place);
		if (!operation->body)
			return false;
	}
	return operation->body || FAIL(compiler, body, "a body needs content");
}

static bool read_body(
	struct schema_compiler *compiler, struct operation *operation, const struct place *own)
{
	struct place body = { json_object_get(own->node, "requestBody"),
		POINTER_MEMBER(own->where, "requestBody") };

	if (!body.node)
		return true;
	if (operation->method == METHOD_GET || operation->method == METHOD_DELETE)
		return FAIL(compiler, &body, "GET and DELETE take no body");
	if (!place_follow(compiler, &body) || !place_check_members(compiler, &body, body_members))
		return false;
	operation->body_required = json_is_true(json_object_get(body.node, "required"));
	return read_content(compiler, operation, &body);
}

/* 200 … 299 as three digits, else 0. */
static int success_status(const char *status)
{
	if (strlen(status) != 3 || status[0] != '2' || strspn(status, "0123456789") != 3)
		return 0;
	return 200 + (status[1] - '0') * 10 + (status[2] - '0');
}

static bool read_answer(
	struct schema_compiler *compiler, struct operation *operation, struct place response)
{
	const json_t *json;

	if (!place_follow(compiler, &response) ||
		!place_check_members(compiler, &response, response_members))
		return false;
	json = json_object_get(json_object_get(response.node, "content"), "application/json");
	operation->answers_json = json;
	if (!json)
		return true;
	operation->answer = compile_media(compiler,
		&(struct place){ json, POINTER_MEMBER(POINTER_MEMBER(response.where, "content"),
					       "application/json") });
	return operation->answer;
}

static bool read_responses(
	struct schema_compiler *compiler, struct operation *operation, const struct place *own)
{
	const json_t *responses = json_object_get(own->node, "responses");
	const struct place place = { responses, POINTER_MEMBER(own->where, "responses") };
	const char *status;
	json_t *response;

	json_object_foreach ((json_t *)responses, status, response) {
		int success = success_status(status);

		if (status[0] == '2' && (success == 0 || operation->success_status != 0))
			return FAIL(
				compiler, &place, "there must be one success status, written out");
		if (success == 0)
			continue;
		operation->success_status = success;
		if (!read_answer(compiler, operation,
			    (struct place){ response, POINTER_MEMBER(place.where, status) }))
			return false;
	}
	return operation->success_status != 0 ||
	       FAIL(compiler, &place, "there must be one success status");
}

bool operation_compile(struct schema_compiler *compiler, struct operation *operation,
	const struct place *path_item, const struct place *own)
{
	if (!place_check_members(compiler, own, operation_members))
		return false;
	operation->id = json_string_value(json_object_get(own->node, "operationId"));
	if (!operation->id || *operation->id == '\0')
		return FAIL(compiler, own, "an operation needs an operationId");
	return read_security(compiler, operation, own) &&
	       parameters_compile(compiler, operation, path_item, own) &&
	       read_body(compiler, operation, own) && read_responses(compiler, operation, own) &&
	       schema_compiler_link(compiler);
}
