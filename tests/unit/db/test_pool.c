/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that are lost, waited for and shared: the pool under a real PostgreSQL. */
#include "fixture.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sys/socket.h>

/* ---- lost connections ---- */

static void test_backend_killed_while_idle(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(things(f), 0);
	cluster_run(f->pg, "select pg_terminate_backend(pid, 5000) from pg_stat_activity"
			   " where datname = current_database() and pid <> pg_backend_pid()");
	assert_int_equal(things(f), 0);
	struct db_usage usage;
	db_usage(f->db, &usage);
	assert_int_equal(usage.reconnects_total, 1);
	assert_int_equal(usage.open, 1);
	assert_int_equal(usage.busy, 0);
}

static enum db_failure killed_on_call(struct fixture *f, bool is_write, const char *up_to)
{
	db_add(start(f), &die)->params[0] = up_to;
	f->batch.is_write = is_write;
	return run(f);
}

static void test_read_is_tried_once_more(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(killed_on_call(f, /* is_write = */ false, "1"), DB_NONE);
	assert_int_equal(rows_int(f->batch.calls[0].rows, "call"), 2);
	assert_int_equal(killed_on_call(f, /* is_write = */ false, "4"), DB_UNAVAILABLE);
	assert_int_equal(killed_on_call(f, /* is_write = */ false, "4"), DB_NONE);
	assert_int_equal(rows_int(f->batch.calls[0].rows, "call"), 5);
}

static void test_write_is_not_tried_again(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(killed_on_call(f, /* is_write = */ true, "1"), DB_UNAVAILABLE);
	assert_int_equal(f->problem.code, PROBLEM_unavailable);
	assert_int_equal(f->problem.retry_after_s, 1);
	assert_int_equal(killed_on_call(f, /* is_write = */ true, "1"), DB_NONE);
	assert_int_equal(rows_int(f->batch.calls[0].rows, "call"), 2);
}

static void test_unreachable_database(void **state)
{
	struct fixture *f = *state;
	f->settings.database_url = "host=127.0.0.1 port=1 dbname=none";
	reopen(f);
	for (int i = 0; i < 3; i++) {
		db_add(start(f), &count_things);
		assert_int_equal(run(f), DB_UNAVAILABLE);
		assert_int_equal(f->problem.code, PROBLEM_unavailable);
		assert_int_equal(f->problem.retry_after_s, 1);
		assert_non_null(strstr(f->problem.cause, "cannot connect"));
	}
	assert_false(db_ping(f->db, 100));
	struct db_usage usage;
	db_usage(f->db, &usage);
	assert_int_equal(usage.open, 0);
	assert_int_equal(usage.busy, 0);
}

/* ---- the pool ---- */

struct blocked {
	struct fixture *f;
	struct arena *arena;
	enum db_failure failure;
	pthread_t thread;
};

static void *run_blocked(void *argument)
{
	struct blocked *blocked = argument;
	struct db_batch batch = {
		.arena = blocked->arena, .door = DOOR_PROGRAM, .program_id = PROGRAM
	};
	struct problem problem = PROBLEM_INIT;
	db_add(&batch, &take_lock);
	blocked->failure = db_run(blocked->f->db, &batch, &problem);
	return NULL;
}

static struct blocked *block(struct fixture *f)
{
	struct blocked *blocked = calloc(1, sizeof(*blocked));
	blocked->f = f;
	blocked->arena = arena_new();
	assert_int_equal(pthread_create(&blocked->thread, NULL, run_blocked, blocked), 0);
	return blocked;
}

static enum db_failure unblock(struct blocked *blocked)
{
	pthread_join(blocked->thread, NULL);
	enum db_failure failure = blocked->failure;
	arena_free(blocked->arena);
	free(blocked);
	return failure;
}

static void hold_lock(struct fixture *f, int connections)
{
	f->settings.database_connections = connections;
	f->settings.database_wait_ms = 50;
	reopen(f);
	cluster_run(f->pg, "select pg_advisory_lock(7)");
}

static void test_waiter_gives_up(void **state)
{
	struct fixture *f = *state;
	hold_lock(f, 1);
	struct blocked *first = block(f);
	owner_waits_for(f, "wait_event_type = 'Lock' and datname = current_database()");
	db_add(start(f), &count_things);
	assert_int_equal(run(f), DB_UNAVAILABLE);
	assert_int_equal(f->problem.retry_after_s, 1);
	assert_non_null(strstr(f->problem.cause, "no free database connection in time"));
	struct db_usage usage;
	db_usage(f->db, &usage);
	assert_int_equal(usage.open, 1);
	assert_int_equal(usage.busy, 1);
	assert_int_equal(usage.waiting, 0);
	assert_int_equal(usage.waits_total, 1);
	assert_int_equal(usage.timeouts_total, 1);
	cluster_run(f->pg, "select pg_advisory_unlock(7)");
	assert_int_equal(unblock(first), DB_NONE);
	assert_int_equal(things(f), 0);
}

