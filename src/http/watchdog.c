/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection has one deadline at a time, an atomic: its first request line, or the next one, must
 * come before it; then the rest of the request; then the answer must be taken. While we work on a
 * request there is none, the database has its own timeouts. A thread looks at all deadlines four
 * times a second and shuts the sockets whose time is over; the library then finds them at their end
 * and closes them.
 *
 * The number of a closed socket is soon that of another. So a place leaves the list, under the
 * lock, before the library closes its socket, and the thread shuts sockets only while it holds the
 * lock.
 */
#include "http/watchdog.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"

#define PERIOD_MS  250
#define SENDING_MS 60000 /* an answer is at most some hundred kilobytes */

struct place {
	struct place *next, *previous;
	int socket;
	_Atomic int64_t deadline_us; /* 0 = none */
	bool is_in_flight;           /* touched by the connection's own thread only */
};

struct watchdog {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool is_ending;
	struct place *first;
	int64_t idle_us, reading_us;
	_Atomic int connections, in_flight;
	_Atomic int64_t cut;
};

static void set_deadline(struct place *place, int64_t deadline_us)
{
	atomic_store_explicit(&place->deadline_us, deadline_us, memory_order_relaxed);
}

/* The exchange fails when the connection got further in the meantime; then it is left alone. */
static bool is_over(struct place *place, int64_t now_us)
{
	int64_t deadline_us = atomic_load_explicit(&place->deadline_us, memory_order_relaxed);

	return deadline_us != 0 && deadline_us <= now_us &&
	       atomic_compare_exchange_strong(&place->deadline_us, &deadline_us, 0);
}

static void shut_late_places(struct watchdog *watchdog)
{
	int64_t now_us = clock_monotonic_us();

	for (struct place *place = watchdog->first; place; place = place->next) {
		if (!is_over(place, now_us))
			continue;
		/* First the count: who sees the end of the connection may ask for it. */
		atomic_fetch_add_explicit(&watchdog->cut, 1, memory_order_relaxed);
		shutdown(place->socket, SHUT_RDWR);
	}
}

static void wait_a_period(struct watchdog *watchdog)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += PERIOD_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	pthread_cond_timedwait(&watchdog->wake, &watchdog->lock, &until);
}

static void *watch(void *context)
{
	struct watchdog *watchdog = context;

	pthread_mutex_lock(&watchdog->lock);
	while (!watchdog->is_ending) {
		wait_a_period(watchdog);
		shut_late_places(watchdog);
	}
	pthread_mutex_unlock(&watchdog->lock);
	return NULL;
}

static void init_locks(struct watchdog *watchdog)
{
	pthread_condattr_t attributes;

	pthread_mutex_init(&watchdog->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&watchdog->wake, &attributes);
	pthread_condattr_destroy(&attributes);
}

static struct watchdog *release(struct watchdog *watchdog)
{
	pthread_cond_destroy(&watchdog->wake);
	pthread_mutex_destroy(&watchdog->lock);
	free(watchdog);
	return NULL;
}

struct watchdog *watchdog_start(const struct settings *settings)
{
	struct watchdog *watchdog = calloc(1, sizeof(*watchdog));

	if (!watchdog)
		abort();
	watchdog->idle_us = settings->idle_timeout_ms * 1000;
	watchdog->reading_us = settings->read_timeout_ms * 1000;
	init_locks(watchdog);
	if (pthread_create(&watchdog->thread, NULL, watch, watchdog) != 0)
		return release(watchdog);
	return watchdog;
}

struct watchdog *watchdog_stop(struct watchdog *watchdog)
{
	if (!watchdog)
		return NULL;
	pthread_mutex_lock(&watchdog->lock);
	watchdog->is_ending = true;
	pthread_cond_signal(&watchdog->wake);
	pthread_mutex_unlock(&watchdog->lock);
	pthread_join(watchdog->thread, NULL);
	return release(watchdog);
}

struct place *watchdog_enter(struct watchdog *watchdog, int socket)
{
	struct place *place = calloc(1, sizeof(*place));
	int64_t patience_us =
		watchdog->idle_us < watchdog->reading_us ? watchdog->idle_us : watchdog->reading_us;

	if (!place)
		abort();
	place->socket = socket;
	set_deadline(place, clock_monotonic_us() + patience_us);
	pthread_mutex_lock(&watchdog->lock);
	place->next = watchdog->first;
	if (place->next)
		place->next->previous = place;
	watchdog->first = place;
	pthread_mutex_unlock(&watchdog->lock);
	atomic_fetch_add_explicit(&watchdog->connections, 1, memory_order_relaxed);
	return place;
}

static void end_request(struct watchdog *watchdog, struct place *place)
{
	if (place->is_in_flight)
		atomic_fetch_sub(&watchdog->in_flight, 1);
	place->is_in_flight = false;
}

void watchdog_leave(struct watchdog *watchdog, struct place *place)
{
	end_request(watchdog, place);
	pthread_mutex_lock(&watchdog->lock);
	if (place->next)
		place->next->previous = place->previous;
	if (place->previous)
		place->previous->next = place->next;
	else
		watchdog->first = place->next;
	pthread_mutex_unlock(&watchdog->lock);
	atomic_fetch_sub_explicit(&watchdog->connections, 1, memory_order_relaxed);
	free(place);
}

void place_reading(struct watchdog *watchdog, struct place *place)
{
	if (!place->is_in_flight)
		atomic_fetch_add(&watchdog->in_flight, 1);
	place->is_in_flight = true;
	set_deadline(place, clock_monotonic_us() + watchdog->reading_us);
}

void place_handling(struct place *place)
{
	set_deadline(place, 0);
}

void place_sending(struct place *place)
{
	set_deadline(place, clock_monotonic_us() + SENDING_MS * INT64_C(1000));
}

void place_idle(struct watchdog *watchdog, struct place *place)
{
	end_request(watchdog, place);
	set_deadline(place, clock_monotonic_us() + watchdog->idle_us);
}

int watchdog_in_flight(const struct watchdog *watchdog)
{
	return atomic_load(&watchdog->in_flight);
}

int watchdog_connections(const struct watchdog *watchdog)
{
	return atomic_load_explicit(&watchdog->connections, memory_order_relaxed);
}

int64_t watchdog_cut_total(const struct watchdog *watchdog)
{
	return atomic_load_explicit(&watchdog->cut, memory_order_relaxed);
}
