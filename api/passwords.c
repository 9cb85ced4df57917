/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choosing a password: with the token of an invitation, with one that was mailed to who forgot it,
 * or with the password of before. A token is the only thing that is known of its caller, so the
 * person it speaks for is looked up at the identity door and is the actor of what follows. Every
 * way in which a token can be wrong is refused in the same words.
 */
#include "http/app.h"
#include "http/identity.h"
#include "http/secrets.h"
#include "resources.h"

#include <stdlib.h>
#include <string.h>

/* Who a token speaks for, and what for. */
struct errand {
	struct request *request;
	const char *kind;
	const char *token_hash;    /* NULL: the person has a session */
	const struct rows *person; /* of token_find or person_self, one row */
};

static const char *body_text(const struct request *request, const char *name)
{
	return json_string_value(json_object_get(request->body, name));
}

/* Takes the reference. */
static const char *dump(struct arena *arena, json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);

	json_decref(value);
	arena_defer(arena, free, text);
	return text;
}

static bool refuse_token(const struct errand *errand, struct problem *problem)
{
	*problem = (struct problem)PROBLEM_INIT;
	problem_add(problem, errand->request->arena, PLACE_POINTER, "#/token",
		VIOLATION_reference_not_found, "The link is not valid, or not any more.");
	return false;
}

static bool find_person(struct errand *errand, struct problem *problem)
{
	struct request *request = errand->request;
	struct db_batch batch = { .arena = request->arena, .door = DOOR_IDENTITY };
	struct db_call *call = db_add(&batch, statement_find("token_find"));

	errand->token_hash = secret_hash(body_text(request, "token"), request->arena);
	call->params[3] = dump(request->arena,
		json_pack("{s:s, s:s}", "token_hash", errand->token_hash, "kind", errand->kind));
	if (db_run(request->app->db, &batch, problem) != DB_NONE)
		return false;
	errand->person = call->rows;
	if (rows_count(call->rows) == 0 ||
		strcmp(rows_text(call->rows, "partner_status"), "terminated") == 0)
		return refuse_token(errand, problem);
	return true;
}

/* $6: the person did it. */
static const char *person_request(const struct errand *errand)
{
	const struct request *request = errand->request;

	return dump(request->arena,
		json_pack("{s:s, s:s, s:s, s:s}", "request_id", request->id, "actor_type", "user",
			"actor_id", rows_text(errand->person, "user_id"), "address",
			request->address));
}

/* The hash of what the body asks for, or NULL. */
static const char *new_password_hash(
	const struct errand *errand, const char *member, struct problem *problem)
{
	const struct rows *person = errand->person;
	struct arena *arena = errand->request->arena;
	const char *password = body_text(errand->request, member);
	const char *objection = password_objection(password, rows_text(person, "email"),
		rows_text(person, "program_name"), rows_text(person, "slug"));

	if (objection == NULL)
		return password_hash(password, arena, problem);
	problem_add(problem, arena, PLACE_POINTER, arena_printf(arena, "#/%s", member),
		VIOLATION_invalid_choice, "%s", objection);
	return NULL;
}

/* What the write statement gets as $5. */
static json_t *decision_of(const struct errand *errand, const char *event, const char *hash)
{
	const struct actor *actor = errand->request->actor;
	/* Whoever comes with a token of an identity provider has no session to keep. */
	const char *session_id = actor && actor->session_id[0] ? actor->session_id : NULL;
	char event_id[UUID_TEXT_BYTES];

	uuid_v7(event_id);
	return json_pack("{s:s, s:s, s:s, s:s*, s:s*}", "event_id", event_id, "event", event,
		"password_hash", hash, "token_hash", errand->token_hash, "kept", session_id);
}

/* Writes and publishes behind the walls of the person's program. */
static enum db_failure write_person(const struct errand *errand, const char *write,
	const char *event, const char *password_hash, struct problem *problem)
{
	struct request *request = errand->request;
	const struct rows *person = errand->person;
	struct db_batch batch = { .arena = request->arena,
		.door = DOOR_PROGRAM,
		.program_id = rows_text(person, "program_id"),
		.is_write = true };
	const char *const statements[] = { write, "person_publish" };
	const char *name = body_text(request, "name");
	const char *body = dump(request->arena, json_pack("{s:s*}", "name", name));
	const char *decision = dump(request->arena, decision_of(errand, event, password_hash));

	for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
		struct db_call *call = db_add(&batch, statement_find(statements[i]));
		call->params[0] = batch.program_id;
		call->params[2] = rows_text(person, "user_id");
		call->params[3] = body;
		call->params[4] = decision;
		call->params[5] = person_request(errand);
		call->params[6] = rows_text(person, "before");
	}
	return db_run(request->app->db, &batch, problem);
}

