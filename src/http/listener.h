/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One listening port: a socket, a ulfius instance whose only endpoint is the default one, and the
 * hooks into libmicrohttpd that ulfius does not offer.
 */
#ifndef PARTNERD_SRC_HTTP_LISTENER_H
#define PARTNERD_SRC_HTTP_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ulfius.h>

#include "base/text.h"
#include "http/acceptor.h"
#include "http/lanes.h"
#include "http/uploads.h"
#include "http/watchdog.h"

struct listener_options {
	const char *address;
	int64_t port; /* 0 = any free one */
	unsigned workers;
	unsigned max_connections;
	unsigned max_connections_per_address; /* 0 = no limit */
	size_t body_limit;                    /* a longer body arrives cut at body_limit + 1 */
	unsigned inactivity_s;                /* 0 = the watchdog alone decides */
	struct watchdog *watchdog;            /* or NULL */
	lanes_entry entry;
	struct lanes *lanes;     /* for requests that are slow, or NULL */
	struct uploads *uploads; /* for bodies that are taken piece by piece, or NULL */
	/* Shall this complete request be answered on a lane? */
	bool (*is_slow)(const struct _u_request *request, void *context);
	void *context;
};

struct listener {
	struct _u_instance instance; /* first: libmicrohttpd's handler is called with it */
	struct listener_options options;
	MHD_AccessHandlerCallback dispatch;
	struct acceptor *acceptor; /* NULL once nothing more is accepted */
	int port;
};

/* NULL and a sentence in `reterr` when the port cannot be had. */
struct listener *listener_start(const struct listener_options *options, struct text *reterr);
/* New connections are refused from now on; what is open goes on. */
void listener_quiesce(struct listener *listener);
/* Cuts what is open. Always returns NULL. */
struct listener *listener_stop(struct listener *listener);

/* The connection and its place behind a request of ulfius. */
struct MHD_Connection *listener_connection(const struct _u_request *request);
struct place *listener_place(struct MHD_Connection *connection);
/* The peer's address as text; IPv4 in its own form also when it came through an IPv6 socket. */
#define LISTENER_ADDRESS_BYTES 64
void listener_peer(struct MHD_Connection *connection, char out[static LISTENER_ADDRESS_BYTES]);

#endif
