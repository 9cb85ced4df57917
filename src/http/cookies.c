/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cookies in and out. The names carry the prefixes of RFC 6265bis, so that a browser takes them
 * over TLS and from this host only: a neighbouring host cannot plant its own session here. The
 * refresh token travels to the two operations that need it and nowhere else.
 */
#include "http/cookies.h"

#include "http/app.h"

#include <sodium.h>
#include <string.h>

#define ACCESS_COOKIE  "__Host-partnerd_access"
#define REFRESH_COOKIE "__Secure-partnerd_refresh"
#define REFRESH_PATH   "/v1/cookie-sessions"

/* Separates this use of app->secret from others. */
#define CSRF_PURPOSE "csrf token\n"

#define FORGEABLE "Send the csrf_token of the session in X-CSRF-Token, from an origin of ours."

/* ---- in ---- */

static bool is_blank(char byte)
{
	return byte == ' ' || byte == '\t';
}

/* The value of the only cookie of this name, else NULL. */
static const char *cookie_value(const struct request *request, const char *name)
{
	const char *at = request_header(request, "Cookie");
	size_t name_length = strlen(name);
	struct slice found = { NULL, 0 };
	int count = 0;

	while (at && *at) {
		at += strspn(at, " \t;");
		size_t length = strcspn(at, ";");
		if (length > name_length && at[name_length] == '=' &&
			memcmp(at, name, name_length) == 0) {
			found = (struct slice){ at + name_length + 1, length - name_length - 1 };
			count++;
		}
		at += length;
	}
	while (found.length > 0 && is_blank(found.bytes[found.length - 1]))
		found.length--;
	if (count != 1 || found.length == 0)
		return NULL;
	return arena_strndup(request->arena, found.bytes, found.length);
}

const char *cookies_access(const struct request *request)
{
	return request->app->settings->cookie_sessions ? cookie_value(request, ACCESS_COOKIE)
						       : NULL;
}

const char *cookies_refresh(const struct request *request)
{
	return request->app->settings->cookie_sessions ? cookie_value(request, REFRESH_COOKIE)
						       : NULL;
}

const char *csrf_token(const struct request *request, const char *session_id)
{
	crypto_auth_hmacsha256_state state;
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	char text[BASE64URL_BYTES(sizeof mac)];

	crypto_auth_hmacsha256_init(&state, request->app->secret, sizeof request->app->secret);
	crypto_auth_hmacsha256_update(
		&state, (const unsigned char *)CSRF_PURPOSE, sizeof CSRF_PURPOSE - 1);
	crypto_auth_hmacsha256_update(
		&state, (const unsigned char *)session_id, strlen(session_id));
	crypto_auth_hmacsha256_final(&state, mac);
	base64url_encode(mac, sizeof mac, text);
	return arena_strdup(request->arena, text);
}

bool csrf_matches(const struct request *request, const char *session_id)
{
	const char *given = request_header(request, "X-CSRF-Token");
	const char *right = csrf_token(request, session_id);

	return given && strlen(given) == strlen(right) &&
	       sodium_memcmp(given, right, strlen(right)) == 0;
}

/* Scheme, host and port of the issuer are what a browser calls our origin. */
static bool is_own_origin(const struct request *request, const char *origin)
{
	const char *issuer = request->app->issuer;
	const char *host = strstr(issuer, "://");
	size_t length = host ? (size_t)(host + 3 - issuer) + strcspn(host + 3, "/") : 0;

	return length > 0 && strlen(origin) == length && memcmp(issuer, origin, length) == 0;
}

bool origin_is_ours(const struct request *request)
{
	const char *origin = request_header(request, "Origin");

	return !origin || request->origin || is_own_origin(request, origin);
}

bool csrf_check(const struct request *request, const struct actor *actor, struct problem *problem)
{
	if (request->method == METHOD_GET || request->method == METHOD_HEAD)
		return true;
	if (origin_is_ours(request) && csrf_matches(request, actor->session_id))
		return true;
	return problem_set(problem, PROBLEM_csrf_invalid, FORGEABLE);
}

/* ---- out ---- */

bool cookies_are_offered(const struct request *request, struct problem *problem)
{
	if (!request->app->settings->cookie_sessions)
		return problem_set(
			problem, PROBLEM_forbidden, "Sessions in cookies are not offered here.");
	return origin_is_ours(request) || problem_set(problem, PROBLEM_csrf_invalid, FORGEABLE);
}

const char *cookies_set(
	struct response *response, struct request *request, const struct grant *grant)
{
	response->cookies[0] = (struct response_cookie){ ACCESS_COOKIE, grant->access_token, "/",
		grant->expires_in_s };
	response->cookies[1] = (struct response_cookie){ REFRESH_COOKIE, grant->refresh_token,
		REFRESH_PATH, grant->refresh_expires_in_s };
	response->cookie_count = 2;
	return csrf_token(request, grant->actor.session_id);
}

void cookies_clear(struct response *response)
{
	response->cookies[0] = (struct response_cookie){ ACCESS_COOKIE, "", "/", 0 };
	response->cookies[1] = (struct response_cookie){ REFRESH_COOKIE, "", REFRESH_PATH, 0 };
	response->cookie_count = 2;
}

/* No refresh without the CSRF token, unless a browser vouches for the page by its Origin: a page
 * that was reloaded has lost the token, and gets it here. */
bool identity_refresh_cookie(
	struct request *request, struct grant *ret_grant, struct problem *problem)
{
	const struct oauth_request oauth = { .refresh_token = cookies_refresh(request),
		.is_cookie = true,
		.needs_csrf = !request_header(request, "Origin") };
	struct refusal refusal = { OAUTH_NONE, NULL };

	if (!oauth.refresh_token)
		return problem_set(
			problem, PROBLEM_unauthenticated, "There is no session to renew.");
	if (!origin_is_ours(request))
		return problem_set(problem, PROBLEM_csrf_invalid, FORGEABLE);
	if (identity_refresh(request, &oauth, ret_grant, &refusal, problem))
		return true;
	if (refusal.error != OAUTH_NONE)
		problem_set(problem, PROBLEM_token_invalid, "The session is over: sign in again.");
	return false;
}
