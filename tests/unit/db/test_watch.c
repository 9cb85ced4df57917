/* SPDX-License-Identifier: Apache-2.0 */
/* The watch wakes on notifications, on its period, and after it has connected again. */
#include "cluster.h"
#include "db/internal.h"

#include "base/log.h"

#include <poll.h>
#include <stdatomic.h>

#define NEVER_MS 3600000

struct fixture {
	struct cluster cluster;
	PGconn *pg;
	struct settings settings;
	atomic_int wakes;
};

static void count_wake(void *context)
{
	struct fixture *f = context;
	atomic_fetch_add(&f->wakes, 1);
}

/* Waits until there were so many; a wake that never comes ends in the test runner's timeout. */
static void wait_for_wakes(struct fixture *f, int count)
{
	while (atomic_load(&f->wakes) < count)
		poll(NULL, 0, 2);
}

static void test_notifications_wake(void **state)
{
	struct fixture *f = *state;
	struct db_watch *watch = db_watch_start(&f->settings, NEVER_MS, count_wake, f);
	assert_non_null(watch);
	wait_for_wakes(f, 1); /* it listens */
	cluster_run(f->pg, "notify partnerd, 'keys'");
	wait_for_wakes(f, 2);
	cluster_run(f->pg, "notify partnerd, 'revoked'");
	wait_for_wakes(f, 3);
	assert_null(db_watch_stop(watch));
	assert_int_equal(atomic_load(&f->wakes), 3);
}

static void test_wakes_when_it_listens_again(void **state)
{
	struct fixture *f = *state;
	struct db_watch *watch = db_watch_start(&f->settings, NEVER_MS, count_wake, f);
	wait_for_wakes(f, 1);
	cluster_run(f->pg, "select pg_terminate_backend(pid) from pg_stat_activity"
			   " where datname = current_database() and pid <> pg_backend_pid()");
	wait_for_wakes(f, 2);
	cluster_run(f->pg, "notify partnerd");
	wait_for_wakes(f, 3);
	db_watch_stop(watch);
}

static void test_period_wakes_without_a_database(void **state)
{
	struct fixture *f = *state;
	f->settings.database_url = "host=127.0.0.1 port=1";
	struct db_watch *watch = db_watch_start(&f->settings, 1, count_wake, f);
	wait_for_wakes(f, 5);
	assert_null(db_watch_stop(watch));
}

static void test_period_wakes_behind_a_pooler(void **state)
{
	struct fixture *f = *state;
	f->settings.prepared_statements = false;
	struct db_watch *watch = db_watch_start(&f->settings, 1, count_wake, f);
	wait_for_wakes(f, 5);
	PGresult *result =
		PQexec(f->pg, "select 1 from pg_stat_activity"
			      " where datname = current_database() and pid <> pg_backend_pid()"
			      " and backend_type = 'client backend'");
	assert_int_equal(PQntuples(result), 0);
	PQclear(result);
	db_watch_stop(watch);
}

static void test_stop_of_none(void **state)
{
	(void)state;
	assert_null(db_watch_stop(NULL));
}

static int set_up(void **state)
{
	log_set_level(LOG_OFF);
	if (!cluster_is_there())
		return 0;
	struct fixture *f = calloc(1, sizeof(*f));
	f->cluster = cluster_open("watch");
	f->pg = PQconnectdb(f->cluster.url);
	f->settings =
		(struct settings){ .database_url = f->cluster.url, .prepared_statements = true };
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	if (!f)
		return 0;
	PQfinish(f->pg);
	cluster_close(&f->cluster);
	free(f);
	return 0;
}

#define TESTS(X)                                \
	X(test_notifications_wake)              \
	X(test_wakes_when_it_listens_again)     \
	X(test_period_wakes_without_a_database) \
	X(test_period_wakes_behind_a_pooler)

TESTS(AGAINST_CLUSTER)

int main(void)
{
	const struct CMUnitTest tests[] = { TESTS(UNIT_TEST) cmocka_unit_test(test_stop_of_none) };
	return cmocka_run_group_tests(tests, NULL, NULL);
}
