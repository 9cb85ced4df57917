/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Renewing a session. Each refresh token is good once and gives its successor, which is an HMAC of
 * it, so that a client whose answer was lost may ask again within GRACE_S and gets the same
 * successor. A spent token that comes back later, or after its successor was used, is in two hands:
 * the session ends, and with it every access token it gave (RFC 9700 §4.14). All times are judged
 * by the database's clock.
 */
#include "http/sessions.h"

#include "base/clock.h"
#include "http/cookies.h"
#include "http/secrets.h"
#include "http/tokens.h"

#include <sodium.h>
#include <string.h>

#define GRACE_S           30
#define REFRESH_MAX_BYTES 128
#define ROTATE_TRIES      2

#define SPENT "The refresh token is not good any more."

/* Separates this use of app->secret from others. */
#define SUCCESSOR_PURPOSE "refresh token successor\n"

struct refresh {
	struct request *request;
	const struct oauth_request *oauth;
	const char *successor;
	const char *hashes; /* $4 of the statements */
	const struct rows *rows;
	struct grant *grant;
};

enum refresh_fate {
	REFRESH_REFUSE,
	REFRESH_ROTATE,
	REFRESH_REPEAT, /* the answer was lost: the same successor again */
	REFRESH_REVOKE, /* in two hands */
};

static const char *successor_of(const struct request *request, const char *token)
{
	crypto_auth_hmacsha256_state state;
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	char text[BASE64URL_BYTES(sizeof mac)];

	crypto_auth_hmacsha256_init(&state, request->app->secret, sizeof request->app->secret);
	crypto_auth_hmacsha256_update(
		&state, (const unsigned char *)SUCCESSOR_PURPOSE, sizeof SUCCESSOR_PURPOSE - 1);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)token, strlen(token));
	crypto_auth_hmacsha256_final(&state, mac);
	base64url_encode(mac, sizeof mac, text);
	return arena_printf(request->arena, SECRET_PREFIX_REFRESH "%s", text);
}

static bool find_token(struct refresh *refresh, struct problem *problem)
{
	struct db_batch batch = grant_batch(refresh->request, NULL);
	struct db_call *call = grant_call(&batch, "auth_refresh_find");

	call->params[3] = refresh->hashes;
	if (db_run(refresh->request->app->db, &batch, problem) != DB_NONE)
		return false;
	refresh->rows = call->rows;
	return true;
}

static enum refresh_fate fate_of(const struct rows *rows)
{
	if (rows_count(rows) == 0 || rows_bool(rows, "is_ended"))
		return REFRESH_REFUSE;
	bool is_lost_answer =
		rows_bool(rows, "is_in_grace") && rows_bool(rows, "has_unused_successor");
	if (rows_bool(rows, "is_used") && !is_lost_answer)
		return REFRESH_REVOKE;
	if (!person_may_sign_in(rows))
		return REFRESH_REFUSE;
	if (rows_bool(rows, "is_used"))
		return REFRESH_REPEAT;
	return rows_bool(rows, "is_alive") ? REFRESH_ROTATE : REFRESH_REFUSE;
}

static enum db_failure rotate(struct refresh *refresh, struct problem *problem)
{
	const struct actor *actor = &refresh->grant->actor;
	struct db_batch batch = grant_batch(refresh->request, actor->program_id);

	batch.is_write = true;
	struct db_call *call = grant_call(&batch, "auth_refresh_rotate");
	call->params[0] = actor->program_id;
	call->params[2] = actor->session_id;
	call->params[3] = refresh->hashes;
	return db_run(refresh->request->app->db, &batch, problem);
}

static bool give_successor(
	struct refresh *refresh, struct refusal *refusal, struct problem *problem)
{
	const struct settings *settings = refresh->request->app->settings;
	struct grant *grant = refresh->grant;

	if (!grant_scopes(
		    refresh->oauth->scope, grant->actor.scopes, &grant->actor.scopes, refusal))
		return false;
	grant->refresh_token = refresh->successor;
	grant->refresh_expires_in_s = session_life_s(settings, rows_int(refresh->rows, "left_s"));
	return grant_finish(refresh->request, grant, problem);
}

