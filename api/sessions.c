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
	{ .parameter = "_user_id", .type = 'u', .from_path = true },
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

static bool sign_in(
	struct request *request, bool is_cookie, struct grant *ret_grant, struct problem *problem)
{
	const struct credentials credentials = {
		.email = body_text(request, "email"),
		.password = body_text(request, "password"),
		.program = body_text(request, "program"),
		.challenge_token = body_text(request, "challenge_token"),
		.code = body_text(request, "code"),
		.is_cookie = is_cookie,
	};

	if (!body_is_whole(request, problem) ||
		(is_cookie && !cookies_are_offered(request, problem)))
		return false;
	return credentials.challenge_token != NULL
		       ? identity_answer_challenge(request, &credentials, ret_grant, problem)
		       : identity_sign_in(request, &credentials, ret_grant, problem);
}

static void add_person(json_t *answer, const struct actor *actor)
{
	const char *partner_id = actor_partner(actor);

	json_object_set_new(answer, "user_id", json_string(actor->id));
	json_object_set_new(answer, "program_id", json_string(actor->program_id));
	json_object_set_new(
		answer, "partner_id", partner_id ? json_string(partner_id) : json_null());
}

static bool create_session(
	struct request *request, struct response *response, struct problem *problem)
{
	struct grant grant;

	if (!sign_in(request, false, &grant, problem))
		return false;
	json_t *answer = token_json(&grant);
	add_person(answer, &grant.actor);
	response->cache = CACHE_NO_STORE;
	response_json(response, 201, answer);
	return true;
}

/* ---- in cookies ---- */

static bool answer_cookies(
	struct request *request, struct response *response, int status, const struct grant *grant)
{
	const char *csrf = cookies_set(response, request, grant);
	json_t *answer = json_pack("{s:s, s:I, s:I, s:s}", "csrf_token", csrf, "expires_in",
		(json_int_t)grant->expires_in_s, "refresh_expires_in",
		(json_int_t)grant->refresh_expires_in_s, "scope", grant->scope);

	add_person(answer, &grant->actor);
	response->cache = CACHE_NO_STORE;
	response_json(response, status, answer);
	return true;
}

static bool create_cookie_session(
	struct request *request, struct response *response, struct problem *problem)
{
	struct grant grant;

	return sign_in(request, true, &grant, problem) &&
	       answer_cookies(request, response, 201, &grant);
}

static bool refresh_cookie_session(
	struct request *request, struct response *response, struct problem *problem)
{
	struct grant grant;

	if (request->body_problem.is_set) {
		*problem = request->body_problem;
		return false;
	}
	if (identity_refresh_cookie(request, &grant, problem))
		return answer_cookies(request, response, 200, &grant);
	if (problem->code == PROBLEM_token_invalid)
		cookies_clear(response);
	return false;
}

/* ---- ending ---- */

static bool answer_ended(const struct request *request, struct response *response, bool is_current)
{
	if (request->is_by_cookie && is_current)
		cookies_clear(response);
	response->status = 204;
	response->cache = CACHE_NO_STORE;
	return true;
}

static bool end_current(struct request *request, struct response *response, struct problem *problem)
{
	return identity_end_session(request, problem) && answer_ended(request, response, true);
}

static bool end_one(struct request *request, struct response *response, struct problem *problem)
{
	const char *id = request->path_ids[0];

	return identity_end_own(request, id, problem) &&
	       answer_ended(request, response, strcmp(id, request->actor->session_id) == 0);
}

static bool end_all(struct request *request, struct response *response, struct problem *problem)
{
	const char *text = request_query(request, "keep_current");
	bool keeps = text != NULL && strcmp(text, "true") == 0;

	return identity_end_all(request, keeps, problem) && answer_ended(request, response, !keeps);
}

const struct endpoint session_endpoints[] = {
	{ .operation_id = "createSession", .run = create_session, .is_slow = true },
	{ .operation_id = "createCookieSession", .run = create_cookie_session, .is_slow = true },
	{ .operation_id = "refreshCookieSession", .run = refresh_cookie_session },
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
