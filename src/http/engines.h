/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The three engines that run the rows of api/, and the pieces they share. Each returns false with
 * `problem` set when the request is refused; the edge writes the answer.
 */
#ifndef PARTNERD_HTTP_ENGINES_H
#define PARTNERD_HTTP_ENGINES_H

#include "http/app.h"
#include "http/endpoint.h"
#include "http/request.h"
#include "http/response.h"
#include "http/server.h"
#include "shape.h"

/* fetch.c: one resource by id, with ETag and 304. */
bool fetch_run(const struct endpoint *endpoint, struct request *request, struct response *response,
	struct problem *problem);

/* list.c: filters, sort, keyset cursor, total. */
bool list_run(const struct endpoint *endpoint, struct request *request, struct response *response,
	struct problem *problem);

/* command.c: facts → decide → write → publish. */
bool command_run(const struct endpoint *endpoint, struct request *request,
	struct response *response, struct problem *problem);

/*
 * replay.c: looks up the key of a keyed command. True when the request is answered by the first
 * one's result. False when there is no finished one, or when the key was used for another request
 * (`problem` is then replaced).
 */
bool replay_find(const struct endpoint *endpoint, struct request *request,
	struct response *response, struct problem *problem);

/* "No deal has this id." The same for what does not exist and for what another partner owns. */
bool refuse_missing(const struct resource *resource, struct problem *problem);

/* Finishes a single-resource answer: ETag from the row's version, Location when `status` is 201. */
void answer_resource(struct request *request, struct response *response, const struct shape *shape,
	int status, const char *id, const char *version);

/* Strong comparison (RFC 9110 §13.1.1) of an If-Match list, and weak of an If-None-Match list, with
 * `"<version>"`. */
bool etag_matches(const char *header, const char *version, bool weak);

/* ---- cursor.c ---- */
#define CURSOR_MAX_KEY_BYTES 1024 /* a name of 200 code points takes up to 800 */

struct cursor {
	const char *key; /* of the last row, as PostgreSQL's text */
	const char *id;
};

/* `query_hash` stands for sort and filters; a cursor of another query is refused. On the request's
 * arena. */
const char *cursor_make(
	const struct request *request, uint64_t query_hash, const struct cursor *cursor);
bool cursor_read(const struct request *request, const char *text, uint64_t query_hash,
	struct cursor *ret_cursor, struct problem *problem);

#endif
