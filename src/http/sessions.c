/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions of people. A session is a family of refresh tokens: each is good once and gives its
 * successor, which is an HMAC of it, so that a client whose answer was lost may ask again within
 * GRACE_S and gets the same successor. A spent token that comes back later, or after its successor
 * was used, is in two hands: the family is revoked, and with it every access token it gave (RFC
 * 9700 §4.14). All times are judged by the database's clock.
 */
#include "http/grants.h"

#include "base/clock.h"
#include "http/passwords.h"
#include "http/tokens.h"

#include <sodium.h>
#include <string.h>

#define GRACE_S           30
#define REFRESH_PREFIX    "pdr_"
#define REFRESH_MAX_BYTES 128
#define ROTATE_TRIES      2

#define SPENT "The refresh token is not good any more."

/* Separates this use of app->secret from others. */
#define SUCCESSOR_PURPOSE "refresh token successor\n"

/* A person as a row of auth_user_by_email or auth_refresh_find tells. */
static void fill_actor(struct actor *actor, const struct rows *rows, const char *id_column)
{
	const char *partner_id = rows_text(rows, "partner_id");

	actor->is_user = true;
	strcpy(actor->id, rows_text(rows, id_column));
	strcpy(actor->program_id, rows_text(rows, "program_id"));
	if (partner_id)
		strcpy(actor->partner_id, partner_id);
	if (role_parse(rows_text(rows, "role"), &actor->role))
		actor->scopes = role_scopes(actor->role);
}

/* A suspended partner's people may sign in and read; a terminated one's may not. */
static bool may_sign_in(const struct rows *rows)
{
	return strcmp(rows_text(rows, "status"), "active") == 0 &&
	       strcmp(rows_text(rows, "partner_status"), "terminated") != 0;
}

static const char *hash_hex(const struct request *request, const char *token)
{
	return secret_hash(token, request->arena) + 2; /* without "\x" */
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* An audit entry about a session of `actor`. */
static void add_audit(struct db_batch *batch, const struct request *request,
	const struct actor *actor, const char *action)
{
	struct db_call *call = grant_call(batch, "auth_audit");
	char entry_id[UUID_TEXT_BYTES];

	uuid_v7(entry_id);
	call->params[0] = actor->program_id;
	call->params[1] = arena_strdup(request->arena, actor->partner_id);
	if (!actor->partner_id[0])
		call->params[1] = NULL;
	call->params[3] = grant_json(
		request, json_pack("{s:s, s:s, s:s*}", "entry_id", entry_id, "action", action,
				 "family_id", actor->session_id[0] ? actor->session_id : NULL));
	call->params[5] = grant_json(
		request, json_pack("{s:s, s:s, s:s, s:s*}", "request_id", request->id, "actor_type",
				 "user", "actor_id", actor->id, "address", request->address));
}

/* ---- sign in ---- */

struct sign_in {
	struct request *request;
	const char *email;
	const char *password;
	const char *program;
	const struct rows *rows; /* the user, or NULL */
	struct grant *grant;
};

static bool find_user(struct sign_in *in, struct problem *problem)
{
	struct db_batch batch = grant_batch(in->request, NULL);
	struct db_call *call = grant_call(&batch, "auth_user_by_email");

	call->params[3] = grant_json(
		in->request, json_pack("{s:s, s:s*}", "email", in->email, "program", in->program));
	if (db_run(in->request->app->db, &batch, problem) != DB_NONE)
		return false;
	/* Two programs and no word which: nobody, as with a wrong password. */
	if (rows_count(call->rows) > 0 && rows_int(call->rows, "matches") == 1)
		in->rows = call->rows;
	return true;
}

/* The refusal is noted where there is somebody to note it for, and takes as long where there is
 * nobody. */
static bool refuse_sign_in(struct sign_in *in, struct problem *problem)
{
	struct problem ignored = PROBLEM_INIT;
	struct actor actor = { 0 };

	if (in->rows)
		fill_actor(&actor, in->rows, "id");
	struct db_batch batch = grant_batch(in->request, in->rows ? actor.program_id : NULL);
	batch.is_write = true;
	if (in->rows)
		add_audit(&batch, in->request, &actor, "session.refused");
	else
		grant_call(&batch, "auth_refusal_unknown");
	db_run(in->request->app->db, &batch, &ignored);
	return problem_set(
		problem, PROBLEM_invalid_credentials, "E-mail and password do not match.");
}

static const char *rehash(struct sign_in *in, enum password_verdict verdict)
{
	struct problem ignored = PROBLEM_INIT;

	if (verdict != PASSWORD_RIGHT_REHASH)
		return NULL;
	return password_hash(in->password, in->request->arena, &ignored); /* busy: next time */
}

static bool start_session(
	struct sign_in *in, enum password_verdict verdict, struct problem *problem)
{
	const struct settings *settings = in->request->app->settings;
	struct grant *grant = in->grant;
	struct actor *actor = &grant->actor;
	struct db_batch batch = grant_batch(in->request, actor->program_id);
	struct db_call *call = grant_call(&batch, "auth_session_start");

	batch.is_write = true;
	uuid_v7(actor->session_id);
	grant->refresh_token = secret_make(REFRESH_PREFIX, in->request->arena);
	grant->refresh_expires_in_s = smaller(settings->refresh_token_s, settings->refresh_idle_s);
	call->params[0] = actor->program_id;
	call->params[2] = actor->id;
	call->params[3] = grant_json(in->request,
		json_pack("{s:s, s:s, s:s, s:I, s:s*}", "token_hash",
			hash_hex(in->request, grant->refresh_token), "family_id", actor->session_id,
			"password_hash", rows_text(in->rows, "password_hash"), "life_s",
			(json_int_t)settings->refresh_token_s, "new_password_hash",
			rehash(in, verdict)));
	add_audit(&batch, in->request, actor, "session.started");
	enum db_failure failure = db_run(in->request->app->db, &batch, problem);
	if (failure != DB_WORLD_MOVED)
		return failure == DB_NONE;
	/* Disabled, or given another password, since it was read. */
	*problem = (struct problem)PROBLEM_INIT;
	return refuse_sign_in(in, problem);
}

bool identity_sign_in(struct request *request, const char *email, const char *password,
	const char *program, struct grant *ret_grant, struct problem *problem)
{
	struct sign_in in = { request, email, password, program, NULL, ret_grant };

	memset(ret_grant, 0, sizeof *ret_grant);
	ret_grant->actor.issued_at_us = clock_now_us();
	if (!find_user(&in, problem))
		return false;
	const char *stored = in.rows ? rows_text(in.rows, "password_hash") : NULL;
	enum password_verdict verdict = password_verify(stored, password, problem);
	if (verdict == PASSWORD_BUSY)
		return false;
	if (verdict == PASSWORD_WRONG || !may_sign_in(in.rows))
		return refuse_sign_in(&in, problem);
	fill_actor(&ret_grant->actor, in.rows, "id");
	return start_session(&in, verdict, problem) && grant_finish(request, ret_grant, problem);
}

/* ---- refresh ---- */

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
	return arena_printf(request->arena, REFRESH_PREFIX "%s", text);
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
	if (rows_count(rows) == 0 || rows_bool(rows, "is_revoked"))
		return REFRESH_REFUSE;
	bool is_lost_answer =
		rows_bool(rows, "is_in_grace") && rows_bool(rows, "has_unused_successor");
	if (rows_bool(rows, "is_used") && !is_lost_answer)
		return REFRESH_REVOKE;
	if (!may_sign_in(rows))
		return REFRESH_REFUSE;
	if (rows_bool(rows, "is_used"))
		return REFRESH_REPEAT;
	return rows_bool(rows, "is_alive") ? REFRESH_ROTATE : REFRESH_REFUSE;
}

