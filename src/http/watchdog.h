/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deadlines for connections. libmicrohttpd knows inactivity only: a client that sends a byte now
 * and then holds its place for ever. The watchdog knows when a connection must have got further,
 * and shuts the socket when it has not.
 */
#ifndef PARTNERD_SRC_HTTP_WATCHDOG_H
#define PARTNERD_SRC_HTTP_WATCHDOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/settings.h"

struct watchdog;
struct place; /* one connection */

/* NULL when no thread can be had. */
struct watchdog *watchdog_start(const struct settings *settings);
/* Call after the last connection has been closed. */
struct watchdog *watchdog_stop(struct watchdog *watchdog);

/* A connection was accepted, or is about to be closed: its number may be another connection's
 * afterwards. */
struct place *watchdog_enter(struct watchdog *watchdog, int socket);
void watchdog_leave(struct watchdog *watchdog, struct place *place);

/* The life of a request. Cheap: an atomic store each. */
void place_reading(struct watchdog *watchdog, struct place *place); /* the request line is there */
void place_handling(struct place *place); /* all of the request is there */
void place_sending(struct place *place);  /* the answer is ready */
void place_idle(struct watchdog *watchdog,
	struct place *place); /* the answer is sent, or the request gave up */

/* Requests between their first line and their last byte of answer. */
int watchdog_in_flight(const struct watchdog *watchdog);
int watchdog_connections(const struct watchdog *watchdog);
int64_t watchdog_cut_total(const struct watchdog *watchdog);

#endif
