/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Life and death of the two ports. The end is in this order (libraries.md §1.6): not ready, nothing
 * new is accepted, answers carry Connection: close, the last request in flight is answered or its
 * time is over, everything is closed. The admin port answers to the last.
 */
#include "http/server.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/admin.h"
#include "http/exchange.h"
#include "http/passwords.h"

#define DRAIN_STEP_MS 10

static const struct operation *find(const struct app *app, const char *operation_id)
{
	return contract_operation_by_id(app->contract, operation_id);
}

static struct server *make(struct app *app)
{
	struct server *server = calloc(1, sizeof(*server));

	if (!server)
		abort();
	server->app = app;
	server->owns_limits = !app->limits;
	if (server->owns_limits)
		app->limits = limits_make(app->settings);
	server->owns_metrics = !app->metrics;
	if (server->owns_metrics)
		app->metrics = metrics_make(app->contract);
	server->cors = cors_make(app->settings->cors_origins);
	server->livez = find(app, "livez");
	server->readyz = find(app, "readyz");
	server->introspect = find(app, "introspectToken");
	if (app->settings->public_url && strncmp(app->settings->public_url, "https:", 6) == 0)
		server->transport_security = "max-age=31536000";
	return server;
}

static struct server *release(struct server *server)
{
	server->api = listener_stop(server->api);
	passwords_stop();
	server->request_log = request_log_stop(server->request_log);
	server->admin = listener_stop(server->admin); /* reads the numbers of the next two */
	server->lanes = lanes_free(server->lanes);
	server->uploads = uploads_free(server->uploads);
	server->watchdog = watchdog_stop(server->watchdog);
	server->cors = cors_free(server->cors);
	if (server->owns_limits)
		server->app->limits = limits_free(server->app->limits);
	if (server->owns_metrics)
		server->app->metrics = metrics_free(server->app->metrics);
	free(server);
	return NULL;
}

/* Descriptors for everything that is no client: pool, files, threads of the library. */
#define SPARE_DESCRIPTORS 128

/*
 * As many connections as the settings allow and the process has descriptors for: clients that use
 * them all up would cut us off from the database and from ourselves.
 */
static int64_t affordable_connections(const struct settings *settings)
{
	struct rlimit limit;
	int64_t affordable;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return settings->max_connections;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
		return settings->max_connections;
	affordable = (int64_t)limit.rlim_cur - settings->database_connections -
		     2 * settings->workers - SPARE_DESCRIPTORS;
	if (affordable >= settings->max_connections)
		return settings->max_connections;
	log_event(LOG_WARN, "fewer connections than max_connections",
		"the limit of open files, %lld, leaves room for %lld", (long long)limit.rlim_cur,
		(long long)(affordable > 1 ? affordable : 1));
	return affordable > 1 ? affordable : 1;
}

static struct listener *start_api(struct server *server, struct text *reterr)
{
	const struct settings *settings = server->app->settings;
	struct listener_options options = {
		.address = settings->listen_address,
		.port = settings->listen_port,
		.workers = (unsigned)settings->workers,
		.max_connections = (unsigned)affordable_connections(settings),
		.max_connections_per_address = (unsigned)settings->max_connections_per_address,
		.body_limit = (size_t)settings->body_limit_bytes,
		.watchdog = server->watchdog,
		.entry = exchange_entry,
		.lanes = server->lanes,
		.uploads = server->uploads,
		.is_slow = exchange_is_slow,
		.context = server,
	};

	return listener_start(&options, reterr);
}

static bool start_threads(struct server *server, struct text *reterr)
{
	struct app *app = server->app;
	bool keeps_log = app->settings->request_log_per_second > 0;

	server->watchdog = watchdog_start(app->settings);
	server->lanes = lanes_start(exchange_entry, server);
	server->uploads = uploads_make(server);
	if (keeps_log)
		server->request_log = request_log_start(app);
	if (server->watchdog && server->lanes && passwords_start() &&
		(server->request_log || !keeps_log))
		return true;
	text_append_string(reterr, "cannot start the threads beside the workers");
	return false;
}

struct server *server_start(struct app *app, struct text *reterr)
{
	struct server *server = make(app);

	if (!proxies_parse(app->settings->trusted_proxies, &server->proxies, reterr) ||
		!start_threads(server, reterr))
		return release(server);
	server->admin = admin_start(server, reterr);
	if (server->admin)
		server->api = start_api(server, reterr);
	return server->api ? server : release(server);
}

struct server *server_start_admin(struct app *app, struct text *reterr)
{
	struct server *server = make(app);

	server->admin = admin_start(server, reterr);
	return server->admin ? server : release(server);
}

int server_port(const struct server *server)
{
	return server->api->port;
}

int server_admin_port(const struct server *server)
{
	return server->admin->port;
}

static bool is_quiet(const struct server *server)
{
	return server->running == 0 && watchdog_in_flight(server->watchdog) == 0;
}

/*
 * Open connections may bring another request at any moment, also between the last look and the end.
 * So the door is closed in the first quiet moment, and what slipped in before it is waited for:
 * whatever was carried out has been answered.
 */
static void wait_for_requests(struct server *server)
{
	int64_t end_us = clock_monotonic_us() + server->app->settings->drain_timeout_ms * 1000;
	const struct timespec step = { .tv_nsec = DRAIN_STEP_MS * 1000000L };

	while (!(server->is_closed && is_quiet(server)) && clock_monotonic_us() < end_us) {
		if (is_quiet(server))
			server->is_closed = true;
		else
			nanosleep(&step, NULL);
	}
	server->is_closed = true;
}

int server_stop(struct server *server)
{
	int left;

	server->app->draining = true;
	if (!server->api) {
		release(server);
		return 0;
	}
	listener_quiesce(server->api);
	wait_for_requests(server);
	left = watchdog_in_flight(server->watchdog);
	release(server);
	return left;
}
