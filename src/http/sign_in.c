/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing in: an e-mail address and a password become a session, or, for who has a second factor, a
 * challenge that becomes one with a code. Whatever is wrong with them is the same refusal after the
 * same work, so that neither the answer nor its time tells who is known here. Who fails too often
 * has to wait, and is told so before any password is looked at.
 */
#include "http/sessions.h"

#include "base/clock.h"
#include "http/attempts.h"
#include "http/passwords.h"
#include "http/second_factor.h"
#include "http/tokens.h"

#include <string.h>

#define CHALLENGE_PREFIX "pdc_"
#define CHALLENGE_LIFE_S 300

struct sign_in {
	struct request *request;
	const struct credentials *credentials;
	const char *email;
	const char *challenge_hash; /* NULL in the first step */
	struct proof proof;
	const struct rows *rows; /* the user, or NULL */
	struct grant *grant;
};

/* Takes an attempt and reads the user in one trip. */
static bool find_user(struct sign_in *in, struct problem *problem)
{
	struct db_batch batch = grant_batch(in->request, NULL);
	const struct db_call *attempt = attempt_add(&batch, in->request, in->email);
	struct db_call *call = grant_call(&batch, "auth_user_by_email");

	call->params[3] = grant_json(in->request,
		json_pack("{s:s, s:s*}", "email", in->email, "program", in->credentials->program));
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
	*problem = (struct problem)PROBLEM_INIT;
	if (in->challenge_hash)
		return problem_set(problem, PROBLEM_invalid_code,
			"The code is not right, or it is too late: sign in again.");
	return problem_set(
		problem, PROBLEM_invalid_credentials, "E-mail and password do not match.");
}

static const char *rehash(struct sign_in *in, enum password_verdict verdict)
{
	struct problem ignored = PROBLEM_INIT;

	if (verdict != PASSWORD_RIGHT_REHASH)
		return NULL;
	return password_hash(
		in->credentials->password, in->request->arena, &ignored); /* busy: next time */
}

/* ---- the end: a session ---- */

static void add_session(struct db_batch *batch, struct sign_in *in, const char *new_hash)
{
	const struct settings *settings = in->request->app->settings;
	struct grant *grant = in->grant;
	struct actor *actor = &grant->actor;
	struct db_call *call = grant_call(batch, "auth_session_start");

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
			(json_int_t)settings->refresh_idle_s, "profile",
			in->credentials->is_cookie ? "cookie" : "bearer", "user_agent",
			session_user_agent(in->request), "address", in->request->address,
			"new_password_hash", new_hash));
}

/* The challenge and the code, both of which are good once. */
static void add_second_step(struct db_batch *batch, const struct sign_in *in)
{
	const struct actor *actor = &in->grant->actor;
	struct db_call *call = grant_call(batch, "auth_challenge_spend");

	call->params[0] = actor->program_id;
	call->params[2] = actor->id;
	call->params[3] =
		grant_json(in->request, json_pack("{s:s}", "challenge_hash", in->challenge_hash));
	proof_add(batch, in->request, actor->id, &in->proof);
}

static bool start_session(struct sign_in *in, const char *new_hash, struct problem *problem)
{
	struct actor *actor = &in->grant->actor;
	struct db_batch batch = grant_batch(in->request, actor->program_id);

	batch.is_write = true;
	add_session(&batch, in, new_hash);
	if (in->challenge_hash)
		add_second_step(&batch, in);
	session_audit(&batch, in->request, actor, "session.started");
	attempt_add_success(&batch, in->request, in->email);
	enum db_failure failure = db_run(in->request->app->db, &batch, problem);
	/* Disabled, or given another password, or the code was used, since it was read. */
	if (failure == DB_WORLD_MOVED)
		return refuse_sign_in(in, problem);
	return failure == DB_NONE && grant_finish(in->request, in->grant, problem);
}

/* ---- the first step ---- */

