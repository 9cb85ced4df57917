/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate's two questions: who sends this, and may they ask for it. Nothing of a token is taken
 * before tokens_verify has said yes, and every way in which it can be wrong gives the same answer;
 * only an honest token that is merely too old is told so, because its owner shall refresh it.
 */
#include "http/server.h"

#include "base/clock.h"
#include "http/cookies.h"
#include "http/external.h"
#include "http/keys.h"
#include "http/tokens.h"

#include <string.h>
#include <strings.h>

/* The token after "Bearer ", that of the cookie where there is no such header, or an empty slice
 * with the problem set. */
static struct slice bearer_token(const struct request *request, struct problem *problem)
{
	const struct slice none = { NULL, 0 };
	const char *header = request_header(request, "Authorization");
	const char *cookie = header ? NULL : cookies_access(request);

	if (cookie)
		return slice_of(cookie);
	if (!header || strncasecmp(header, "Bearer", 6) != 0 ||
		(header[6] != ' ' && header[6] != '\0')) {
		problem_set(problem, PROBLEM_unauthenticated,
			"Send an access token: Authorization: Bearer ….");
		return none;
	}
	const char *token = header + 6;
	token += strspn(token, " ");
	if (!*token) {
		problem_set(problem, PROBLEM_token_invalid, "The access token is not valid.");
		return none;
	}
	return slice_of(token);
}

/* A key this instance has not heard of yet may have been made a moment ago by another. */
enum token_verdict auth_verify(struct request *request, struct slice token, struct actor *actor)
{
	struct app *app = request->app;
	int64_t now_us = clock_now_us();

	enum token_verdict verdict =
		tokens_verify(app->tokens, token.bytes, token.length, now_us, actor);
	if (verdict != TOKEN_UNKNOWN_KEY)
		return verdict;
	keys_refresh(app->keys, app->db, app->vault);
	return tokens_verify(app->tokens, token.bytes, token.length, now_us, actor);
}

/* The token is good, so whoever took it may learn that it is of no use here. */
static bool comes_from_home(const struct request *request, struct problem *problem)
{
	const struct actor *actor = request->actor;

	return client_may_come_from(actor->networks, actor->network_count, request->address) ||
	       problem_set(problem, PROBLEM_address_not_allowed,
		       "The client may not be used from the address %s.", request->address);
}

/* What is no token of ours may be one of a provider that somebody trusts. */
static bool verify_any(
	struct request *request, struct slice token, struct actor *actor, struct problem *problem)
{
	enum token_verdict verdict = tokens_verify(
		request->app->tokens, token.bytes, token.length, clock_now_us(), actor);

	if (verdict == TOKEN_INVALID || verdict == TOKEN_UNKNOWN_KEY) {
		enum external_verdict other = external_verify(request, token, actor, problem);
		if (other != EXTERNAL_NONE)
			return other == EXTERNAL_OK;
	}
	if (verdict == TOKEN_UNKNOWN_KEY)
		verdict = auth_verify(request, token, actor);
	if (verdict == TOKEN_OK)
		return true;
	if (verdict == TOKEN_EXPIRED)
		return problem_set(problem, PROBLEM_token_expired, "The access token has expired.");
	return problem_set(problem, PROBLEM_token_invalid, "The access token is not valid.");
}

/* Cookies hold tokens of our own sessions, and no others. */
static bool cookie_may_speak(const struct request *request, struct problem *problem)
{
	if (!request->actor->session_id[0])
		return problem_set(
			problem, PROBLEM_token_invalid, "The access token is not valid.");
	return csrf_check(request, request->actor, problem);
}

bool auth_check(struct request *request, struct problem *problem)
{
	struct slice token = bearer_token(request, problem);
	if (!token.bytes)
		return false;
	struct actor *actor = arena_zalloc(request->arena, sizeof *actor);
	if (!verify_any(request, token, actor, problem))
		return false;
	request->actor = actor;
	request->is_by_cookie = !request_header(request, "Authorization");
	return comes_from_home(request, problem) &&
	       (!request->is_by_cookie || cookie_may_speak(request, problem));
}

/* The scopes the operation asks for, as RFC 6750 wants them in scope=. */
static const char *scopes_text(const struct request *request)
{
	const char *text = "";

	for (const char *const *scope = request->operation->scopes; *scope; scope++)
		text = arena_printf(request->arena, "%s%s%s", text, *text ? " " : "", *scope);
	return text;
}

/* A session whose role asks for a second factor can set one up, and leave. */
static bool may_while_enrolling(const struct request *request, struct problem *problem)
{
	if (!request->actor || !request->actor->is_enrolling ||
		bindings_endpoint(request->app->bindings, request->operation)->while_enrolling)
		return true;
	return problem_set(problem, PROBLEM_second_factor_missing,
		"The role asks for a second factor: POST /v1/me/totp begins to set one up.");
}

bool auth_scopes(const struct request *request, struct problem *problem)
{
	if (!may_while_enrolling(request, problem))
		return false;
	for (const char *const *name = request->operation->scopes; *name; name++) {
		enum scope scope;
		bool has = request->actor && scope_parse(*name, strlen(*name), &scope) &&
			   (request->actor->scopes & UINT64_C(1) << scope);
		if (has)
			continue;
		problem_set(problem, PROBLEM_insufficient_scope, "The token lacks the scope %s.",
			*name);
		problem->scope = scopes_text(request);
		return false;
	}
	return true;
}
