/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last steps that every grant has in common. A token is dated when its request began, before
 * the principal was read: a revocation that came in between is then the later one, and ends it.
 */
#include "http/grants.h"

#include "http/tokens.h"

#include <stdlib.h>

struct db_batch grant_batch(const struct request *request, const char *program_id)
{
	return (struct db_batch){
		.arena = request->arena, .door = DOOR_IDENTITY, .program_id = program_id
	};
}

struct db_call *grant_call(struct db_batch *batch, const char *name)
{
	const struct statement *statement = statement_find(name);

	if (!statement)
		abort(); /* a typing error: the statements are part of the binary */
	return db_add(batch, statement);
}

const char *grant_json(const struct request *request, json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);

	if (!text)
		abort();
	const char *copy = arena_strdup(request->arena, text);
	free(text);
	json_decref(value);
	return copy;
}

bool grant_refuse(struct refusal *refusal, enum oauth_error error, const char *detail)
{
	*refusal = (struct refusal){ error, detail };
	return false;
}

bool grant_scopes(const char *asked, scope_set has, scope_set *ret_scopes, struct refusal *refusal)
{
	*ret_scopes = has;
	if (!asked)
		return true;
	if (!scope_set_parse(asked, ret_scopes) || *ret_scopes == 0)
		return grant_refuse(refusal, OAUTH_invalid_scope, "A scope is not known here.");
	if (*ret_scopes & ~has)
		return grant_refuse(
			refusal, OAUTH_invalid_scope, "A scope is more than the client has.");
	return true;
}

bool grant_finish(struct request *request, struct grant *grant, struct problem *problem)
{
	struct tokens *tokens = request->app->tokens;
	char *scope = arena_alloc(request->arena, SCOPE_TEXT_BYTES);

	scope_set_format(grant->actor.scopes, scope);
	grant->scope = scope;
	grant->expires_in_s = tokens_life_s(tokens, &grant->actor);
	grant->access_token = tokens_mint(tokens, &grant->actor, request->arena);
	if (grant->access_token)
		return true;
	problem_set(problem, PROBLEM_unavailable, "No token can be issued at the moment.");
	problem_cause(problem, "no signing key");
	return false;
}
