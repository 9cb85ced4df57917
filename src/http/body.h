/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a request: from bytes to checked JSON; and the two things that name a request, its
 * key and fingerprint. */
#ifndef PARTNERD_SRC_HTTP_BODY_H
#define PARTNERD_SRC_HTTP_BODY_H

#include <stdbool.h>

#include "http/negotiate.h"
#include "http/request.h"

#define BODY_MAX_DEPTH 32
#define BODY_MAX_NODES 10000

/*
 * Parses request->raw_body into request->body and collects what the schema does not allow in
 * request->body_problem. False, with a 400, when the bytes are no JSON that we read. Forms are left
 * to their operation.
 */
bool body_parse(struct request *request, enum media media, struct problem *problem);

/*
 * Fills request->idempotency_key (unquoted) and request->fingerprint where the operation has a use
 * for them; 400 when the key is missing and required, or is not 1–255 visible ASCII characters.
 */
bool body_identify(struct request *request, struct problem *problem);

/* Nesting within BODY_MAX_DEPTH and values within BODY_MAX_NODES, counted on the bytes before any
 * is parsed. */
bool body_is_bounded(struct slice bytes);

#endif