/* The password was right: that much of the attempt did not fail. */
static bool open_challenge(struct sign_in *in, const char *new_hash, struct problem *problem)
{
	struct request *request = in->request;
	const struct actor *actor = &in->grant->actor;
	struct db_batch batch = grant_batch(request, actor->program_id);
	struct db_call *call = grant_call(&batch, "auth_challenge");
	const char *token = secret_make(CHALLENGE_PREFIX, request->arena);

	batch.is_write = true;
	call->params[0] = actor->program_id;
	call->params[2] = actor->id;
	call->params[3] = grant_json(request,
		json_pack("{s:s, s:s, s:s*, s:i}", "token_hash", token_hash_hex(request, token),
			"password_hash", rows_text(in->rows, "password_hash"), "new_password_hash",
			new_hash, "life_s", CHALLENGE_LIFE_S));
	session_audit(&batch, request, actor, "session.challenged");
	enum db_failure failure = db_run(request->app->db, &batch, problem);
	if (failure == DB_WORLD_MOVED)
		return refuse_sign_in(in, problem);
	if (failure != DB_NONE)
		return false;
	attempt_give_back(request, in->email);
	problem->challenge_token = token;
	return problem_set(problem, PROBLEM_second_factor_required,
		"Send challenge_token with a code of the second factor within five minutes.");
}

bool identity_sign_in(struct request *request, const struct credentials *credentials,
	struct grant *ret_grant, struct problem *problem)
{
	struct sign_in in = { .request = request,
		.credentials = credentials,
		.email = credentials->email,
		.grant = ret_grant };

	memset(ret_grant, 0, sizeof *ret_grant);
	ret_grant->actor.issued_at_us = clock_now_us();
	if (!find_user(&in, problem))
		return false;
	const char *stored = in.rows ? rows_text(in.rows, "password_hash") : NULL;
	enum password_verdict verdict = password_verify(stored, credentials->password, problem);
	if (verdict == PASSWORD_BUSY) {
		attempt_give_back(request, in.email);
		return false;
	}
	if (verdict == PASSWORD_WRONG || !person_may_sign_in(in.rows))
		return refuse_sign_in(&in, problem);
	person_fill(&ret_grant->actor, in.rows, "id");
	const char *new_hash = rehash(&in, verdict);
	return rows_bool(in.rows, "has_second_factor") ? open_challenge(&in, new_hash, problem)
						       : start_session(&in, new_hash, problem);
}

/* ---- the second step ---- */

static bool find_challenge(struct sign_in *in, struct problem *problem)
{
	struct db_batch batch = grant_batch(in->request, NULL);
	struct db_call *call = grant_call(&batch, "auth_challenge_find");

	call->params[3] =
		grant_json(in->request, json_pack("{s:s}", "token_hash", in->challenge_hash));
	if (db_run(in->request->app->db, &batch, problem) != DB_NONE)
		return false;
	if (rows_count(call->rows) == 1)
		in->rows = call->rows;
	return true;
}

static bool take_attempt(const struct sign_in *in, struct problem *problem)
{
	struct db_batch batch = grant_batch(in->request, NULL);
	const struct db_call *attempt = attempt_add(&batch, in->request, in->email);

	batch.is_write = true;
	return db_run(in->request->app->db, &batch, problem) == DB_NONE &&
	       attempt_is_free(attempt, problem);
}

bool identity_answer_challenge(struct request *request, const struct credentials *credentials,
	struct grant *ret_grant, struct problem *problem)
{
	struct sign_in in = { .request = request,
		.credentials = credentials,
		.challenge_hash = token_hash_hex(request, credentials->challenge_token),
		.grant = ret_grant };

	memset(ret_grant, 0, sizeof *ret_grant);
	ret_grant->actor.issued_at_us = clock_now_us();
	if (!find_challenge(&in, problem))
		return false;
	if (!in.rows)
		return refuse_sign_in(&in, problem);
	in.email = rows_text(in.rows, "email");
	if (!take_attempt(&in, problem))
		return false;
	if (!proof_judge(request, in.rows, credentials->code, &in.proof) ||
		!person_may_sign_in(in.rows))
		return refuse_sign_in(&in, problem);
	person_fill(&ret_grant->actor, in.rows, "id");
	return start_session(&in, NULL, problem);
}
