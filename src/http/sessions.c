/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions of people, but for their beginning (sign_in.c) and renewal (refresh.c): what the three
 * share, and how one ends. A session is a row; access tokens of one that has ended are refused by
 * its id, on this instance at once and on the others when their watcher wakes.
 */
#include "http/sessions.h"

#include "base/clock.h"
#include "http/secrets.h"
#include "http/tokens.h"

#include <string.h>

#define USER_AGENT_BYTES 300

void person_fill(struct actor *actor, const struct rows *rows, const char *id_column)
{
	const char *partner_id = rows_text(rows, "partner_id");

	actor->is_user = true;
	strcpy(actor->id, rows_text(rows, id_column));
	strcpy(actor->program_id, rows_text(rows, "program_id"));
	if (partner_id)
		strcpy(actor->partner_id, partner_id);
	if (role_parse(rows_text(rows, "role"), &actor->role))
		actor->scopes = role_scopes(actor->role);
	strcpy(actor->grant_id, rows_text(rows, "grant_id"));
	actor->is_enrolling = rows_bool(rows, "must_enrol");
	if (actor->is_enrolling)
		actor->scopes = 0;
}

bool person_may_sign_in(const struct rows *rows)
{
	return strcmp(rows_text(rows, "status"), "active") == 0 &&
	       strcmp(rows_text(rows, "partner_status"), "terminated") != 0;
}

const char *token_hash_hex(const struct request *request, const char *token)
{
	return secret_hash(token, request->arena) + 2; /* without "\x" */
}

int64_t session_life_s(const struct settings *settings, int64_t left_s)
{
	int64_t life_s = left_s < settings->refresh_idle_s ? left_s : settings->refresh_idle_s;

	return life_s > 0 ? life_s : 0;
}

const char *session_user_agent(const struct request *request)
{
	const char *text = request_header(request, "User-Agent");
	size_t length = text ? strlen(text) : 0;

	if (length == 0 || !utf8_is_valid(text, length))
		return NULL;
	if (length > USER_AGENT_BYTES)
		length = USER_AGENT_BYTES;
	while (!utf8_is_valid(text, length))
		length--;
	return arena_strndup(request->arena, text, length);
}

void session_audit(struct db_batch *batch, const struct request *request, const struct actor *actor,
	const char *action)
{
	struct db_call *call = grant_call(batch, "auth_audit");
	char entry_id[UUID_TEXT_BYTES];

	uuid_v7(entry_id);
	call->params[0] = actor->program_id;
	call->params[1] = actor_partner(actor);
	call->params[3] = grant_json(
		request, json_pack("{s:s, s:s, s:s*}", "entry_id", entry_id, "action", action,
				 "session_id", actor->session_id[0] ? actor->session_id : NULL));
	call->params[5] = grant_json(
		request, json_pack("{s:s, s:s, s:s, s:s*}", "request_id", request->id, "actor_type",
				 "user", "actor_id", actor->id, "address", request->address));
}

bool session_end(struct request *request, const struct actor *actor, const char *reason,
	const char *action, struct problem *problem)
{
	struct db_batch batch = grant_batch(request, actor->program_id);
	struct db_call *call = grant_call(&batch, "auth_session_end");

	batch.is_write = true;
	call->params[0] = actor->program_id;
	call->params[2] = actor->session_id;
	call->params[3] = grant_json(request, json_pack("{s:s}", "reason", reason));
	session_audit(&batch, request, actor, action);
	if (db_run(request->app->db, &batch, problem) != DB_NONE)
		return false;
	revocation_add(request->app->tokens, actor->session_id, clock_now_us());
	return true;
}

/* ---- what people do with their own ---- */

static bool is_person(const struct request *request, struct problem *problem)
{
	return request->actor->is_user ||
	       problem_set(problem, PROBLEM_forbidden, "A machine client has no session to end.");
}

/* A batch behind the walls of the one who asks. */
static struct db_batch own_batch(const struct request *request)
{
	struct db_batch batch = request_batch(request);

	batch.is_write = true;
	return batch;
}

static struct db_call *own_call(
	struct db_batch *batch, const struct request *request, const char *name, const char *kept)
{
	struct db_call *call = grant_call(batch, name);

	call->params[0] = batch->program_id;
	call->params[1] = batch->partner_id;
	call->params[3] = grant_json(
		request, json_pack("{s:s, s:s*}", "user_id", request->actor->id, "kept", kept));
	return call;
}

bool identity_end_session(struct request *request, struct problem *problem)
{
	if (!is_person(request, problem))
		return false;
	if (!request->actor->session_id[0])
		return problem_set(problem, PROBLEM_forbidden,
			"Who comes with a token of an identity provider has no session to end "
			"here.");
	return session_end(request, request->actor, "signed_out", "session.ended", problem);
}

bool identity_end_own(struct request *request, const char *session_id, struct problem *problem)
{
	struct db_batch batch = own_batch(request);
	struct actor ended = *request->actor;

	own_call(&batch, request, "session_end_own", NULL)->params[2] = session_id;
	memcpy(ended.session_id, session_id, sizeof ended.session_id);
	session_audit(&batch, request, &ended, "session.ended");
	enum db_failure failure = db_run(request->app->db, &batch, problem);
	if (failure == DB_NONE)
		revocation_add(request->app->tokens, session_id, clock_now_us());
	if (failure != DB_WORLD_MOVED)
		return failure == DB_NONE;
	*problem = (struct problem)PROBLEM_INIT;
	return problem_set(problem, PROBLEM_not_found, "There is no session with this id.");
}

bool identity_end_all(struct request *request, bool keeps_current, struct problem *problem)
{
	struct db_batch batch = own_batch(request);
	struct actor all = *request->actor;

	if (!is_person(request, problem))
		return false;
	struct db_call *call = own_call(&batch, request, "session_end_all",
		keeps_current && all.session_id[0] ? request->actor->session_id : NULL);
	all.session_id[0] = '\0';
	session_audit(&batch, request, &all, "sessions.ended");
	if (db_run(request->app->db, &batch, problem) != DB_NONE)
		return false;
	for (const char *at = rows_text(call->rows, "ended"); *at; at += strspn(at, " ")) {
		size_t length = strcspn(at, " ");
		revocation_add(request->app->tokens, arena_strndup(request->arena, at, length),
			clock_now_us());
		at += length;
	}
	return true;
}
