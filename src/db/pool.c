/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pool lends a connection to one batch at a time. Idle ones are a stack, so that the busiest
 * stay warm; waiters are a queue, and a connection that comes back goes straight to the oldest of
 * them, so that nobody starves while others help themselves. Connections are made on demand and
 * outside the lock. While the database is away one caller in CONNECT_PAUSE_US may knock and all
 * others fail at once; the log gets one line when it goes and one when it is back.
 */
#include "db/internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONNECT_PAUSE_US 200000
/* An idle connection is looked at before use when it has been idle for this long. */
#define STALE_AFTER_US   50000

struct waiter {
	struct waiter *next;
	pthread_cond_t wake;
	bool is_woken;
	struct connection *connection; /* handed over, or NULL: look again */
};

struct db {
	struct connect_options options;
	char *database_url;
	int64_t wait_ms;
	int limit;

	pthread_mutex_t lock; /* guards everything below */
	pthread_cond_t all_back;
	struct connection *idle;
	struct waiter *first_waiter, **last_waiter;
	struct db_usage usage;
	bool is_closing;
	bool is_away;     /* the last attempt to connect failed */
	bool is_knocking; /* somebody tries to connect while the database is away */
	int64_t next_knock_us;
	char last_error[PROBLEM_DETAIL_BYTES]; /* of connecting */
};

/* ---- the queue of waiters; under the lock ---- */

static void waiter_wake(struct db *db, struct connection *connection)
{
	struct waiter *waiter = db->first_waiter;
	db->first_waiter = waiter->next;
	if (!db->first_waiter)
		db->last_waiter = &db->first_waiter;
	waiter->connection = connection;
	waiter->is_woken = true;
	pthread_cond_signal(&waiter->wake);
}

static void waiters_wake_all(struct db *db)
{
	while (db->first_waiter)
		waiter_wake(db, NULL);
}

static void waiter_forget(struct db *db, struct waiter *waiter)
{
	struct waiter **link = &db->first_waiter;
	while (*link != waiter)
		link = &(*link)->next;
	*link = waiter->next;
	if (!*link)
		db->last_waiter = link;
}

/* False when the deadline passed. True with a connection, or with NULL when it is worth looking
 * again. */
static bool waiter_wait(struct db *db, int64_t deadline_us, struct connection **ret_connection)
{
	struct waiter waiter = { .wake = PTHREAD_COND_INITIALIZER };
	struct timespec until = { .tv_sec = deadline_us / CLOCK_SECOND_US,
		.tv_nsec = deadline_us % CLOCK_SECOND_US * 1000 };
	*db->last_waiter = &waiter;
	db->last_waiter = &waiter.next;
	db->usage.waiting++;
	db->usage.waits_total++;
	int error = 0;
	while (!waiter.is_woken && error == 0)
		error = pthread_cond_clockwait(&waiter.wake, &db->lock, CLOCK_MONOTONIC, &until);
	db->usage.waiting--;
	if (!waiter.is_woken)
		waiter_forget(db, &waiter);
	pthread_cond_destroy(&waiter.wake);
	if (db->is_closing)
		pthread_cond_broadcast(&db->all_back);
	*ret_connection = waiter.connection;
	return waiter.is_woken;
}

/* ---- connecting ---- */

static void note_failure(struct db *db, const struct text *error)
{
	if (!db->is_away)
		log_event(
			LOG_ERROR, "database unavailable", "%s", error->bytes ? error->bytes : "");
	db->is_away = true;
	message_line(error->bytes, db->last_error, sizeof(db->last_error));
	db->next_knock_us = clock_monotonic_us() + CONNECT_PAUSE_US;
	waiters_wake_all(db);
}

static void note_success(struct db *db)
{
	if (db->is_away)
		log_event(LOG_INFO, "database available again", "connected");
	db->is_away = false;
}

static bool may_connect(const struct db *db)
{
	return !db->is_away || (!db->is_knocking && clock_monotonic_us() >= db->next_knock_us);
}

/* Called with the lock, which it drops meanwhile. A place has been counted in usage.open and busy
 * already. */
static struct connection *connect_unlocked(struct db *db)
{
	bool knocks = db->is_away;
	if (knocks)
		db->is_knocking = true;
	pthread_mutex_unlock(&db->lock);
	struct text error = TEXT_INIT;
	struct connection *connection = connection_open(&db->options, &error);
	pthread_mutex_lock(&db->lock);
	if (knocks)
		db->is_knocking = false;
	if (connection)
		note_success(db);
	else
		note_failure(db, &error);
	text_release(&error);
	return connection;
}

static void release_place(struct db *db)
{
	db->usage.open--;
	db->usage.busy--;
	if (db->first_waiter)
		waiter_wake(db, NULL);
	if (db->usage.busy == 0)
		pthread_cond_broadcast(&db->all_back);
}

/* A new connection in a free place, or in the place of an idle one. */
static struct connection *take_new(struct db *db)
{
	struct connection *replaced = db->idle;
	if (db->usage.open < db->limit) {
		replaced = NULL;
		db->usage.open++;
	} else {
		db->idle = replaced->next;
	}
	db->usage.busy++;
	connection_close(replaced);
	struct connection *connection = connect_unlocked(db);
	if (!connection)
		release_place(db);
	return connection;
}

