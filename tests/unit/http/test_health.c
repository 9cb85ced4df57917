/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readiness while the database takes its time. What asks the database is replaced by functions of
 * this file, so that a test holds the one who asks for as long as it likes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <semaphore.h>

#include "http/health.h"

static sem_t asked, may_answer;
static bool database_answers;
static int questions;

bool db_ping(struct db *db, int timeout_ms)
{
	(void)db;
	(void)timeout_ms;
	questions++;
	sem_post(&asked);
	sem_wait(&may_answer);
	return database_answers;
}

bool db_schema_is_current(struct db *db, struct text *reterr)
{
	(void)db;
	(void)reterr;
	return true;
}

static struct app app;

static bool is_ready(void)
{
	struct problem problem = PROBLEM_INIT;
	bool ready = health_is_ready(&app, &problem);
	assert_int_equal(problem.is_set, !ready);
	assert_true(ready || problem.code == PROBLEM_unavailable);
	return ready;
}

static void *ask(void *ret_ready)
{
	*(bool *)ret_ready = is_ready();
	return NULL;
}

static void nobody_waits_for_the_one_who_asks(void **state)
{
	pthread_t thread;
	bool first = false;
	(void)state;

	pthread_create(&thread, NULL, ask, &first);
	sem_wait(&asked);
	assert_false(is_ready()); /* nothing is known yet */
	database_answers = true;
	sem_post(&may_answer);
	pthread_join(thread, NULL);
	assert_true(first);
	assert_true(is_ready()); /* that answer is fresh */
	assert_int_equal(questions, 1);
}

static void a_process_that_ends_is_not_ready(void **state)
{
	(void)state;
	app.draining = true;
	assert_false(is_ready());
	app.draining = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_waits_for_the_one_who_asks),
		cmocka_unit_test(a_process_that_ends_is_not_ready),
	};
	sem_init(&asked, 0, 0);
	sem_init(&may_answer, 0, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
