/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accepts connections on a listening socket and hands each to a thread of the HTTP library's pool:
 * an idle one if there is any, and of those the one with the fewest connections. Left to itself the
 * library lets whichever thread wakes first take up to ten at a time, so that a burst of clients
 * shares a few threads and waits behind each other's requests while the rest of the pool idles.
 */
#ifndef PARTNERD_SRC_HTTP_ACCEPTOR_H
#define PARTNERD_SRC_HTTP_ACCEPTOR_H

#include <microhttpd.h>
#include <stdbool.h>

struct acceptor;

/*
 * Takes over `socket`, also on failure (false). *ret_acceptor is there before the first connection.
 * The daemon must run without a socket of its own, and each of its threads must have room for
 * `most` connections: what the library does beyond its limit leaves a lock of its thread held for
 * ever (0.9.75).
 */
bool acceptor_start(int socket, struct MHD_Daemon *daemon, int worker_count, int most,
	struct acceptor **ret_acceptor);

/* To be called by the worker of the connection `fd`, before and after it makes an answer. */
void acceptor_busy(struct acceptor *acceptor, int fd, bool is_busy);

/* To be called when the connection `fd` is about to close: there is room for another one. */
void acceptor_closed(struct acceptor *acceptor, int fd);

/* New connections are refused from now on; what was accepted goes on. */
void acceptor_quiesce(struct acceptor *acceptor);

/* After the daemon has closed its connections. NULL is accepted. Always returns NULL. */
struct acceptor *acceptor_free(struct acceptor *acceptor);

#endif
