/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machine clients: who authenticates at the endpoints of OAuth, and client_credentials (RFC 6749
 * §4.4), which gives no refresh token. A secret has 256 random bits, so it is found by its SHA-256
 * among those of the client, and no slow hash is needed. An unknown client, a wrong secret, one
 * that has ended, a revoked client, one that comes from elsewhere and a client of a terminated
 * partner cannot be told apart; only the ledger tells of the right secret from the wrong place.
 */
#include "http/grants.h"

#include "base/clock.h"
#include "http/secrets.h"

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

/* Everything but the place it comes from. */
static bool is_good(const struct rows *rows)
{
	return rows_count(rows) == 1 && rows_text(rows, "secret_id") &&
	       (!rows_bool(rows, "has_end") || rows_int(rows, "left_s") > 0) &&
	       strcmp(rows_text(rows, "status"), "active") == 0 &&
	       strcmp(rows_text(rows, "partner_status"), "terminated") != 0;
}

/* False when the stored networks cannot be read: then the client may come from nowhere. */
static bool fill_actor(struct actor *actor, const struct rows *rows)
{
	const char *networks = rows_text(rows, "networks");

	take_id(actor->id, rows_text(rows, "id"));
	take_id(actor->client_id, rows_text(rows, "id"));
	take_id(actor->program_id, rows_text(rows, "program_id"));
	take_id(actor->partner_id, rows_text(rows, "partner_id"));
	take_id(actor->grant_id, rows_text(rows, "grant_id"));
	actor->scopes =
		stored_scopes(rows_text(rows, "scopes")) & operator_scopes(actor_side(actor));
	if (rows_bool(rows, "has_end"))
		actor->expires_at_us =
			actor->issued_at_us + rows_int(rows, "left_s") * CLOCK_SECOND_US;
	return !networks || networks_parse(networks, actor->networks, CLIENT_MAX_NETWORKS,
				    &actor->network_count);
}

static struct db_call *add_about(
	struct db_batch *batch, const struct actor *actor, const char *statement, const char *body)
{
	struct db_call *call = grant_call(batch, statement);

	batch->is_write = true;
	call->params[0] = actor->program_id;
	call->params[1] = actor_partner(actor);
	call->params[2] = actor->id;
	call->params[3] = body;
	return call;
}

static bool note_use(const struct request *request, const struct actor *actor,
	const char *secret_id, struct problem *problem)
{
	struct db_batch batch = grant_batch(request, actor->program_id);

	add_about(&batch, actor, "auth_client_used",
		grant_json(request, json_pack("{s:s}", "secret_id", secret_id)));
	return db_run(request->app->db, &batch, problem) == DB_NONE;
}

static bool refuse_address(struct request *request, const struct actor *actor,
	struct refusal *refusal, struct problem *problem)
{
	struct db_batch batch = grant_batch(request, actor->program_id);
	char entry_id[UUID_TEXT_BYTES];

	uuid_v7(entry_id);
	struct db_call *call = add_about(&batch, actor, "auth_client_refused",
		grant_json(request, json_pack("{s:s}", "entry_id", entry_id)));
	call->params[5] = grant_json(
		request, json_pack("{s:s, s:s, s:s, s:s, s:s}", "request_id", request->id,
				 "actor_type", "client", "actor_id", actor->id, "client_id",
				 actor->id, "address", request->address));
	return db_run(request->app->db, &batch, problem) == DB_NONE &&
	       grant_refuse(refusal, OAUTH_invalid_client, REFUSED);
}

static const struct rows *find_client(struct request *request, const struct oauth_request *oauth,
	struct refusal *refusal, struct problem *problem)
{
	struct db_batch batch = grant_batch(request, NULL);
	struct db_call *call = grant_call(&batch, "auth_client_find");

	call->params[2] = oauth->client_id;
	call->params[3] =
		grant_json(request, json_pack("{s:s}", "secret_hash",
					    secret_hash(oauth->client_secret, request->arena)));
	if (db_run(request->app->db, &batch, problem) != DB_NONE)
		return NULL;
	if (is_good(call->rows))
		return call->rows;
	grant_refuse(refusal, OAUTH_invalid_client, REFUSED);
	return NULL;
}

bool grant_client(struct request *request, const struct oauth_request *oauth,
	struct actor *ret_actor, struct refusal *refusal, struct problem *problem)
{
	memset(ret_actor, 0, sizeof *ret_actor);
	ret_actor->issued_at_us = clock_now_us();
	if (!oauth->client_id || !oauth->client_secret ||
		!uuid_is_valid(oauth->client_id, strlen(oauth->client_id)))
		return grant_refuse(refusal, OAUTH_invalid_client, REFUSED);
	const struct rows *rows = find_client(request, oauth, refusal, problem);
	if (!rows)
		return false;
	if (!fill_actor(ret_actor, rows) || !client_may_come_from(ret_actor->networks,
						    ret_actor->network_count, request->address))
		return refuse_address(request, ret_actor, refusal, problem);
	return !rows_bool(rows, "is_use_due") ||
	       note_use(request, ret_actor, rows_text(rows, "secret_id"), problem);
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