static void add_family_lock(struct db_batch *batch, const struct actor *actor)
{
	grant_call(batch, "auth_family_lock")->params[2] = actor->session_id;
}

static bool revoke_family(struct request *request, const struct actor *actor, const char *action,
	struct problem *problem)
{
	struct db_batch batch = grant_batch(request, actor->program_id);

	batch.is_write = true;
	add_family_lock(&batch, actor);
	struct db_call *call = grant_call(&batch, "auth_family_revoke");
	call->params[0] = actor->program_id;
	call->params[2] = actor->session_id;
	add_audit(&batch, request, actor, action);
	if (db_run(request->app->db, &batch, problem) != DB_NONE)
		return false;
	revocation_add(request->app->tokens, actor->session_id, clock_now_us());
	return true;
}

static enum db_failure rotate(struct refresh *refresh, struct problem *problem)
{
	const struct actor *actor = &refresh->grant->actor;
	struct db_batch batch = grant_batch(refresh->request, actor->program_id);

	batch.is_write = true;
	add_family_lock(&batch, actor);
	grant_call(&batch, "auth_refresh_rotate")->params[3] = refresh->hashes;
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
	grant->refresh_expires_in_s =
		smaller(rows_int(refresh->rows, "left_s"), settings->refresh_idle_s);
	if (grant->refresh_expires_in_s < 0)
		grant->refresh_expires_in_s = 0;
	return grant_finish(refresh->request, grant, problem);
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
	if (fate == REFRESH_REFUSE)
		return grant_refuse(refusal, OAUTH_invalid_grant, SPENT);
	fill_actor(actor, refresh->rows, "user_id");
	strcpy(actor->session_id, rows_text(refresh->rows, "family_id"));
	if (fate == REFRESH_REVOKE)
		return revoke_family(refresh->request, actor, "session.revoked", problem) &&
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
	refresh.hashes = grant_json(
		request, json_pack("{s:s, s:s, s:I, s:i}", "token_hash", hash_hex(request, token),
				 "successor_hash", hash_hex(request, refresh.successor), "idle_s",
				 (json_int_t)settings->refresh_idle_s, "grace_s", GRACE_S));
	for (int i = 0; again && i < ROTATE_TRIES; i++) {
		*problem = (struct problem)PROBLEM_INIT;
		done = refresh_once(&refresh, &again, refusal, problem);
	}
	return again ? grant_refuse(refusal, OAUTH_invalid_grant, SPENT) : done;
}

bool identity_end_session(struct request *request, struct problem *problem)
{
	if (!request->actor->is_user)
		return problem_set(
			problem, PROBLEM_forbidden, "A machine client has no session to end.");
	return revoke_family(request, request->actor, "session.ended", problem);
}
