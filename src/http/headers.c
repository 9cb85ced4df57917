/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header fields that every answer has, errors included, added in one place. ulfius drops all
 * further fields when libmicrohttpd refuses one value, so nothing empty and nothing with a control
 * character may come this far; response_header sees to that for the values of others.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/cors.h"
#include "http/exchange.h"
#include "http/gate.h"

#define STREAM_BLOCK_BYTES (64 * 1024)
#define OWN_FIELDS         16 /* more than emit_* add together */

/*
 * u_map_put would search and reallocate three arrays for each field. They are made large enough
 * once here; ulfius frees them and what is in them.
 */
static void reserve(struct _u_map *map, size_t fields)
{
	map->keys = o_realloc(map->keys, (fields + 1) * sizeof(*map->keys));
	map->values = o_realloc(map->values, (fields + 1) * sizeof(*map->values));
	map->lengths = o_realloc(map->lengths, (fields + 1) * sizeof(*map->lengths));
	if (!map->keys || !map->values || !map->lengths)
		abort();
}

static void put(struct _u_response *out, const char *name, const char *value)
{
	struct _u_map *map = out->map_header;
	int at = map->nb_values++;

	map->keys[at] = o_strdup(name);
	map->values[at] = o_strdup(value);
	map->lengths[at] = strlen(value) + 1;
	map->keys[at + 1] = NULL;
	map->values[at + 1] = NULL;
	map->lengths[at + 1] = 0;
}

static void emit_cache(
	struct _u_response *out, const struct response *response, const struct settings *settings)
{
	switch (response->cache) {
	case CACHE_PRIVATE:
		put(out, "Cache-Control", "private, no-cache");
		put(out, "Vary",
			settings->cookie_sessions ? "Authorization, Cookie, Accept, Origin"
						  : "Authorization, Accept, Origin");
		return;
	case CACHE_PUBLIC_5M:
		put(out, "Cache-Control", "public, max-age=300");
		put(out, "Vary", "Accept, Origin");
		return;
	case CACHE_NO_STORE: break;
	}
	put(out, "Cache-Control", "no-store");
	put(out, "Vary", "Origin");
}

static void emit_security(struct _u_response *out, const struct server *server)
{
	put(out, "X-Content-Type-Options", "nosniff");
	put(out, "Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
	put(out, "Referrer-Policy", "no-referrer");
	if (server->transport_security)
		put(out, "Strict-Transport-Security", server->transport_security);
}

static void emit_budget(struct _u_response *out, const struct budget *budget)
{
	char text[96];

	if (budget->quota <= 0)
		return;
	snprintf(text, sizeof(text), "\"%s\";q=%lld;w=%d", budget->policy, (long long)budget->quota,
		LIMIT_WINDOW_S);
	put(out, "RateLimit-Policy", text);
	snprintf(text, sizeof(text), "\"%s\";r=%lld;t=%lld", budget->policy,
		(long long)budget->remaining, (long long)budget->reset_s);
	put(out, "RateLimit", text);
}

static void emit_allow(struct _u_response *out, const struct exchange *exchange)
{
	char allow[GATE_ALLOW_BYTES];

	gate_allow(exchange->allowed_methods, allow);
	put(out, "Allow", allow);
}

/* ulfius keeps cookies apart from other fields, which may stand there once only. */
static void emit_cookies(
	struct _u_response *out, const struct response *response, const struct settings *settings)
{
	int same_site = settings->cookie_same_site[0] == 's'   ? U_COOKIE_SAME_SITE_STRICT
			: settings->cookie_same_site[0] == 'l' ? U_COOKIE_SAME_SITE_LAX
							       : U_COOKIE_SAME_SITE_NONE;

	for (size_t i = 0; i < response->cookie_count; i++) {
		const struct response_cookie *cookie = &response->cookies[i];
		ulfius_add_same_site_cookie_to_response(out, cookie->name, cookie->value,
			cookie->life_s > 0 ? NULL : "Thu, 01 Jan 1970 00:00:00 GMT",
			(unsigned)cookie->life_s, NULL, cookie->path, 1, 1, same_site);
	}
}

/* A stream on its way out, and the place whose deadline moves on with every piece. */
struct outflow {
	struct response_stream stream;
	struct place *place;
};

static ssize_t on_stream(void *context, uint64_t offset, char *out, size_t room)
{
	struct outflow *outflow = context;
	ssize_t length = outflow->stream.read(outflow->stream.context, out, room);

	(void)offset;
	if (outflow->place)
		place_sending(outflow->place);
	if (length > 0)
		return length;
	return length == 0 ? (ssize_t)U_STREAM_END : (ssize_t)U_STREAM_ERROR;
}

static void on_stream_end(void *context)
{
	struct outflow *outflow = context;

	outflow->stream.free(outflow->stream.context);
	free(outflow);
}

static void emit_stream(struct _u_response *out, const struct response_stream *stream,
	struct MHD_Connection *connection)
{
	struct outflow *outflow = malloc(sizeof(*outflow));

	if (!outflow)
		abort();
	*outflow = (struct outflow){ *stream, listener_place(connection) };
	out->stream_callback = on_stream;
	out->stream_callback_free = on_stream_end;
	out->stream_size =
		stream->size_bytes < 0 ? U_STREAM_SIZE_UNKNOWN : (uint64_t)stream->size_bytes;
	out->stream_block_size = STREAM_BLOCK_BYTES;
	out->stream_user_data = outflow;
}

static void emit_body(
	struct _u_response *out, struct response *response, struct MHD_Connection *connection)
{
	size_t length = 0;
	char *bytes = text_detach(&response->body, &length);

	out->binary_body = bytes;
	out->binary_body_length = length;
	if (response->stream.read)
		emit_stream(out, &response->stream, connection);
	if (response->content_type)
		put(out, "Content-Type", response->content_type);
}

/* libmicrohttpd ends the chunks of a stream without a length after the head alone, too: the next
 * answer on the connection would begin with them. */
static bool must_close(const struct exchange *exchange, const struct request *request,
	const struct response *response)
{
	return exchange->must_close || exchange->server->app->draining ||
	       (request->method == METHOD_HEAD && response->stream.read &&
		       response->stream.size_bytes < 0);
}

void headers_emit(const struct exchange *exchange, const struct request *request,
	struct response *response, struct _u_response *out)
{
	reserve(out->map_header, OWN_FIELDS + RESPONSE_MAX_HEADERS);
	out->status = response->status;
	put(out, "Request-Id", request->id);
	emit_security(out, exchange->server);
	emit_cache(out, response, exchange->server->app->settings);
	emit_cookies(out, response, exchange->server->app->settings);
	emit_budget(out, &exchange->budget);
	if (!cors_is_preflight(request))
		cors_expose(request, response);
	for (size_t i = 0; i < response->header_count; i++)
		put(out, response->headers[i].name, response->headers[i].value);
	if (response->status == 405)
		emit_allow(out, exchange);
	if (must_close(exchange, request, response))
		put(out, "Connection", "close");
	emit_body(out, response, exchange->connection);
}
