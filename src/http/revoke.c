/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens that are given back (RFC 7009) and tokens that are asked about (RFC 7662). A token is
 * revoked by whom it was issued to: a machine client proves that with its secret, a person's
 * session has no secret, so there the token itself is the proof. Who asks about a token learns
 * nothing of another program or partner, not even that it exists.
 */
#include "http/sessions.h"

#include "base/clock.h"
#include "http/secrets.h"
#include "http/tokens.h"

#include <string.h>

#define FOREIGN  "The token was issued to another client."
#define NO_TOKEN "token is missing."

/* Who asks: a machine client by its secret, or, where that is allowed, nobody in particular. */
struct caller {
	struct actor actor;
	bool is_machine;
};

/* An access token that is good now. */
static bool read_token(struct request *request, const char *token, struct actor *ret_actor)
{
	return auth_verify(request, slice_of(token), ret_actor) == TOKEN_OK;
}

/* ---- revoke ---- */

static bool find_caller(struct request *request, const struct oauth_request *oauth,
	struct caller *caller, struct refusal *refusal, struct problem *problem)
{
	bool names_none = !oauth->client_id || strcmp(oauth->client_id, TOKEN_CLIENT_USER) == 0;

	caller->is_machine = oauth->has_basic || oauth->client_secret || !names_none;
	return !caller->is_machine ||
	       grant_client(request, oauth, &caller->actor, refusal, problem);
}

static bool may_revoke(
	const struct caller *caller, const struct actor *owner, struct refusal *refusal)
{
	if (!caller->is_machine)
		return owner->is_user || grant_refuse(refusal, OAUTH_invalid_client,
						 "The client has to authenticate.");
	return strcmp(caller->actor.id, owner->id) == 0 ||
	       grant_refuse(refusal, OAUTH_invalid_grant, FOREIGN);
}

static bool revoke_access_token(
	struct request *request, const struct actor *owner, struct problem *problem)
{
	struct db_batch batch = grant_batch(request, owner->program_id);
	struct db_call *call = grant_call(&batch, "auth_token_revoke");
	char entry_id[UUID_TEXT_BYTES];

	batch.is_write = true;
	uuid_v7(entry_id);
	call->params[0] = owner->program_id;
	call->params[1] = actor_partner(owner);
	call->params[2] = owner->token_id;
	call->params[3] = grant_json(
		request, json_pack("{s:s, s:s, s:s}", "entry_id", entry_id, "resource_type",
				 owner->is_user ? "session" : "api_client", "resource_id",
				 owner->is_user ? owner->session_id : owner->id));
	call->params[5] = grant_json(request,
		json_pack("{s:s, s:s, s:s, s:s*, s:s*}", "request_id", request->id, "actor_type",
			owner->is_user ? "user" : "client", "actor_id", owner->id, "client_id",
			owner->is_user ? NULL : owner->id, "address", request->address));
	if (db_run(request->app->db, &batch, problem) != DB_NONE)
		return false;
	revocation_add(request->app->tokens, owner->token_id, clock_now_us());
	return true;
}

/* Spent or not; one that is not known, or whose session has ended, is no fault. */
static bool revoke_refresh_token(
	struct request *request, const char *token, struct problem *problem)
{
	struct db_batch batch = grant_batch(request, NULL);
	struct db_call *call = grant_call(&batch, "auth_refresh_find");
	struct actor owner = { 0 };

	call->params[3] = grant_json(
		request, json_pack("{s:s}", "token_hash", token_hash_hex(request, token)));
	if (db_run(request->app->db, &batch, problem) != DB_NONE)
		return false;
	if (rows_count(call->rows) == 0 || rows_bool(call->rows, "is_ended"))
		return true;
	person_fill(&owner, call->rows, "user_id");
	strcpy(owner.session_id, rows_text(call->rows, "family_id"));
	return session_end(request, &owner, "signed_out", "session.ended", problem);
}

bool identity_revoke(struct request *request, const struct oauth_request *oauth,
	struct refusal *refusal, struct problem *problem)
{
	struct caller caller = { 0 };
	struct actor owner;

	if (!oauth->token)
		return grant_refuse(refusal, OAUTH_invalid_request, NO_TOKEN);
	if (!find_caller(request, oauth, &caller, refusal, problem))
		return false;
	if (read_token(request, oauth->token, &owner))
		return may_revoke(&caller, &owner, refusal) &&
		       revoke_access_token(request, &owner, problem);
	/* No machine has a refresh token: one that it has found is not its own. */
	bool is_foreign = caller.is_machine && strncmp(oauth->token, SECRET_PREFIX_REFRESH,
						       strlen(SECRET_PREFIX_REFRESH)) == 0;
	if (is_foreign)
		return grant_refuse(refusal, OAUTH_invalid_grant, FOREIGN);
	return caller.is_machine || revoke_refresh_token(request, oauth->token, problem);
}

/* ---- introspect ---- */

static bool may_see(const struct actor *caller, const struct actor *owner)
{
	return strcmp(caller->program_id, owner->program_id) == 0 &&
	       (!actor_partner(caller) || strcmp(caller->partner_id, owner->partner_id) == 0);
}

static json_t *describe(const struct request *request, const struct actor *owner)
{
	char scope[SCOPE_TEXT_BYTES];

	scope_set_format(owner->scopes, scope);
	return json_pack("{s:b, s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:s*, s:s*}",
		"active", true, "token_type", "Bearer", "iss", request->app->issuer, "aud",
		request->app->issuer, "sub", owner->id, "client_id",
		owner->is_user ? TOKEN_CLIENT_USER : owner->client_id, "scope", scope, "iat",
		(json_int_t)(owner->issued_at_us / CLOCK_SECOND_US), "exp",
		(json_int_t)(owner->expires_at_us / CLOCK_SECOND_US), "jti", owner->token_id,
		"program_id", owner->program_id, "partner_id", actor_partner(owner), "role",
		owner->is_user ? role_text(owner->role) : NULL);
}

bool identity_introspect(struct request *request, const struct oauth_request *oauth,
	json_t **ret_answer, struct refusal *refusal, struct problem *problem)
{
	struct actor caller;
	struct actor owner;

	if (!grant_client(request, oauth, &caller, refusal, problem))
		return false;
	if (!oauth->token)
		return grant_refuse(refusal, OAUTH_invalid_request, NO_TOKEN);
	bool is_active = read_token(request, oauth->token, &owner) && may_see(&caller, &owner);
	*ret_answer = is_active ? describe(request, &owner) : json_pack("{s:b}", "active", false);
	return true;
}
