/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing in: an e-mail address and a password become a session. Whatever is wrong with them is the
 * same refusal after the same work, so that neither the answer nor its time tells who is known
 * here. Who fails too often has to wait, and is told so before any password is looked at.
 */
#include "http/sessions.h"

#include "base/clock.h"
#include "http/attempts.h"
#include "http/passwords.h"
#include "http/secrets.h"
#include "http/tokens.h"

#include <string.h>

struct sign_in {
	struct request *request;
	const char *email;
	const char *password;
	const char *program;
	const struct rows *rows; /* the user, or NULL */
	struct grant *grant;
};

/* Takes an attempt and reads the user in one trip. */
static bool find_user(struct sign_in *in, struct problem *problem)
{
	struct db_batch batch = grant_batch(in->request, NULL);
	const struct db_call *attempt = attempt_add(&batch, in->request, in->email);
	struct db_call *call = grant_call(&batch, "auth_user_by_email");

	call->params[3] = grant_json(
		in->request, json_pack("{s:s, s:s*}", "email", in->email, "program", in->program));
	batch.is_write = true;
	if (db_run(in->request->app->db, &batch, problem) != DB_NONE)
		return false;
	if (!attempt_is_free(attempt, problem))
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
		person_fill(&actor, in->rows, "id");
	struct db_batch batch = grant_batch(in->request, in->rows ? actor.program_id : NULL);
	batch.is_write = true;
	if (in->rows)
		session_audit(&batch, in->request, &actor, "session.refused");
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
	grant->refresh_token = secret_make(SECRET_PREFIX_REFRESH, in->request->arena);
	grant->refresh_expires_in_s = session_life_s(settings, settings->refresh_token_s);
	call->params[0] = actor->program_id;
	call->params[2] = actor->id;
	call->params[3] = grant_json(in->request,
		json_pack("{s:s, s:s, s:s, s:I, s:I, s:s, s:s*, s:s, s:s*}", "token_hash",
			token_hash_hex(in->request, grant->refresh_token), "session_id",
			actor->session_id, "password_hash", rows_text(in->rows, "password_hash"),
			"life_s", (json_int_t)settings->refresh_token_s, "idle_s",
			(json_int_t)settings->refresh_idle_s, "profile", "bearer", "user_agent",
			session_user_agent(in->request), "address", in->request->address,
			"new_password_hash", rehash(in, verdict)));
	session_audit(&batch, in->request, actor, "session.started");
	attempt_add_success(&batch, in->request, in->email);
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
	if (verdict == PASSWORD_BUSY) {
		attempt_give_back(request, email);
		return false;
	}
	if (verdict == PASSWORD_WRONG || !person_may_sign_in(in.rows))
		return refuse_sign_in(&in, problem);
	person_fill(&ret_grant->actor, in.rows, "id");
	return start_session(&in, verdict, problem) && grant_finish(request, ret_grant, problem);
}
