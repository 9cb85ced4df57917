/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies that are taken piece by piece (contract: application/octet-stream) instead of being
 * collected in memory. The worker is called for every piece; each FILE_CHUNK_BYTES of them become a
 * row. Between two pieces nothing is held but the buffer, and there are UPLOADS_COUNT of those.
 */
#ifndef PARTNERD_SRC_HTTP_UPLOADS_H
#define PARTNERD_SRC_HTTP_UPLOADS_H

#include <stdbool.h>
#include <stddef.h>
#include <ulfius.h>

#define UPLOADS_COUNT     32
#define UPLOADS_PER_OWNER 4 /* all people and clients of a partner, or one of the vendor's side */

struct server;
struct uploads;
struct upload_intake;

struct uploads *uploads_make(struct server *server);
/* After the daemon has been stopped. Always returns NULL. */
struct uploads *uploads_free(struct uploads *uploads);

/*
 * Called by the worker for each piece, and with `length` 0 when the body is complete. False: the
 * request is not for us, or is complete, and takes the usual way. What is not wanted is thrown
 * away.
 */
bool uploads_take(
	struct uploads *uploads, struct _u_request *call, const char *bytes, size_t length);
/* The request is over, or its connection is. */
void uploads_forget(struct uploads *uploads, struct _u_request *call);

/* What became of the body; NULL when none came in this way. */
const struct upload_intake *uploads_intake(
	const struct uploads *uploads, const struct _u_request *call);

#endif