static void test_waiters_get_the_connection_in_turn(void **state)
{
	struct fixture *f = *state;
	f->settings.database_wait_ms = 20000;
	f->settings.database_connections = 1;
	reopen(f);
	cluster_run(f->pg, "select pg_advisory_lock(7)");
	struct blocked *blocked[5];
	for (int i = 0; i < 5; i++) {
		blocked[i] = block(f);
		wait_for_usage(f, 1, i);
	}
	cluster_run(f->pg, "select pg_advisory_unlock(7)");
	for (int i = 0; i < 5; i++)
		assert_int_equal(unblock(blocked[i]), DB_NONE);
	struct db_usage usage;
	db_usage(f->db, &usage);
	assert_int_equal(usage.open, 1);
	assert_int_equal(usage.waits_total, 4);
	assert_int_equal(usage.timeouts_total, 0);
}

static void test_waiter_takes_the_place_of_a_lost_connection(void **state)
{
	struct fixture *f = *state;
	f->settings.database_wait_ms = 20000;
	f->settings.database_connections = 1;
	reopen(f);
	cluster_run(f->pg, "select pg_advisory_lock(7)");
	struct blocked *first = block(f), *second = block(f);
	wait_for_usage(f, 1, 1);
	owner_waits_for(f, "wait_event_type = 'Lock' and datname = current_database()");
	cluster_run(f->pg, "select pg_terminate_backend(pid) from pg_stat_activity"
			   " where datname = current_database() and pid <> pg_backend_pid()");
	cluster_run(f->pg, "select pg_advisory_unlock(7)");
	assert_int_equal(unblock(first), DB_NONE);
	assert_int_equal(unblock(second), DB_NONE);
}

static void test_pool_keeps_what_it_opened(void **state)
{
	struct fixture *f = *state;
	hold_lock(f, 3);
	struct blocked *blocked[3];
	for (int i = 0; i < 3; i++)
		blocked[i] = block(f);
	wait_for_usage(f, 3, 0);
	cluster_run(f->pg, "select pg_advisory_unlock(7)");
	for (int i = 0; i < 3; i++)
		assert_int_equal(unblock(blocked[i]), DB_NONE);
	struct db_usage usage;
	db_usage(f->db, &usage);
	assert_int_equal(usage.open, 3);
	assert_int_equal(usage.busy, 0);
	assert_int_equal(things(f), 0);
}

/* A server that has no more connections to give still answers on those it gave. */
static void test_refused_connection_waits_for_one_that_works(void **state)
{
	struct fixture *f = *state;
	char sql[200], url[CLUSTER_URL_BYTES + 100];
	snprintf(sql, sizeof(sql),
		"create role %s login password 'one' connection limit 1 in role partnerd_app",
		f->cluster.database);
	cluster_run(f->pg, sql);
	snprintf(url, sizeof(url), "%s user=%s password=one", f->cluster.url, f->cluster.database);
	f->settings.database_url = url;
	f->settings.database_connections = 3;
	f->settings.database_wait_ms = 20000;
	reopen(f);
	cluster_run(f->pg, "select pg_advisory_lock(7)");
	struct blocked *first = block(f);
	owner_waits_for(f, "wait_event_type = 'Lock' and datname = current_database()");
	struct blocked *second = block(f);
	wait_for_usage(f, 1, 1);
	cluster_run(f->pg, "select pg_advisory_unlock(7)");
	assert_int_equal(unblock(first), DB_NONE);
	assert_int_equal(unblock(second), DB_NONE);
	f->db = db_close(f->db);
	owner_waits_for(
		f, "not exists (select from pg_stat_activity where usename = current_database())");
	snprintf(sql, sizeof(sql), "drop role %s", f->cluster.database);
	cluster_run(f->pg, sql);
}

/* ---- a server that hangs up ---- */

struct hanging_up {
	int fd;
	int calls; /* read after the thread has ended */
	pthread_t thread;
};

static void *hang_up(void *argument)
{
	struct hanging_up *server = argument;
	for (;;) {
		int client = accept(server->fd, NULL, NULL);
		if (client < 0)
			return NULL;
		server->calls++;
		close(client);
	}
}

