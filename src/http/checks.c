/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order in which a request is judged (api.md §1), in one place: size, route, address, token,
 * client, media types, scopes, syntax; then the engine, which knows the resource. Each check fills
 * its part of struct request or refuses; none is repeated behind this file. A new check is a
 * function here and a line in one of the two lists at the end.
 */
#include <ctype.h>
#include <string.h>

#include "base/clock.h"
#include "http/body.h"
#include "http/cors.h"
#include "http/exchange.h"
#include "http/gate.h"
#include "http/negotiate.h"
#include "http/query.h"
#include "http/server.h"

#define BUSY_RETRY_S 1

/* RFC 9110 §9.3.7 and browsers: no token, no limit. */
static bool answer_options(
	struct exchange *exchange, struct request *request, struct response *response)
{
	char *allow = arena_alloc(request->arena, GATE_ALLOW_BYTES);

	gate_allow(exchange->allowed_methods, allow);
	response->status = 204;
	response_header(response, "Allow", allow);
	return true;
}

/* version-trace-parent-flags in lower-case hexadecimal (W3C Trace Context §3.2); the ids are not
 * all zero. */
static bool traceparent_is_valid(const char *text)
{
	static const char shape[] = "xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
	size_t length = strlen(shape);

	if (strlen(text) != length || strncmp(text, "ff", 2) == 0)
		return false;
	for (size_t i = 0; i < length; i++) {
		bool is_hex = isdigit((unsigned char)text[i]) || (text[i] >= 'a' && text[i] <= 'f');

		if (shape[i] == '-' ? text[i] != '-' : !is_hex)
			return false;
	}
	return strspn(text + 3, "0") < 32 && strspn(text + 36, "0") < 16;
}

static void read_context(struct exchange *exchange, struct request *request)
{
	const char *trace = request_header(request, "traceparent");

	request->origin = cors_match(exchange->server->cors, request_header(request, "Origin"));
	if (!request->origin)
		request->origin = cors_match_form(request);
	request->traceparent = trace && traceparent_is_valid(trace) ? trace : NULL;
}

/* What is wrong here leaves the connection in doubt: must_close stays true. */
static bool head_is_sound(
	struct exchange *exchange, struct request *request, struct problem *problem)
{
	exchange->must_close = true;
	read_context(exchange, request);
	if (!gate_sizes(request->target, &exchange->fields, problem) ||
		!gate_fields(&exchange->fields, exchange->is_http10, problem))
		return false;
	exchange->must_close = false;
	return true;
}

/* ulfius cuts a body at the limit and one byte more; what was cut is never read. */
static bool body_is_whole(
	struct exchange *exchange, struct request *request, struct problem *problem)
{
	int64_t limit = request->app->settings->body_limit_bytes;

	if ((int64_t)request->raw_body.length <= limit)
		return true;
	exchange->must_close = true;
	return problem_set(problem, PROBLEM_payload_too_large, "The body may have %lld bytes.",
		(long long)limit);
}

static bool take(
	struct exchange *exchange, enum limit_class class, const char *key, struct problem *problem)
{
	struct budget budget;
	bool is_taken = limits_take(
		exchange->server->app->limits, class, key, clock_monotonic_us(), &budget);

	if (budget.quota > 0)
		exchange->budget = budget;
	if (is_taken)
		return true;
	problem->retry_after_s = (int)budget.reset_s;
	return problem_set(problem, PROBLEM_rate_limited,
		"Not more than %lld requests in %d seconds. Retry-After says when to go on.",
		(long long)budget.quota, LIMIT_WINDOW_S);
}

static bool is_probe(const struct exchange *exchange, const struct request *request)
{
	return request->operation == exchange->server->livez ||
	       request->operation == exchange->server->readyz;
}

static const struct endpoint *endpoint_of(const struct request *request)
{
	return bindings_endpoint(request->app->bindings, request->operation);
}

/*
 * Where secrets can be guessed or mails be caused: whatever anybody may post, and whatever hashes a
 * password. Not introspection, which a resource server asks for each of its own requests; a secret
 * of 256 bits is not guessed there.
 */
