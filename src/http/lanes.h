/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads beside the workers, for the few operations that are slow on purpose (they hash a
 * password). A worker of libmicrohttpd serves all connections that it was given, one after the
 * other: what keeps it busy for long keeps all of them waiting. So the worker suspends the
 * connection, a lane makes the answer, and the worker sends it.
 */
#ifndef PARTNERD_SRC_HTTP_LANES_H
#define PARTNERD_SRC_HTTP_LANES_H

#include <microhttpd.h>
#include <stdbool.h>
#include <stddef.h>
#include <ulfius.h>

/* As many as may wait for a hash: who comes when all are taken is refused at once. */
#define LANES_COUNT 10

struct lanes;

typedef int (*lanes_entry)(
	const struct _u_request *request, struct _u_response *response, void *context);

/* NULL when no threads can be had. */
struct lanes *lanes_start(lanes_entry entry, void *context);
/* Lets the lanes finish what they do; nothing is taken any more. Before the daemon is stopped,
 * which must not have suspended connections then. */
void lanes_close(struct lanes *lanes);
/* After the daemon has been stopped. Always returns NULL. */
struct lanes *lanes_free(struct lanes *lanes);

enum lanes_state {
	LANES_TAKEN, /* suspended: the worker is called again when the answer is there */
	LANES_READY, /* the answer is there: lanes_collect */
	LANES_FULL,
};

/* Called by the worker with a complete request, from inside the access handler. */
enum lanes_state lanes_take(
	struct lanes *lanes, struct MHD_Connection *connection, const struct _u_request *request);
/* Moves the answer of a LANES_READY connection into `out`. */
void lanes_collect(struct lanes *lanes, struct MHD_Connection *connection, struct _u_response *out);
/* The connection is closed, or its request is over. */
void lanes_forget(struct lanes *lanes, struct MHD_Connection *connection);

/* Is the calling thread a lane, and may therefore be slow? */
bool lanes_is_lane(void);

int lanes_busy(struct lanes *lanes);
int64_t lanes_refused_total(struct lanes *lanes);

#endif