/* Lets the server in, and says nothing more. */
static void *fall_silent(void *argument)
{
	static const char welcome[] = "R\0\0\0\10\0\0\0\0Z\0\0\0\5I";
	struct hanging_up *server = argument;
	for (;;) {
		char bytes[1024];
		int client = accept(server->fd, NULL, NULL);
		if (client < 0)
			return NULL;
		server->calls++;
		if (read(client, bytes, sizeof(bytes)) > 0 &&
			write(client, welcome, sizeof(welcome) - 1) > 0)
			while (read(client, bytes, sizeof(bytes)) > 0)
				continue;
		close(client);
	}
}

static void server_start(
	struct fixture *f, struct hanging_up *server, void *(*serve)(void *), char url[static 100])
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t length = sizeof(address);
	server->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(server->fd, (struct sockaddr *)&address, length), 0);
	assert_int_equal(getsockname(server->fd, (struct sockaddr *)&address, &length), 0);
	assert_int_equal(listen(server->fd, 100), 0);
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
	snprintf(url, 100, "host=127.0.0.1 port=%d sslmode=disable", ntohs(address.sin_port));
	f->settings.database_url = url;
	reopen(f);
}

static void server_stop(struct hanging_up *server)
{
	shutdown(server->fd, SHUT_RDWR);
	pthread_join(server->thread, NULL);
	close(server->fd);
}

static void test_database_that_is_away_is_not_hammered(void **state)
{
	struct fixture *f = *state;
	struct hanging_up server = { 0 };
	char url[100];
	server_start(f, &server, hang_up, url);
	int64_t started_us = clock_monotonic_us();
	for (int i = 0; i < 200; i++) {
		db_add(start(f), &count_things);
		assert_int_equal(run(f), DB_UNAVAILABLE);
	}
	int64_t took_us = clock_monotonic_us() - started_us;
	server_stop(&server);
	assert_in_range(server.calls, 1, 1 + took_us / 200000);
	f->db = db_close(f->db);
}

static void test_server_that_falls_silent_holds_nobody(void **state)
{
	struct fixture *f = *state;
	struct hanging_up server = { 0 };
	char url[100];
	server_start(f, &server, fall_silent, url);
	db_add(start(f), &count_things);
	assert_int_equal(run(f), DB_UNAVAILABLE);
	assert_non_null(strstr(f->problem.cause, "did not answer in time"));
	server_stop(&server);
	assert_int_equal(server.calls, 1);
	f->db = db_close(f->db);
}

#define HAMMERS     8
#define HAMMER_RUNS 100

static void *hammer(void *argument)
{
	struct blocked *blocked = argument;
	for (int i = 0; i < HAMMER_RUNS && blocked->failure == DB_NONE; i++) {
		struct db_batch batch = {
			.arena = blocked->arena, .door = DOOR_PROGRAM, .program_id = PROGRAM
		};
		struct problem problem = PROBLEM_INIT;
		db_add(&batch, &count_things);
		blocked->failure = db_run(blocked->f->db, &batch, &problem);
		arena_reset(blocked->arena);
	}
	return NULL;
}

static void test_many_threads_share_few_connections(void **state)
{
	struct fixture *f = *state;
	f->settings.database_connections = 2;
	f->settings.database_wait_ms = 20000;
	reopen(f);
	struct blocked *blocked[HAMMERS];
	for (int i = 0; i < HAMMERS; i++) {
		blocked[i] = calloc(1, sizeof(*blocked[i]));
		*blocked[i] = (struct blocked){ .f = f, .arena = arena_new() };
		assert_int_equal(pthread_create(&blocked[i]->thread, NULL, hammer, blocked[i]), 0);
	}
	for (int i = 0; i < HAMMERS; i++)
		assert_int_equal(unblock(blocked[i]), DB_NONE);
	struct db_usage usage;
	db_usage(f->db, &usage);
	assert_true(usage.open <= 2);
	assert_int_equal(usage.busy, 0);
}

#define TESTS(X)                                            \
	X(test_backend_killed_while_idle)                   \
	X(test_read_is_tried_once_more)                     \
	X(test_write_is_not_tried_again)                    \
	X(test_unreachable_database)                        \
	X(test_waiter_gives_up)                             \
	X(test_waiters_get_the_connection_in_turn)          \
	X(test_waiter_takes_the_place_of_a_lost_connection) \
	X(test_pool_keeps_what_it_opened)                   \
	X(test_many_threads_share_few_connections)          \
	X(test_refused_connection_waits_for_one_that_works) \
	X(test_server_that_falls_silent_holds_nobody)       \
	X(test_database_that_is_away_is_not_hammered)

TESTS(AGAINST_CLUSTER)

int main(void)
{
	const struct CMUnitTest tests[] = { TESTS(UNIT_TEST) };
	return cmocka_run_group_tests(tests, open_fixture, close_fixture);
}