static bool is_sign_in(const struct exchange *exchange, const struct request *request)
{
	if (request->operation == exchange->server->introspect)
		return false;
	return (request->operation->is_public && request->method == METHOD_POST) ||
	       endpoint_of(request)->is_slow;
}

static bool address_has_budget(
	struct exchange *exchange, struct request *request, struct problem *problem)
{
	char key[64];

	if (is_probe(exchange, request))
		return true;
	limits_address_key(request->address, key);
	return take(exchange, LIMIT_ADDRESS, key, problem) &&
	       (!is_sign_in(exchange, request) || take(exchange, LIMIT_SIGN_IN, key, problem));
}

/* All people and clients of a partner have one budget between them. */
static bool ration_is_left(
	struct exchange *exchange, struct request *request, struct problem *problem)
{
	const char *partner = actor_partner(request->actor);

	return !endpoint_of(request)->is_rationed ||
	       take(exchange, LIMIT_CHECKS, partner ? partner : request->actor->id, problem);
}

static bool dry_ration_is_left(
	struct exchange *exchange, struct request *request, struct problem *problem)
{
	request->is_traced = request->dry_run && endpoint_of(request)->is_rationed_dry &&
			     actor_partner(request->actor);
	return !request->is_traced ||
	       take(exchange, LIMIT_CHECKS, actor_partner(request->actor), problem);
}

static bool caller_is_known(
	struct exchange *exchange, struct request *request, struct problem *problem)
{
	if (request->operation->is_public)
		return true;
	return auth_check(request, problem) &&
	       take(exchange, LIMIT_CLIENT, request->actor->id, problem) &&
	       ration_is_left(exchange, request, problem);
}

static bool syntax_is_good(struct request *request, enum media media, struct problem *problem)
{
	request->if_match = request_header(request, "If-Match");
	request->if_none_match = request_header(request, "If-None-Match");
	return query_parse(request, problem) && body_identify(request, problem) &&
	       body_parse(request, media, problem) && gate_path_ids(request, problem);
}

/* What is slow by design runs on a lane; it comes here on a worker when all of them are taken. */
static bool lane_is_had(const struct request *request, struct problem *problem)
{
	if (lanes_is_lane() || !endpoint_of(request)->is_slow)
		return true;
	problem->retry_after_s = BUSY_RETRY_S;
	return problem_set(problem, PROBLEM_unavailable, "Too many sign-ins at the moment.");
}

/* From the address to the bytes of the body, for an operation that exists. */
static bool may_run(struct exchange *exchange, struct request *request, struct problem *problem)
{
	enum media media;

	return address_has_budget(exchange, request, problem) &&
	       caller_is_known(exchange, request, problem) && negotiate_answer(request, problem) &&
	       negotiate_body(request, &media, problem) &&
	       (request->operation->is_public || auth_scopes(request, problem)) &&
	       syntax_is_good(request, media, problem) &&
	       dry_ration_is_left(exchange, request, problem) && lane_is_had(request, problem);
}

bool checks_may_upload(struct exchange *exchange, struct request *request, struct problem *problem)
{
	return head_is_sound(exchange, request, problem) &&
	       gate_target(request->target, request->arena, &request->path, &request->raw_query,
		       problem) &&
	       gate_route(request, &exchange->allowed_methods, problem) && request->operation &&
	       auth_check(request, problem) && auth_scopes(request, problem) &&
	       gate_path_ids(request, problem);
}

bool checks_has_budget(struct exchange *exchange, struct request *request, struct problem *problem)
{
	return address_has_budget(exchange, request, problem) &&
	       take(exchange, LIMIT_CLIENT, request->actor->id, problem);
}

bool checks_run(struct exchange *exchange, struct request *request, struct response *response,
	struct problem *problem)
{
	if (!head_is_sound(exchange, request, problem))
		return false;
	if (cors_is_preflight(request)) {
		cors_preflight(request, response);
		return true;
	}
	if (!body_is_whole(exchange, request, problem) ||
		!gate_target(request->target, request->arena, &request->path, &request->raw_query,
			problem) ||
		!gate_route(request, &exchange->allowed_methods, problem))
		return false;
	if (request->method == METHOD_OPTIONS)
		return answer_options(exchange, request, response);
	return may_run(exchange, request, problem) && engine_run(request, response, problem);
}