/* A token that a cookie was made for is taken out of a cookie only, and any other never. */
static bool travels_rightly(const struct refresh *refresh)
{
	bool is_cookie = strcmp(rows_text(refresh->rows, "profile"), "cookie") == 0;

	return is_cookie == refresh->oauth->is_cookie;
}

/* *ret_again: another request rotated the token in the same moment, so it is now a token whose
 * answer may be lost. */
static bool refresh_once(
	struct refresh *refresh, bool *ret_again, struct refusal *refusal, struct problem *problem)
{
	struct actor *actor = &refresh->grant->actor;
	scope_set scopes;

	*ret_again = false;
	if (!find_token(refresh, problem))
		return false;
	enum refresh_fate fate = fate_of(refresh->rows);
	if (fate == REFRESH_REFUSE || !travels_rightly(refresh))
		return grant_refuse(refusal, OAUTH_invalid_grant, SPENT);
	person_fill(actor, refresh->rows, "user_id");
	strcpy(actor->session_id, rows_text(refresh->rows, "family_id"));
	if (refresh->oauth->needs_csrf && !csrf_matches(refresh->request, actor->session_id))
		return problem_set(problem, PROBLEM_csrf_invalid,
			"Send the csrf_token of the session in X-CSRF-Token.");
	if (fate == REFRESH_REVOKE)
		return session_end(refresh->request, actor, "reused", "session.revoked", problem) &&
		       grant_refuse(refusal, OAUTH_invalid_grant, SPENT);
	/* Before anything is spent. */
	if (!grant_scopes(refresh->oauth->scope, actor->scopes, &scopes, refusal))
		return false;
	if (fate == REFRESH_ROTATE) {
		enum db_failure failure = rotate(refresh, problem);
		*ret_again = failure == DB_WORLD_MOVED;
		if (failure != DB_NONE)
			return false;
	}
	return give_successor(refresh, refusal, problem);
}

/* Sessions belong to our own front end, which keeps no secret; whoever names another client has no
 * token of ours. */
static bool client_may_refresh(const struct oauth_request *oauth)
{
	return !oauth->has_basic && !oauth->client_secret &&
	       (!oauth->client_id || strcmp(oauth->client_id, TOKEN_CLIENT_USER) == 0);
}

bool identity_refresh(struct request *request, const struct oauth_request *oauth,
	struct grant *ret_grant, struct refusal *refusal, struct problem *problem)
{
	const struct settings *settings = request->app->settings;
	const char *token = oauth->refresh_token;
	bool again = true;
	bool done = false;

	memset(ret_grant, 0, sizeof *ret_grant);
	ret_grant->actor.issued_at_us = clock_now_us();
	if (!client_may_refresh(oauth))
		return grant_refuse(refusal, OAUTH_invalid_client,
			"Sessions are refreshed without client authentication.");
	if (!token)
		return grant_refuse(refusal, OAUTH_invalid_request, "refresh_token is missing.");
	if (strlen(token) > REFRESH_MAX_BYTES)
		return grant_refuse(refusal, OAUTH_invalid_grant, SPENT);
	struct refresh refresh = { request, oauth, successor_of(request, token), NULL, NULL,
		ret_grant };
	refresh.hashes = grant_json(request,
		json_pack("{s:s, s:s, s:I, s:i, s:s}", "token_hash", token_hash_hex(request, token),
			"successor_hash", token_hash_hex(request, refresh.successor), "idle_s",
			(json_int_t)settings->refresh_idle_s, "grace_s", GRACE_S, "address",
			request->address));
	for (int i = 0; again && i < ROTATE_TRIES; i++) {
		*problem = (struct problem)PROBLEM_INIT;
		done = refresh_once(&refresh, &again, refusal, problem);
	}
	return again ? grant_refuse(refusal, OAUTH_invalid_grant, SPENT) : done;
}
