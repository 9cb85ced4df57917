/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readiness. /readyz needs no token and has no rate limit, so what it costs must be bounded here:
 * one caller at a time asks the database, at most twice a second; the others get its last answer
 * and wait for nobody. Who has been asking for long is answer enough: then the database is slow.
 */
#include "http/health.h"

#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"

#define FRESH_US        (CLOCK_SECOND_US / 2)
#define SLOW_US         (2 * CLOCK_SECOND_US)
#define PING_TIMEOUT_MS 500

static pthread_mutex_t asking = PTHREAD_MUTEX_INITIALIZER;

struct answer {
	bool is_ready;
	int64_t asked_us;
	char reason[PROBLEM_DETAIL_BYTES];
};

static struct {
	pthread_mutex_t lock; /* never held while the database is asked */
	bool was_asked;
	int64_t asking_since_us; /* 0: nobody asks */
	struct answer answer;
} last = { .lock = PTHREAD_MUTEX_INITIALIZER,
	.answer = { .reason = "The database has not answered yet." } };

static bool ask_database(struct app *app, struct answer *answer)
{
	struct text error = TEXT_INIT;
	bool is_current;

	if (!db_ping(app->db, PING_TIMEOUT_MS)) {
		snprintf(answer->reason, sizeof(answer->reason), "The database does not answer.");
		return false;
	}
	is_current = db_schema_is_current(app->db, &error);
	if (!is_current)
		snprintf(answer->reason, sizeof(answer->reason),
			"The database has the schema of another version.");
	text_release(&error);
	return is_current;
}

/* True when the database is to be asked. */
static bool begin_asking(void)
{
	int64_t now_us = clock_monotonic_us();

	pthread_mutex_lock(&last.lock);
	bool is_fresh = last.was_asked && now_us - last.answer.asked_us < FRESH_US;
	if (!is_fresh)
		last.asking_since_us = now_us;
	pthread_mutex_unlock(&last.lock);
	return !is_fresh;
}

static void keep(const struct answer *answer)
{
	pthread_mutex_lock(&last.lock);
	last.answer = *answer;
	last.was_asked = true;
	last.asking_since_us = 0;
	pthread_mutex_unlock(&last.lock);
}

/* The caller is the only one who asks. */
static void refresh(struct app *app)
{
	struct answer answer = { 0 };

	if (!begin_asking())
		return;
	answer.is_ready = ask_database(app, &answer);
	answer.asked_us = clock_monotonic_us();
	app->database_ready = answer.is_ready;
	keep(&answer);
}

static bool read_last(struct problem *problem)
{
	pthread_mutex_lock(&last.lock);
	bool is_slow =
		last.asking_since_us != 0 && clock_monotonic_us() - last.asking_since_us > SLOW_US;
	bool is_ready = last.answer.is_ready && !is_slow;
	if (!is_ready)
		problem_set(problem, PROBLEM_unavailable, "%s",
			is_slow ? "The database does not answer." : last.answer.reason);
	pthread_mutex_unlock(&last.lock);
	return is_ready;
}

bool health_is_ready(struct app *app, struct problem *problem)
{
	problem->retry_after_s = 1;
	if (app->draining)
		return problem_set(problem, PROBLEM_unavailable, "The process is shutting down.");
	if (pthread_mutex_trylock(&asking) == 0) {
		refresh(app);
		pthread_mutex_unlock(&asking);
	}
	return read_last(problem);
}
