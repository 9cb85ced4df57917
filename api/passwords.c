/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choosing a password: with the token of an invitation. The token is the only thing that is known
 * of the caller, so the person it speaks for is looked up at the identity door and is the actor of
 * what follows. Every way in which a token can be wrong is refused in the same words.
 */
#include "http/app.h"
#include "http/secrets.h"
#include "resources.h"

#include <stdlib.h>
#include <string.h>

/* Who a token speaks for, and what for. */
struct errand {
	struct request *request;
	const char *kind;
	const char *token_hash;
	const struct rows *person; /* of token_find, one row */
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

/* Writes and publishes behind the walls of the person's program. */
static bool write_person(const struct errand *errand, const char *write, const char *event,
	const char *password_hash, struct problem *problem)
{
	struct request *request = errand->request;
	const struct rows *person = errand->person;
	char event_id[UUID_TEXT_BYTES];
	struct db_batch batch = { .arena = request->arena,
		.door = DOOR_PROGRAM,
		.program_id = rows_text(person, "program_id"),
		.is_write = true };
	const char *const statements[] = { write, "person_publish" };

	uuid_v7(event_id);
	const char *body = dump(request->arena, json_deep_copy(request->body));
	const char *decision = dump(request->arena,
		json_pack("{s:s, s:s, s:s, s:s}", "event_id", event_id, "event", event,
			"token_hash", errand->token_hash, "password_hash", password_hash));
	for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
		struct db_call *call = db_add(&batch, statement_find(statements[i]));
		call->params[0] = batch.program_id;
		call->params[2] = rows_text(person, "user_id");
		call->params[3] = body;
		call->params[4] = decision;
		call->params[5] = person_request(errand);
		call->params[6] = rows_text(person, "before");
	}
	enum db_failure failure = db_run(request->app->db, &batch, problem);
	if (failure == DB_WORLD_MOVED) /* somebody else used the link in the same moment */
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
	const char *hash = password_hash(body_text(request, "password"), request->arena, problem);
	if (hash == NULL || !write_person(&errand, "invitation_accept", "user.invitation_accepted",
				    hash, problem))
		return false;
	response_json(response, 200,
		json_pack("{s:s, s:s, s:s}", "user_id", rows_text(errand.person, "user_id"),
			"email", rows_text(errand.person, "email"), "program",
			rows_text(errand.person, "slug")));
	return true;
}

const struct endpoint password_endpoints[] = {
	{ .operation_id = "acceptInvitation", .run = accept_invitation, .is_slow = true },
	{ 0 },
};
