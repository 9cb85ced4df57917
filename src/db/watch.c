/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tells the process that something changed in the database: a thread with a connection of its own
 * LISTENs and calls `wake`. A notification may be lost while the connection is down, so the thread
 * also wakes its caller every period, connected or not, and right after it has begun to listen: a
 * caller that looks at the tables at each wake misses nothing. Connecting is done in steps inside
 * the same loop, so that no dead server delays the period. A transaction pooler cannot carry
 * LISTEN; without prepared statements (the setting that says so) only the period remains.
 */
#include "db/internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define RECONNECT_PAUSE_US  1000000
#define CONNECT_DEADLINE_US 5000000

enum watch_state { WATCH_OFF, WATCH_CONNECTING, WATCH_STARTING, WATCH_LISTENING };

struct db_watch {
	pthread_t thread;
	int stop_fd;
	char *database_url;
	bool may_listen;
	int64_t period_us;
	void (*wake)(void *context);
	void *context;

	/* the thread's own */
	enum watch_state state;
	PGconn *pg;
	short events;        /* what the connection waits for */
	int64_t next_try_us; /* WATCH_OFF */
	int64_t give_up_us;  /* WATCH_CONNECTING, WATCH_STARTING */
	bool was_lost;       /* said so in the log */
};

/* ---- the connection ---- */

static void lose(struct db_watch *watch)
{
	char line[PROBLEM_DETAIL_BYTES];
	if (!watch->was_lost)
		log_event(LOG_WARN, "not listening for notifications", "%s",
			message_line(watch->pg ? PQerrorMessage(watch->pg) : "out of memory", line,
				sizeof(line)));
	watch->was_lost = true;
	PQfinish(watch->pg);
	watch->pg = NULL;
	watch->state = WATCH_OFF;
	watch->next_try_us = clock_monotonic_us() + RECONNECT_PAUSE_US;
}

static void on_notice(void *context, const char *message)
{
	(void)context;
	(void)message;
}

static void start_connecting(struct db_watch *watch)
{
	const char *keys[CONNECT_PARAMS], *values[CONNECT_PARAMS];
	connect_params(watch->database_url, keys, values);
	watch->pg = PQconnectStartParams(keys, values, /* expand_dbname = */ 1);
	if (!watch->pg || PQstatus(watch->pg) == CONNECTION_BAD) {
		lose(watch);
		return;
	}
	PQsetNoticeProcessor(watch->pg, on_notice, NULL);
	watch->state = WATCH_CONNECTING;
	watch->events = POLLOUT;
	watch->give_up_us = clock_monotonic_us() + CONNECT_DEADLINE_US;
}

static void continue_connecting(struct db_watch *watch)
{
	switch (PQconnectPoll(watch->pg)) {
	case PGRES_POLLING_READING: watch->events = POLLIN; return;
	case PGRES_POLLING_WRITING: watch->events = POLLOUT; return;
	case PGRES_POLLING_OK:
		watch->state = WATCH_STARTING;
		watch->events = POLLIN;
		if (!PQsendQuery(watch->pg, "listen " DB_CHANNEL))
			lose(watch);
		return;
	default: lose(watch); return;
	}
}

/* True when the LISTEN was confirmed, now. */
static bool read_results(struct db_watch *watch)
{
	bool is_confirmed = false;
	while (!PQisBusy(watch->pg)) {
		PGresult *result = PQgetResult(watch->pg);
		if (!result)
			break;
		is_confirmed |= PQresultStatus(result) == PGRES_COMMAND_OK;
		PQclear(result);
	}
	return is_confirmed;
}

static bool read_notifications(struct db_watch *watch)
{
	bool any = false;
	for (PGnotify *notify = PQnotifies(watch->pg); notify; notify = PQnotifies(watch->pg)) {
		PQfreemem(notify);
		any = true;
	}
	return any;
}

static void note_listening(struct db_watch *watch)
{
	if (watch->was_lost)
		log_event(LOG_INFO, "listening for notifications again", "connected");
	watch->was_lost = false;
	watch->state = WATCH_LISTENING;
}

/* True when the caller should be woken. */
static bool continue_listening(struct db_watch *watch)
{
	if (!PQconsumeInput(watch->pg)) {
		lose(watch);
		return false;
	}
	bool is_confirmed = read_results(watch);
	if (watch->state == WATCH_STARTING && is_confirmed)
		note_listening(watch);
	bool is_notified = read_notifications(watch);
	if (PQstatus(watch->pg) == CONNECTION_BAD)
		lose(watch);
	return is_confirmed || is_notified;
}

/* What time alone brings about. */
static void keep_time(struct db_watch *watch)
{
	int64_t now_us = clock_monotonic_us();
	if (watch->state == WATCH_OFF && watch->may_listen && now_us >= watch->next_try_us)
		start_connecting(watch);
	bool is_underway = watch->state == WATCH_CONNECTING || watch->state == WATCH_STARTING;
	if (is_underway && now_us >= watch->give_up_us)
		lose(watch);
}

/* ---- the thread ---- */

/* Until the next wake, but never so long that a connection would be taken up late. */
static int wait_ms(const struct db_watch *watch, int64_t next_wake_us)
{
	int64_t left_us = next_wake_us - clock_monotonic_us();
	if (watch->state != WATCH_LISTENING && watch->may_listen &&
		left_us > RECONNECT_PAUSE_US / 4)
		left_us = RECONNECT_PAUSE_US / 4;
	return left_us > 0 ? (int)(left_us / 1000 + 1) : 0;
}

static void *watch_run(void *argument)
{
	struct db_watch *watch = argument;
	int64_t next_wake_us = clock_monotonic_us() + watch->period_us;
	for (;;) {
		keep_time(watch);
		struct pollfd fds[2] = {
			{ .fd = watch->stop_fd, .events = POLLIN },
			{ .fd = watch->pg ? PQsocket(watch->pg) : -1, .events = watch->events },
		};
		poll(fds, 2, wait_ms(watch, next_wake_us));
		if (fds[0].revents)
			break;
		bool wakes = false;
		if (fds[1].revents && watch->state == WATCH_CONNECTING)
			continue_connecting(watch);
		else if (fds[1].revents)
			wakes = continue_listening(watch);
		if (!wakes && clock_monotonic_us() < next_wake_us)
			continue;
		watch->wake(watch->context);
		next_wake_us = clock_monotonic_us() + watch->period_us;
	}
	PQfinish(watch->pg);
	return NULL;
}

/* ---- public ---- */

static struct db_watch *watch_free(struct db_watch *watch)
{
	if (watch->stop_fd >= 0)
		close(watch->stop_fd);
	free(watch->database_url);
	free(watch);
	return NULL;
}

struct db_watch *db_watch_start(
	const struct settings *settings, int period_ms, void (*wake)(void *context), void *context)
{
	struct db_watch *watch = calloc(1, sizeof(*watch));
	if (!watch)
		return NULL;
	watch->stop_fd = eventfd(0, EFD_CLOEXEC);
	watch->database_url = strdup(settings->database_url ? settings->database_url : "");
	watch->may_listen = settings->prepared_statements;
	watch->period_us = (int64_t)period_ms * 1000;
	watch->wake = wake;
	watch->context = context;
	bool ok = watch->stop_fd >= 0 && watch->database_url &&
		  pthread_create(&watch->thread, NULL, watch_run, watch) == 0;
	return ok ? watch : watch_free(watch);
}

struct db_watch *db_watch_stop(struct db_watch *watch)
{
	if (!watch)
		return NULL;
	eventfd_write(watch->stop_fd, 1);
	pthread_join(watch->thread, NULL);
	return watch_free(watch);
}
