/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers that are not resources: problems (RFC 9457) and small JSON. A problem is written by hand,
 * not through jansson: it must be possible to say that something went wrong when nearly everything
 * has. The member `instance` is the path without its query, which may hold what logs must not.
 */
#include "http/response.h"

#include <string.h>

#include "http/app.h"
#include "http/negotiate.h"
#include "http/request.h"

static const char *const place_names[] = {
	[PLACE_POINTER] = "pointer",
	[PLACE_PARAMETER] = "parameter",
	[PLACE_HEADER] = "header",
};

static bool is_visible(const char *value)
{
	for (const char *at = value; *at; at++)
		if ((*at < 0x20 && *at != '\t') || *at == 0x7f)
			return false;
	return value[0] != '\0';
}

void response_header(struct response *response, const char *name, const char *value)
{
	if (!value || !is_visible(value) || response->header_count == RESPONSE_MAX_HEADERS)
		return;
	response->headers[response->header_count].name = name;
	response->headers[response->header_count++].value = value;
}

void response_etag(struct response *response, struct request *request, const char *version)
{
	response_header(response, "ETag", arena_printf(request->arena, "\"%s\"", version));
}

/* Any member but the first of its object. */
static void member(struct text *out, const char *name, const char *value)
{
	text_append_string(out, ",\"");
	text_append_string(out, name);
	text_append_string(out, "\":");
	text_append_json(out, value, strlen(value));
}

static void write_violations(struct text *out, const struct problem *problem)
{
	text_append_string(out, ",\"errors\":[");
	for (size_t i = 0; i < problem->violation_count; i++) {
		const struct violation *violation = &problem->violations[i];

		text_append_string(out, i > 0 ? ",{\"" : "{\"");
		text_append_string(out, place_names[violation->place]);
		text_append_string(out, "\":");
		text_append_json(out, violation->where, strlen(violation->where));
		member(out, "code", violation_code_text(violation->code));
		member(out, "detail", violation->detail);
		text_append_char(out, '}');
	}
	text_append_char(out, ']');
}

/* Words between spaces as a list. */
static void write_allowed(struct text *out, const char *allowed)
{
	text_append_string(out, ",\"allowed\":[");
	for (const char *at = allowed; *at;) {
		size_t length = strcspn(at, " ");

		text_append_json(out, at, length);
		at += length + strspn(at + length, " ");
		text_append_string(out, *at ? "," : "");
	}
	text_append_char(out, ']');
}

static void write_extras(struct text *out, const struct problem *problem)
{
	if (problem->violation_count > 0)
		write_violations(out, problem);
	if (problem->from[0] || problem->code == PROBLEM_invalid_transition) {
		member(out, "from", problem->from);
		write_allowed(out, problem->allowed);
	}
	if (problem->scope)
		member(out, "scope", problem->scope);
	if (problem->resource_id)
		member(out, "resource_id", problem->resource_id);
	if (problem->challenge_token)
		member(out, "challenge_token", problem->challenge_token);
}

static void write_problem(
	struct text *out, const struct request *request, const struct problem *problem)
{
	const char *code = problem_code_text(problem->code);
	const char *title = problem_title(problem->code);

	text_clear(out);
	text_reserve(out, 512);
	text_append_string(out, "{\"type\":\"/problems/");
	text_append_string(out, code);
	text_append_char(out, '"');
	member(out, "title", title);
	text_append_string(out, ",\"status\":");
	text_append_int64(out, problem_status(problem->code));
	member(out, "detail", problem->detail[0] ? problem->detail : title);
	text_append_string(out, ",\"instance\":");
	text_append_json(out, request->path.length > 0 ? request->path.bytes : "/",
		request->path.length > 0 ? request->path.length : 1);
	member(out, "code", code);
	member(out, "request_id", request->id);
	write_extras(out, problem);
	text_append_char(out, '}');
}

/* RFC 6750 §3: no error without a token, the reason when there was one. */
static const char *challenge_reason(const struct request *request, const struct problem *problem)
{
	switch (problem->code) {
	case PROBLEM_unauthenticated:
	case PROBLEM_second_factor_required:
	case PROBLEM_invalid_code:
	case PROBLEM_invalid_credentials: return "";
	case PROBLEM_token_expired:
		return ", error=\"invalid_token\", error_description=\"The access token has "
		       "expired\"";
	case PROBLEM_token_invalid: return ", error=\"invalid_token\"";
	case PROBLEM_insufficient_scope:
		return problem->scope ? arena_printf(request->arena,
						", error=\"insufficient_scope\", scope=\"%s\"",
						problem->scope)
				      : ", error=\"insufficient_scope\"";
	default: return NULL;
	}
}

/* The challenge names the document that says where tokens come from (RFC 9728 §5.1). */
static const char *challenge(const struct request *request, const struct problem *problem)
{
	const char *reason = challenge_reason(request, problem);

	if (!reason)
		return NULL;
	return arena_printf(request->arena,
		"Bearer resource_metadata=\"%s/.well-known/oauth-protected-resource\"%s",
		request->app->issuer, reason);
}

/* A refusal that will pass says when to come back, also when its author did not. */
static int retry_after_s(const struct problem *problem)
{
	bool will_pass = problem->code == PROBLEM_unavailable ||
			 problem->code == PROBLEM_rate_limited ||
			 problem->code == PROBLEM_idempotency_in_progress;

	return problem->retry_after_s > 0 || !will_pass ? problem->retry_after_s : 1;
}

static void add_problem_headers(
	struct response *response, const struct request *request, const struct problem *problem)
{
	response_header(response, "WWW-Authenticate", challenge(request, problem));
	if (retry_after_s(problem) > 0)
		response_header(response, "Retry-After",
			arena_printf(request->arena, "%d", retry_after_s(problem)));
	if (problem->code == PROBLEM_precondition_failed && problem->etag)
		response_header(response, "ETag", problem->etag);
	if (problem->code != PROBLEM_unsupported_media_type || !request->operation)
		return;
	response_header(response, "Accept", negotiate_accepted(request->operation));
	if (request->method == METHOD_PATCH)
		response_header(response, "Accept-Patch", negotiate_accepted(request->operation));
}

void response_problem(
	struct response *response, struct request *request, const struct problem *problem)
{
	response->status = problem_status(problem->code);
	response->content_type = "application/problem+json";
	response->cache = CACHE_NO_STORE;
	response->problem = problem->code;
	response->header_count = 0;
	write_problem(&response->body, request, problem);
	add_problem_headers(response, request, problem);
}

void response_json(struct response *response, int status, json_t *value)
{
	size_t length = json_dumpb(value, NULL, 0, JSON_COMPACT);

	text_clear(&response->body);
	text_reserve(&response->body, length);
	json_dumpb(value, response->body.bytes, length, JSON_COMPACT);
	response->body.length = length;
	response->body.bytes[length] = '\0';
	json_decref(value);
	response->content_type = "application/json";
	response->status = status > 0 ? status : 200;
}
