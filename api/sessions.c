/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions of people: signing in, seeing where one is signed in, signing out there. What a session
 * is and does lives in src/http (sign_in.c, refresh.c, sessions.c); here is how it is asked for and
 * answered. Everybody sees and ends their own only.
 */
#include <string.h>

#include "http/app.h"
#include "http/identity.h"
#include "resources.h"

static const struct resource session_resource = {
	.object = "session",
	.shape = "session_shape",
	.path = "/v1/sessions/",
};

static const struct filter session_filters[] = {
	{ .parameter = "user_id", .sql = "s._user_id = {}", .type = 'u', .from_path = true },
	{ 0 },
};

static const struct sort session_sorts[] = {
	{ .name = "last_used_at", .column = "last_used_at", .type = 'z' },
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list session_list = {
	.resource = &session_resource, .filters = session_filters, .sorts = session_sorts
};

static const char *body_text(const struct request *request, const char *name)
{
	return json_string_value(json_object_get(request->body, name));
}

/* E-mail and password, or a challenge and a code. */
static bool body_is_whole(struct request *request, struct problem *problem)
{
	static const char *const steps[][2] = { { "email", "password" },
		{ "challenge_token", "code" } };
	const char *const *names = steps[body_text(request, "challenge_token") != NULL];
	const char *const *others = steps[body_text(request, "challenge_token") == NULL];

	if (request->body_problem.is_set) {
		*problem = request->body_problem;
		return false;
	}
	for (int i = 0; i < 2; i++) {
		if (body_text(request, names[i]) == NULL)
			problem_add(problem, request->arena, PLACE_POINTER,
				arena_printf(request->arena, "#/%s", names[i]), VIOLATION_required,
				"Required.");
		if (body_text(request, others[i]) != NULL)
			problem_add(problem, request->arena, PLACE_POINTER,
				arena_printf(request->arena, "#/%s", others[i]),
				VIOLATION_inconsistent,
				"Send email and password, or challenge_token and code.");
	}
	return !problem->is_set;
}

static bool sign_in(struct request *request, struct grant *ret_grant, struct problem *problem)
{
	const char *challenge_token = body_text(request, "challenge_token");

	if (!body_is_whole(request, problem))
		return false;
	if (challenge_token != NULL)
		return identity_answer_challenge(
			request, challenge_token, body_text(request, "code"), ret_grant, problem);
	return identity_sign_in(request, body_text(request, "email"),
		body_text(request, "password"), body_text(request, "program"), ret_grant, problem);
}

static bool create_session(
	struct request *request, struct response *response, struct problem *problem)
{
	struct grant grant;

	if (!sign_in(request, &grant, problem))
		return false;
	json_t *answer = token_json(&grant);
	const char *partner_id = actor_partner(&grant.actor);
	json_object_set_new(answer, "user_id", json_string(grant.actor.id));
	json_object_set_new(answer, "program_id", json_string(grant.actor.program_id));
	json_object_set_new(
		answer, "partner_id", partner_id ? json_string(partner_id) : json_null());
	response->cache = CACHE_NO_STORE;
	response_json(response, 201, answer);
	return true;
}

static bool answer_ended(struct response *response)
{
	response->status = 204;
	response->cache = CACHE_NO_STORE;
	return true;
}

static bool end_current(struct request *request, struct response *response, struct problem *problem)
{
	return identity_end_session(request, problem) && answer_ended(response);
}

static bool end_one(struct request *request, struct response *response, struct problem *problem)
{
	return identity_end_own(request, request->path_ids[0], problem) && answer_ended(response);
}

static bool end_all(struct request *request, struct response *response, struct problem *problem)
{
	const char *keeps = request_query(request, "keep_current");

	return identity_end_all(request, keeps != NULL && strcmp(keeps, "true") == 0, problem) &&
	       answer_ended(response);
}

const struct endpoint session_endpoints[] = {
	{ .operation_id = "createSession", .run = create_session, .is_slow = true },
	{ .operation_id = "listSessions", .list = &session_list, .self = SELF_USER },
	{ .operation_id = "endSessions", .run = end_all },
	{ .operation_id = "getCurrentSession",
		.resource = &session_resource,
		.get = true,
		.while_enrolling = true,
		.self = SELF_SESSION },
	{ .operation_id = "endSession", .run = end_current, .while_enrolling = true },
	{ .operation_id = "endOwnSession", .run = end_one },
	{ 0 },
};
