/* SPDX-License-Identifier: Apache-2.0 */
/* Which sockets are shut, seen from their other end; deadlines are milliseconds, waiting has no
 * upper bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/watchdog.h"

static const struct settings impatient = { .idle_timeout_ms = 1, .read_timeout_ms = 1 };
static const struct settings patient = { .idle_timeout_ms = 3600000, .read_timeout_ms = 3600000 };

struct connection {
	int ours, theirs;
	struct place *place;
};

static struct connection enter(struct watchdog *watchdog)
{
	struct connection connection;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	connection.ours = pair[0];
	connection.theirs = pair[1];
	connection.place = watchdog_enter(watchdog, pair[0]);
	return connection;
}

static void leave(struct watchdog *watchdog, struct connection *connection)
{
	watchdog_leave(watchdog, connection->place);
	close(connection->ours);
	close(connection->theirs);
}

/* Blocks until the other end is shut. */
static void expect_cut(const struct connection *connection)
{
	char byte;

	assert_int_equal(read(connection->theirs, &byte, 1), 0);
}

static bool is_open(const struct connection *connection)
{
	char byte;

	return recv(connection->theirs, &byte, 1, MSG_DONTWAIT) < 0;
}

static void a_new_connection_must_send_something(void **state)
{
	struct watchdog *watchdog = watchdog_start(&impatient);
	struct connection connection = enter(watchdog);

	(void)state;
	expect_cut(&connection);
	assert_int_equal(watchdog_cut_total(watchdog), 1);
	leave(watchdog, &connection);
	watchdog_stop(watchdog);
}

static void reading_and_idling_end(void **state)
{
	struct watchdog *watchdog = watchdog_start(&impatient);
	struct connection reading = enter(watchdog);
	struct connection idle = enter(watchdog);

	(void)state;
	place_reading(watchdog, reading.place);
	place_idle(watchdog, idle.place);
	expect_cut(&reading);
	expect_cut(&idle);
	leave(watchdog, &reading);
	leave(watchdog, &idle);
	watchdog_stop(watchdog);
}

/* The one that is being handled was entered first and must outlive one that is cut after it. */
static void what_is_being_handled_is_left_alone(void **state)
{
	struct watchdog *watchdog = watchdog_start(&impatient);
	struct connection handled = enter(watchdog);
	struct connection late;

	(void)state;
	place_handling(handled.place);
	for (int i = 0; i < 2; i++) {
		late = enter(watchdog);
		expect_cut(&late);
		leave(watchdog, &late);
	}
	assert_true(is_open(&handled));
	place_sending(handled.place);
	assert_true(is_open(&handled));
	leave(watchdog, &handled);
	watchdog_stop(watchdog);
}

static void requests_in_flight_are_counted(void **state)
{
	struct watchdog *watchdog = watchdog_start(&patient);
	struct connection first = enter(watchdog);
	struct connection second = enter(watchdog);

	(void)state;
	assert_int_equal(watchdog_connections(watchdog), 2);
	assert_int_equal(watchdog_in_flight(watchdog), 0);
	place_reading(watchdog, first.place);
	place_reading(watchdog, first.place);
	place_reading(watchdog, second.place);
	assert_int_equal(watchdog_in_flight(watchdog), 2);
	place_handling(first.place);
	place_sending(first.place);
	assert_int_equal(watchdog_in_flight(watchdog), 2);
	place_idle(watchdog, first.place);
	place_idle(watchdog, first.place);
	assert_int_equal(watchdog_in_flight(watchdog), 1);
	leave(watchdog, &second);
	assert_int_equal(watchdog_in_flight(watchdog), 0);
	leave(watchdog, &first);
	assert_int_equal(watchdog_connections(watchdog), 0);
	watchdog_stop(watchdog);
}

/* Places come and go in every order while the thread walks over them. */
static void *come_and_go(void *context)
{
	struct watchdog *watchdog = context;
	struct connection open[8];

	for (int round = 0; round < 200; round++) {
		for (int i = 0; i < 8; i++)
			open[i] = enter(watchdog);
		for (int i = 0; i < 8; i++) {
			place_reading(watchdog, open[i].place);
			place_handling(open[i].place);
			place_idle(watchdog, open[i].place);
		}
		for (int i = 0; i < 8; i++)
			leave(watchdog, &open[(i * 3) % 8]);
	}
	return NULL;
}

static void places_come_and_go_from_many_threads(void **state)
{
	struct watchdog *watchdog = watchdog_start(&impatient);
	pthread_t threads[4];

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, watchdog), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(watchdog_connections(watchdog), 0);
	assert_int_equal(watchdog_in_flight(watchdog), 0);
	watchdog_stop(watchdog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_connection_must_send_something),
		cmocka_unit_test(reading_and_idling_end),
		cmocka_unit_test(what_is_being_handled_is_left_alone),
		cmocka_unit_test(requests_in_flight_are_counted),
		cmocka_unit_test(places_come_and_go_from_many_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
