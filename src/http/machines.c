/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machine clients: who authenticates at the endpoints of OAuth, and client_credentials (RFC 6749
 * §4.4), which gives no refresh token. The
 * secret has 256 random bits, so its SHA-256 is compared, in constant time, and no slow hash is
 * needed. An unknown client, a wrong secret, a revoked client and a client of a terminated partner
 * cannot be told apart.
 */
#include "http/grants.h"

#include "base/clock.h"
#include "http/secrets.h"

#include <sodium.h>
#include <string.h>

#define REFUSED "The client is not known, or its secret is wrong."

static void take_id(char out[static UUID_TEXT_BYTES], const char *text)
{
	if (text)
		memcpy(out, text, UUID_TEXT_BYTES);
}

/* Scopes as stored; one that a later version no longer knows gives nothing. */
static scope_set stored_scopes(const char *text)
{
	scope_set scopes = 0;
	enum scope scope;

	while (*text) {
		size_t length = strcspn(text, " ");
		if (scope_parse(text, length, &scope))
			scopes |= UINT64_C(1) << scope;
		text += length;
		text += strspn(text, " ");
	}
	return scopes;
}

static bool secret_matches(
	const struct request *request, const struct rows *rows, const char *secret)
{
	const char *stored = rows_text(rows, "secret_hash");
	const char *given = secret_hash(secret, request->arena) + 2; /* without "\x" */

	return strlen(stored) == strlen(given) && sodium_memcmp(stored, given, strlen(given)) == 0;
}

static bool is_good(const struct request *request, const struct rows *rows, const char *secret)
{
	return rows_count(rows) == 1 && secret_matches(request, rows, secret) &&
	       strcmp(rows_text(rows, "status"), "active") == 0 &&
	       strcmp(rows_text(rows, "partner_status"), "terminated") != 0;
}

static void fill_actor(struct actor *actor, const struct rows *rows)
{
	take_id(actor->id, rows_text(rows, "id"));
	take_id(actor->client_id, rows_text(rows, "id"));
	take_id(actor->program_id, rows_text(rows, "program_id"));
	take_id(actor->partner_id, rows_text(rows, "partner_id"));
	actor->scopes = stored_scopes(rows_text(rows, "scopes")) & client_scopes(actor_side(actor));
}

static bool note_use(
	const struct request *request, const struct actor *actor, struct problem *problem)
{
	struct db_batch batch = grant_batch(request, actor->program_id);
	struct db_call *call = grant_call(&batch, "auth_client_used");

	batch.is_write = true;
	call->params[0] = actor->program_id;
	call->params[2] = actor->id;
	return db_run(request->app->db, &batch, problem) == DB_NONE;
}

bool grant_client(struct request *request, const struct oauth_request *oauth,
	struct actor *ret_actor, struct refusal *refusal, struct problem *problem)
{
	struct db_batch batch = grant_batch(request, NULL);
	struct db_call *call = grant_call(&batch, "auth_client_find");

	memset(ret_actor, 0, sizeof *ret_actor);
	ret_actor->issued_at_us = clock_now_us();
	if (!oauth->client_id || !oauth->client_secret ||
		!uuid_is_valid(oauth->client_id, strlen(oauth->client_id)))
		return grant_refuse(refusal, OAUTH_invalid_client, REFUSED);
	call->params[2] = oauth->client_id;
	if (db_run(request->app->db, &batch, problem) != DB_NONE)
		return false;
	if (!is_good(request, call->rows, oauth->client_secret))
		return grant_refuse(refusal, OAUTH_invalid_client, REFUSED);
	fill_actor(ret_actor, call->rows);
	return !rows_bool(call->rows, "is_use_due") || note_use(request, ret_actor, problem);
}

bool identity_client(struct request *request, const struct oauth_request *oauth,
	struct grant *ret_grant, struct refusal *refusal, struct problem *problem)
{
	struct actor *actor = &ret_grant->actor;

	memset(ret_grant, 0, sizeof *ret_grant);
	return grant_client(request, oauth, actor, refusal, problem) &&
	       grant_scopes(oauth->scope, actor->scopes, &actor->scopes, refusal) &&
	       grant_finish(request, ret_grant, problem);
}
