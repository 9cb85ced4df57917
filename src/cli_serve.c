/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serve and work. Signals are blocked before the first thread starts and taken by sigwait here, so
 * that no handler ever runs in a thread of a library. SIGTERM and SIGINT: answer what is in flight,
 * finish the job that runs, exit 0.
 */
#include <pthread.h>
#include <signal.h>

#include "base/log.h"
#include "cli.h"
#include "http/identity.h"
#include "http/metrics.h"
#include "http/server.h"
#include "jobs/jobs.h"

#define WATCH_PERIOD_MS 500

static sigset_t stop_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	return set;
}

static void wake(void *context)
{
	identity_wake(context);
}

static void log_listening(const struct app *app, const struct server *server)
{
	struct log_line line = log_begin(LOG_INFO, "listening");
	log_text(&line, "version", PARTNERD_VERSION);
	log_text(&line, "address", app->settings->listen_address);
	log_int(&line, "port", server_port(server));
	log_int(&line, "admin_port", server_admin_port(server));
	log_end(&line);
}

static void log_working(const struct server *server)
{
	struct log_line line = log_begin(LOG_INFO, "working");
	log_text(&line, "version", PARTNERD_VERSION);
	log_int(&line, "admin_port", server_admin_port(server));
	log_end(&line);
}

/* What runs beside the server. False and a message when a thread could not be had. */
static bool start_beside(
	struct app *app, bool with_jobs, struct db_watch **ret_watch, struct jobs **ret_jobs)
{
	*ret_watch = db_watch_start(app->settings, WATCH_PERIOD_MS, wake, app);
	if (*ret_watch == NULL) {
		cli_fail("the thread that watches the database cannot be started");
		return false;
	}
	if (!with_jobs)
		return true;
	*ret_jobs = jobs_start(app);
	if (*ret_jobs == NULL) {
		cli_fail("the thread that runs the jobs cannot be started");
		return false;
	}
	metrics_gauge(app->metrics, "partnerd_jobs_lag_seconds", "How late the slowest job is.",
		jobs_lag_s, *ret_jobs);
	return true;
}

/* The exit status. */
static int serve(struct app *app, bool with_server)
{
	sigset_t signals = stop_signals();
	struct text error = TEXT_INIT;
	int signal_number;
	struct server *server =
		with_server ? server_start(app, &error) : server_start_admin(app, &error);
	if (server == NULL) {
		cli_fail("%s", error.bytes);
		text_release(&error);
		return 1;
	}
	if (with_server)
		log_listening(app, server);
	else
		log_working(server);
	sigwait(&signals, &signal_number);
	log_event(LOG_INFO, "stopping", "signal %d", signal_number);
	return server_stop(server) > 0;
}

/* Before the watcher starts, which hands over what it reads. */
static bool start_reading_keys(struct app *app)
{
	struct text error = TEXT_INIT;
	if (identity_serve(app, &error))
		return true;
	cli_fail("%s", error.bytes);
	text_release(&error);
	return false;
}

static int run_until_signal(struct app *app, bool with_server)
{
	struct db_watch *watch = NULL;
	struct jobs *jobs = NULL;
	int status = 1;
	if (with_server && !start_reading_keys(app))
		return 1;
	if (start_beside(app, app->settings->jobs || !with_server, &watch, &jobs))
		status = serve(app, with_server);
	jobs_stop(jobs);
	db_watch_stop(watch);
	return status;
}

static int run(int argc, char **argv, bool with_server)
{
	struct settings settings;
	struct app app;
	int status;
	sigset_t signals = stop_signals();
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	if (!cli_settings(argc, argv, &settings, &status))
		return status;
	if (!app_open(&app, &settings))
		return 1;
	status = run_until_signal(&app, with_server);
	app_close(&app);
	return status;
}

int cli_serve(int argc, char **argv)
{
	return run(argc, argv, true);
}

int cli_work(int argc, char **argv)
{
	return run(argc, argv, false);
}
