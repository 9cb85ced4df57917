/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readiness. /readyz needs no token and has no rate limit, so what it costs must be bounded here:
 * one caller at a time asks the database, at most twice a second; the others get its last answer.
 */
#include "http/health.h"

#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"

#define FRESH_US        (CLOCK_SECOND_US / 2)
#define PING_TIMEOUT_MS 500

static struct {
	pthread_mutex_t lock;
	bool was_asked;
	bool is_ready;
	int64_t asked_us;
	char reason[PROBLEM_DETAIL_BYTES];
} last = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool ask_database(struct app *app)
{
	struct text error = TEXT_INIT;
	bool is_current;

	if (!db_ping(app->db, PING_TIMEOUT_MS)) {
		snprintf(last.reason, sizeof(last.reason), "The database does not answer.");
		return false;
	}
	is_current = db_schema_is_current(app->db, &error);
	if (!is_current)
		snprintf(last.reason, sizeof(last.reason),
			"The database has the schema of another version.");
	text_release(&error);
	return is_current;
}

static void refresh(struct app *app)
{
	if (last.was_asked && clock_monotonic_us() - last.asked_us < FRESH_US)
		return;
	last.is_ready = ask_database(app);
	last.was_asked = true;
	last.asked_us = clock_monotonic_us();
	app->database_ready = last.is_ready;
}

bool health_is_ready(struct app *app, struct problem *problem)
{
	bool is_ready;

	problem->retry_after_s = 1;
	if (app->draining)
		return problem_set(problem, PROBLEM_unavailable, "The process is shutting down.");
	pthread_mutex_lock(&last.lock);
	refresh(app);
	is_ready = last.is_ready;
	if (!is_ready)
		problem_set(problem, PROBLEM_unavailable, "%s", last.reason);
	pthread_mutex_unlock(&last.lock);
	return is_ready;
}