/* Somebody else may have used the token in the same moment. */
static bool write_with_token(const struct errand *errand, const char *write, const char *event,
	const char *hash, struct problem *problem)
{
	enum db_failure failure = write_person(errand, write, event, hash, problem);

	if (failure == DB_WORLD_MOVED)
		return refuse_token(errand, problem);
	return failure == DB_NONE;
}

static bool body_is_good(const struct request *request, struct problem *problem)
{
	if (!request->body_problem.is_set)
		return true;
	*problem = request->body_problem;
	return false;
}

/* ---- invitations ---- */

static bool accept_invitation(
	struct request *request, struct response *response, struct problem *problem)
{
	struct errand errand = { .request = request, .kind = "invitation" };

	response->cache = CACHE_NO_STORE;
	if (!body_is_good(request, problem) || !find_person(&errand, problem))
		return false;
	const char *hash = new_password_hash(&errand, "password", problem);
	if (hash == NULL || !write_with_token(&errand, "invitation_accept",
				    "user.invitation_accepted", hash, problem))
		return false;
	response_json(response, 200,
		json_pack("{s:s, s:s, s:s}", "user_id", rows_text(errand.person, "user_id"),
			"email", rows_text(errand.person, "email"), "program",
			rows_text(errand.person, "slug")));
	return true;
}

/* ---- forgotten ---- */

/* Only noted, whoever is meant: a job looks for the person (jobs/password_resets.c), so that no
 * answer and no time tells who is known. */
static bool request_reset(
	struct request *request, struct response *response, struct problem *problem)
{
	char id[UUID_TEXT_BYTES];
	struct db_batch batch = {
		.arena = request->arena, .door = DOOR_IDENTITY, .is_write = true
	};

	response->cache = CACHE_NO_STORE;
	if (!body_is_good(request, problem))
		return false;
	uuid_v7(id);
	struct db_call *call = db_add(&batch, statement_find("password_reset_request"));
	call->params[2] = id;
	call->params[3] = dump(request->arena, json_deep_copy(request->body));
	call->params[5] = dump(request->arena,
		json_pack("{s:s, s:s}", "request_id", request->id, "address", request->address));
	if (db_run(request->app->db, &batch, problem) != DB_NONE)
		return false;
	response->status = 202;
	return true;
}

static bool confirm_reset(
	struct request *request, struct response *response, struct problem *problem)
{
	struct errand errand = { .request = request, .kind = "password_reset" };

	response->cache = CACHE_NO_STORE;
	if (!body_is_good(request, problem) || !find_person(&errand, problem))
		return false;
	const char *hash = new_password_hash(&errand, "new_password", problem);
	if (hash == NULL ||
		!write_with_token(&errand, "password_reset", "user.password_reset", hash, problem))
		return false;
	identity_forgive(request, rows_text(errand.person, "email"));
	response->status = 204;
	return true;
}

/* ---- with the password of before ---- */

static bool find_self(struct errand *errand, struct problem *problem)
{
	struct request *request = errand->request;
	struct db_batch batch = request_batch(request);
	struct db_call *call = db_add(&batch, statement_find("person_self"));

	call->params[0] = batch.program_id;
	call->params[1] = batch.partner_id;
	call->params[2] = request->actor->id;
	if (db_run(request->app->db, &batch, problem) != DB_NONE)
		return false;
	errand->person = call->rows;
	return rows_count(call->rows) == 1 ||
	       problem_set(problem, PROBLEM_token_invalid, "The access token is not valid.");
}

static bool current_password_is_right(const struct errand *errand, struct problem *problem)
{
	struct request *request = errand->request;
	bool is_right;

	if (!identity_prove_password(request, rows_text(errand->person, "email"),
		    rows_text(errand->person, "password_hash"),
		    body_text(request, "current_password"), &is_right, problem))
		return false;
	if (!is_right)
		problem_add(problem, request->arena, PLACE_POINTER, "#/current_password",
			VIOLATION_inconsistent, "This is not the present password.");
	return is_right;
}

static bool change_password(
	struct request *request, struct response *response, struct problem *problem)
{
	struct errand errand = { .request = request };

	response->cache = CACHE_NO_STORE;
	if (!body_is_good(request, problem) || !find_self(&errand, problem) ||
		!current_password_is_right(&errand, problem))
		return false;
	const char *hash = new_password_hash(&errand, "new_password", problem);
	if (hash == NULL || write_person(&errand, "password_change", "user.password_changed", hash,
				    problem) != DB_NONE)
		return false;
	response->status = 204;
	return true;
}

const struct endpoint password_endpoints[] = {
	{ .operation_id = "acceptInvitation", .run = accept_invitation, .is_slow = true },
	{ .operation_id = "requestPasswordReset", .run = request_reset },
	{ .operation_id = "confirmPasswordReset", .run = confirm_reset, .is_slow = true },
	{ .operation_id = "changePassword",
		.run = change_password,
		.self = SELF_USER,
		.is_slow = true },
	{ 0 },
};
