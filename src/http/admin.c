/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A port of its own, so that numbers and probes are answered when all places of the API port are
 * taken, and so that a network policy can tell the two apart. It knows three paths and no callers.
 */
#include "http/admin.h"

#include <string.h>

#include "http/health.h"
#include "http/negotiate.h"

#define ADMIN_WORKERS     2
#define ADMIN_CONNECTIONS 64
#define INACTIVITY_S      10

#define OPENMETRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"
#define PROMETHEUS  "text/plain; version=0.0.4; charset=utf-8"

static void answer(struct _u_response *out, int status, const char *type, struct text *body)
{
	out->status = status;
	out->binary_body = text_detach(body, &out->binary_body_length);
	u_map_put(out->map_header, "Content-Type", type);
	u_map_put(out->map_header, "Cache-Control", "no-store");
	u_map_put(out->map_header, "X-Content-Type-Options", "nosniff");
}

static void answer_status(struct _u_response *out, int status, const char *word)
{
	struct text body = TEXT_INIT;

	text_appendf(&body, "{\"status\":\"%s\"}", word);
	answer(out, status, "application/json", &body);
}

static void answer_metrics(
	const struct _u_request *call, struct _u_response *out, struct server *server)
{
	const char *accept = u_map_get_case(call->map_header, "Accept");
	bool openmetrics = accept && accept_allows(accept, "application", "openmetrics-text") &&
			   strstr(accept, "openmetrics");
	struct text body = TEXT_INIT;

	metrics_write(server->app->metrics, openmetrics, &body);
	answer(out, 200, openmetrics ? OPENMETRICS : PROMETHEUS, &body);
}

static void answer_ready(struct _u_response *out, struct server *server)
{
	struct problem problem = PROBLEM_INIT;

	if (health_is_ready(server->app, &problem))
		answer_status(out, 200, "ready");
	else
		answer_status(out, 503, "unavailable");
}

static int admin_entry(const struct _u_request *call, struct _u_response *out, void *context)
{
	struct server *server = context;

	if (strcmp(call->http_verb, "GET") != 0 && strcmp(call->http_verb, "HEAD") != 0)
		answer_status(out, 405, "method not allowed");
	else if (strcmp(call->http_url, "/metrics") == 0)
		answer_metrics(call, out, server);
	else if (strcmp(call->http_url, "/livez") == 0)
		answer_status(out, 200, "alive");
	else if (strcmp(call->http_url, "/readyz") == 0)
		answer_ready(out, server);
	else
		answer_status(out, 404, "not found");
	if (out->status == 405)
		u_map_put(out->map_header, "Allow", "GET, HEAD");
	return U_CALLBACK_COMPLETE;
}

/* ---- gauges ---- */

static double in_flight(void *context)
{
	return watchdog_in_flight(((struct server *)context)->watchdog);
}

static double connections(void *context)
{
	return watchdog_connections(((struct server *)context)->watchdog);
}

static double cut_connections(void *context)
{
	return (double)watchdog_cut_total(((struct server *)context)->watchdog);
}

static double refused_requests(void *context)
{
	return (double)limits_refused_total(((struct server *)context)->app->limits);
}

static double busy_lanes(void *context)
{
	return lanes_busy(((struct server *)context)->lanes);
}

static double refused_lanes(void *context)
{
	return (double)lanes_refused_total(((struct server *)context)->lanes);
}

static double waiting_lines(void *context)
{
	struct request_log *log = ((struct server *)context)->request_log;

	return log ? (double)request_log_waiting(log) : 0;
}

static double written_lines(void *context)
{
	struct request_log *log = ((struct server *)context)->request_log;

	return log ? (double)request_log_written_total(log) : 0;
}

static double dropped_lines(void *context)
{
	struct request_log *log = ((struct server *)context)->request_log;

	return log ? (double)request_log_dropped_total(log) : 0;
}

static struct db_usage usage_of(void *context)
{
	struct db_usage usage = { 0 };

	db_usage(((struct server *)context)->app->db, &usage);
	return usage;
}

static double open_databases(void *context)
{
	return usage_of(context).open;
}

static double busy_databases(void *context)
{
	return usage_of(context).busy;
}

static double waiting_requests(void *context)
{
	return usage_of(context).waiting;
}

static double database_waits(void *context)
{
	return (double)usage_of(context).waits_total;
}

static double database_timeouts(void *context)
{
	return (double)usage_of(context).timeouts_total;
}

static double database_reconnects(void *context)
{
	return (double)usage_of(context).reconnects_total;
}

struct gauge_row {
	const char *name, *help;
	double (*fn)(void *context);
};

static const struct gauge_row api_gauges[] = {
	{ "partnerd_http_requests_in_flight", "Requests between first and last byte.", in_flight },
	{ "partnerd_http_connections", "Open connections of clients.", connections },
	{ "partnerd_http_connections_cut_total", "Connections shut at a deadline.",
		cut_connections },
	{ "partnerd_http_rate_limited_total", "Requests refused by a rate limit.",
		refused_requests },
	{ "partnerd_http_sign_ins", "Requests that hash a password.", busy_lanes },
	{ "partnerd_http_sign_ins_refused_total", "Those refused because too many were under way.",
		refused_lanes },
	{ "partnerd_request_log_waiting", "Lines of the request log not yet written.",
		waiting_lines },
	{ "partnerd_request_log_written_total", "Lines of the request log written.",
		written_lines },
	{ "partnerd_request_log_dropped_total", "Lines of the request log dropped.",
		dropped_lines },
};

static const struct gauge_row database_gauges[] = {
	{ "partnerd_database_connections_open", "Open connections to PostgreSQL.", open_databases },
	{ "partnerd_database_connections_busy", "Connections in use.", busy_databases },
	{ "partnerd_database_requests_waiting", "Requests that wait for a connection.",
		waiting_requests },
	{ "partnerd_database_waits_total", "Times a request had to wait.", database_waits },
	{ "partnerd_database_timeouts_total", "Times the wait was too long.", database_timeouts },
	{ "partnerd_database_reconnects_total", "Connections replaced.", database_reconnects },
};

static void add_gauges(struct server *server, const struct gauge_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		metrics_gauge(server->app->metrics, rows[i].name, rows[i].help, rows[i].fn, server);
}

struct listener *admin_start(struct server *server, struct text *reterr)
{
	const struct settings *settings = server->app->settings;
	struct listener_options options = {
		.address = settings->admin_address,
		.port = settings->admin_port,
		.workers = ADMIN_WORKERS,
		.max_connections = ADMIN_CONNECTIONS,
		.body_limit = 1024,
		.inactivity_s = INACTIVITY_S,
		.entry = admin_entry,
		.context = server,
	};

	if (server->watchdog)
		add_gauges(server, api_gauges, sizeof(api_gauges) / sizeof(api_gauges[0]));
	add_gauges(server, database_gauges, sizeof(database_gauges) / sizeof(database_gauges[0]));
	return listener_start(&options, reterr);
}
