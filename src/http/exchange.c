/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From ulfius' request to ours and back. Everything that a request needs hangs on one arena, which
 * the thread keeps for its next request; the fields of the answer are copied by ulfius before it is
 * reset. One line is logged for each request, with the cause that the caller never sees and without
 * the values of the query.
 */
#include "http/exchange.h"

#include <microhttpd.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/gate.h"
#include "http/response.h"
#include "http/server.h"

static pthread_key_t arena_key;
static pthread_once_t arena_key_once = PTHREAD_ONCE_INIT;

static void release_arena(void *arena)
{
	arena_free(arena);
}

static void make_arena_key(void)
{
	pthread_key_create(&arena_key, release_arena);
}

static struct arena *arena_of_thread(void)
{
	struct arena *arena;

	pthread_once(&arena_key_once, make_arena_key);
	arena = pthread_getspecific(arena_key);
	if (arena)
		return arena;
	arena = arena_new();
	pthread_setspecific(arena_key, arena);
	return arena;
}

void exchange_open(struct exchange *exchange, struct request *request,
	const struct _u_request *call, struct server *server, struct arena *arena)
{
	char *peer;

	exchange->server = server;
	exchange->connection = listener_connection(call);
	exchange->is_http10 = strcmp(call->http_protocol, "HTTP/1.0") == 0;
	exchange->intake = uploads_intake(server->uploads, call);
	request->app = server->app;
	request->arena = arena;
	request->connection = exchange;
	request->started_us = clock_monotonic_us();
	uuid_v7(request->id);
	request->method_text = call->http_verb;
	request->method = gate_method(call->http_verb);
	request->target = call->http_url;
	request->raw_body = (struct slice){ call->binary_body, call->binary_body_length };
	request->path = (struct slice){ "", 0 };
	peer = arena_alloc(request->arena, LISTENER_ADDRESS_BYTES);
	listener_peer(exchange->connection, peer);
	fields_read(&exchange->fields, request->arena, exchange->connection,
		strlen(call->http_verb) + strlen(call->http_url) + strlen(call->http_protocol) + 4);
	request->address = peer;
	if (server->proxies.count > 0)
		request->address = proxies_client(&server->proxies, peer,
			fields_value(&exchange->fields, request->arena, "X-Forwarded-For"),
			request->arena);
}

static void log_actor(struct log_line *line, const struct actor *actor)
{
	if (!actor)
		return;
	log_text(line, "actor_id", actor->id);
	log_text(line, "program_id", actor->program_id);
}

static void log_problem(struct log_line *line, const struct problem *problem)
{
	if (!problem->is_set)
		return;
	log_text(line, "problem", problem_code_text(problem->code));
	if (problem->cause[0])
		log_text(line, "cause", problem->cause);
}

static void log_request(const struct request *request, const struct response *response,
	const struct problem *problem, size_t bytes, int64_t duration_us)
{
	struct log_line line = log_begin(response->status < 500 ? LOG_INFO : LOG_ERROR, "request");

	if (line.muted)
		return;
	log_text(&line, "request_id", request->id);
	log_text(&line, "method", gate_method_text(request->method));
	log_text(&line, "route", request->operation ? request->operation->path : "unmatched");
	log_text(&line, "path",
		arena_strndup(request->arena, request->path.bytes, request->path.length));
	log_int(&line, "status", response->status);
	log_problem(&line, problem);
	log_actor(&line, request->actor);
	log_int(&line, "duration_us", duration_us);
	log_int(&line, "bytes", (int64_t)bytes);
	log_text(&line, "address", request->address);
	if (request->traceparent)
		log_text(&line, "traceparent", request->traceparent);
	log_end(&line);
}

static void run(struct exchange *exchange, struct request *request, struct response *response,
	struct problem *problem)
{
	if (exchange->server->is_closed)
		problem_set(problem, PROBLEM_unavailable, "The server is going down.");
	else if (checks_run(exchange, request, response, problem))
		return;
	problem_set(problem, PROBLEM_internal, "The request could not be answered.");
	response_problem(response, request, problem);
}

bool exchange_is_slow(const struct _u_request *call, void *context)
{
	const struct app *app = ((const struct server *)context)->app;
	struct slice path = { call->http_url, strcspn(call->http_url, "?") };
	struct route route = { 0 };

	if (strcmp(call->http_verb, "POST") != 0)
		return false;
	contract_route(app->contract, METHOD_POST, path, &route);
	return route.operation && bindings_endpoint(app->bindings, route.operation)->is_slow;
}

int exchange_entry(const struct _u_request *call, struct _u_response *out, void *context)
{
	struct exchange exchange = { 0 };
	struct request request = { 0 };
	struct response response = { 0 };
	struct problem problem = PROBLEM_INIT;
	struct place *place = listener_place(listener_connection(call));
	struct server *server = context;
	int64_t duration_us;

	if (place)
		place_handling(place);
	server->running++;
	exchange_open(&exchange, &request, call, server, arena_of_thread());
	run(&exchange, &request, &response, &problem);
	headers_emit(&exchange, &request, &response, out);
	duration_us = clock_monotonic_us() - request.started_us;
	metrics_request(server->app->metrics, request.operation, response.status, duration_us);
	request_log_add(server->request_log, &request, response.status, &problem, duration_us);
	log_request(&request, &response, &problem,
		response.stream.size_bytes > 0 ? (size_t)response.stream.size_bytes
					       : out->binary_body_length,
		duration_us);
	arena_reset(request.arena);
	if (place)
		place_sending(place);
	server->running--;
	return U_CALLBACK_COMPLETE;
}
