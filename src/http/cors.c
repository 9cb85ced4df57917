/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CORS, without credentials unless sessions may be kept in cookies: tokens travel in Authorization,
 * so nothing is lost when a foreign page asks, but only listed origins get an answer that a script
 * may read. A preflight is answered before routing: the real request then gets its 404 or 405,
 * which the page can show. Forms are for any page: they need no token and give nothing away, and
 * which pages may send one is said by its key.
 */
#include "http/cors.h"

#include "http/app.h"

#include <stdlib.h>
#include <string.h>

#define ALLOWED_METHODS "GET, HEAD, POST, PUT, PATCH, DELETE"
#define ALLOWED_HEADERS                                                                        \
	"Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, traceparent, " \
	"tracestate, X-CSRF-Token"
#define EXPOSED_HEADERS                                                                \
	"ETag, Location, Link, Request-Id, Retry-After, RateLimit, RateLimit-Policy, " \
	"Deprecation, "                                                                \
	"Sunset, Idempotency-Replayed, Content-Disposition, WWW-Authenticate"
#define MAX_AGE_S  "7200" /* Chromium's cap */
#define ANY_ORIGIN "*"
#define FORMS_PATH "/v1/forms/"

struct cors {
	struct arena *arena;
	const char **origins;
	size_t count;
};

static void take_origin(struct cors *cors, const char *text, size_t length)
{
	while (length > 0 && (*text == ' ' || *text == '\t')) {
		text++;
		length--;
	}
	while (length > 0 && strchr(" \t/", text[length - 1]))
		length--;
	if (length > 0)
		cors->origins[cors->count++] = arena_strndup(cors->arena, text, length);
}

struct cors *cors_make(const char *origins)
{
	struct arena *arena = arena_new();
	struct cors *cors = arena_zalloc(arena, sizeof(*cors));
	const char *at = origins ? origins : "";

	cors->arena = arena;
	cors->origins = arena_alloc(arena, (strlen(at) / 2 + 1) * sizeof(char *));
	while (*at) {
		size_t length = strcspn(at, ",");

		take_origin(cors, at, length);
		at += length + (at[length] == ',');
	}
	return cors;
}

struct cors *cors_free(struct cors *cors)
{
	if (cors)
		arena_free(cors->arena);
	return NULL;
}

const char *cors_match(const struct cors *cors, const char *origin)
{
	for (size_t i = 0; origin && i < cors->count; i++)
		if (strcmp(cors->origins[i], origin) == 0)
			return cors->origins[i];
	return NULL;
}

/* The path alone decides: a preflight says neither key nor body. */
const char *cors_match_form(const struct request *request)
{
	bool is_form = strncmp(request->target, FORMS_PATH, strlen(FORMS_PATH)) == 0;

	return is_form && request_header(request, "Origin") ? ANY_ORIGIN : NULL;
}

bool cors_is_preflight(const struct request *request)
{
	return request->method == METHOD_OPTIONS && request_header(request, "Origin") &&
	       request_header(request, "Access-Control-Request-Method");
}

/* Cookies cross origins only where the operator lets browsers keep sessions in them. */
static void allow_credentials(const struct request *request, struct response *response)
{
	if (request->app->settings->cookie_sessions && strcmp(request->origin, ANY_ORIGIN) != 0)
		response_header(response, "Access-Control-Allow-Credentials", "true");
}

void cors_preflight(const struct request *request, struct response *response)
{
	response->status = 204;
	if (!request->origin)
		return;
	response_header(response, "Access-Control-Allow-Origin", request->origin);
	allow_credentials(request, response);
	response_header(response, "Access-Control-Allow-Methods", ALLOWED_METHODS);
	response_header(response, "Access-Control-Allow-Headers", ALLOWED_HEADERS);
	response_header(response, "Access-Control-Max-Age", MAX_AGE_S);
}

void cors_expose(const struct request *request, struct response *response)
{
	if (!request->origin)
		return;
	response_header(response, "Access-Control-Allow-Origin", request->origin);
	allow_credentials(request, response);
	response_header(response, "Access-Control-Expose-Headers", EXPOSED_HEADERS);
}