/* ---- lending ---- */

static struct connection *take_idle(struct db *db)
{
	struct connection *connection = db->idle;
	db->idle = connection->next;
	db->usage.busy++;
	return connection;
}

/* The server may refuse one more connection and yet answer on those we have: then waiting for one
 * is worth it. */
static bool others_serve(const struct db *db)
{
	return db->usage.open > (db->is_knocking ? 1 : 0);
}

/* NULL and *ret_why on failure; NULL without a reason when the caller should look once more. */
static struct connection *take_once(
	struct db *db, enum take take, int64_t deadline_us, const char **ret_why)
{
	if (db->is_closing) {
		*ret_why = "the pool is closing";
		return NULL;
	}
	if (db->idle && take == TAKE_ANY)
		return take_idle(db);
	struct connection *connection = NULL;
	if ((db->idle || db->usage.open < db->limit) && may_connect(db)) {
		connection = take_new(db);
		if (!connection && !others_serve(db))
			*ret_why = db->last_error;
		return connection;
	}
	if (db->is_away && !others_serve(db)) {
		*ret_why = db->last_error;
		return NULL;
	}
	if (!waiter_wait(db, deadline_us, &connection)) {
		db->usage.timeouts_total++;
		*ret_why = "no free database connection in time";
	}
	return connection;
}

static struct connection *take_locked(
	struct db *db, enum take take, int64_t deadline_us, struct problem *problem)
{
	const char *why = NULL;
	struct connection *connection = NULL;
	while (!connection && !why)
		connection = take_once(db, take, deadline_us, &why);
	if (connection)
		return connection;
	problem_set(problem, PROBLEM_unavailable,
		"The service is busy or cannot reach its database; try again.");
	problem_cause(problem, "%s", why);
	problem->retry_after_s = 1;
	return NULL;
}

static bool is_stale(const struct connection *connection)
{
	int64_t idle_us = clock_monotonic_us() - connection->idle_since_us;
	return connection->idle_since_us > 0 && idle_us > STALE_AFTER_US &&
	       !connection_is_alive(connection);
}

struct connection *pool_take(
	struct db *db, enum take take, int64_t wait_ms, struct problem *problem)
{
	int64_t deadline_us = clock_monotonic_us() + wait_ms * 1000;
	for (;;) {
		pthread_mutex_lock(&db->lock);
		struct connection *connection = take_locked(db, take, deadline_us, problem);
		pthread_mutex_unlock(&db->lock);
		if (connection && is_stale(connection)) {
			pool_give(db, connection, /* is_broken = */ true);
			continue;
		}
		return connection;
	}
}

void pool_give(struct db *db, struct connection *connection, bool is_broken)
{
	if (is_broken)
		connection = connection_close(connection);
	else
		connection->idle_since_us = clock_monotonic_us();
	pthread_mutex_lock(&db->lock);
	if (!connection) {
		db->usage.reconnects_total++;
		release_place(db);
	} else if (db->first_waiter) {
		waiter_wake(db, connection);
	} else {
		db->usage.busy--;
		connection->next = db->idle;
		db->idle = connection;
		if (db->usage.busy == 0)
			pthread_cond_broadcast(&db->all_back);
	}
	pthread_mutex_unlock(&db->lock);
}

const struct connect_options *pool_options(const struct db *db)
{
	return &db->options;
}

int64_t pool_wait_ms(const struct db *db)
{
	return db->wait_ms;
}

/* ---- life ---- */

struct db *db_open(const struct settings *settings)
{
	struct db *db = calloc(1, sizeof(*db));
	if (!db)
		abort();
	db->database_url = strdup(settings->database_url ? settings->database_url : "");
	if (!db->database_url)
		abort();
	db->options = (struct connect_options){
		.database_url = db->database_url,
		.statement_timeout_ms = settings->statement_timeout_ms,
		.prepared_statements = settings->prepared_statements,
	};
	db->wait_ms = settings->database_wait_ms;
	db->limit = settings->database_connections > 0 ? (int)settings->database_connections : 1;
	db->last_waiter = &db->first_waiter;
	pthread_mutex_init(&db->lock, NULL);
	pthread_cond_init(&db->all_back, NULL);
	return db;
}

/* Waits for the batches in flight; each of them is bounded by the server and by run.c. */
struct db *db_close(struct db *db)
{
	if (!db)
		return NULL;
	pthread_mutex_lock(&db->lock);
	db->is_closing = true;
	waiters_wake_all(db);
	while (db->usage.busy > 0 || db->usage.waiting > 0)
		pthread_cond_wait(&db->all_back, &db->lock);
	pthread_mutex_unlock(&db->lock);
	while (db->idle) {
		struct connection *next = db->idle->next;
		connection_close(db->idle);
		db->idle = next;
	}
	pthread_cond_destroy(&db->all_back);
	pthread_mutex_destroy(&db->lock);
	free(db->database_url);
	free(db);
	return NULL;
}

void db_usage(struct db *db, struct db_usage *ret_usage)
{
	pthread_mutex_lock(&db->lock);
	*ret_usage = db->usage;
	pthread_mutex_unlock(&db->lock);
}
