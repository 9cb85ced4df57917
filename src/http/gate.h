/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is decided about a request from its head alone, before anybody is asked who sends it: is it
 * HTTP that can mean only one thing, and which operation does it name.
 */
#ifndef PARTNERD_SRC_HTTP_GATE_H
#define PARTNERD_SRC_HTTP_GATE_H

#include <stdbool.h>

#include "base/problem.h"
#include "contract/contract.h"
#include "http/fields.h"
#include "http/request.h"

#define GATE_TARGET_BYTES (4 * 1024)
#define GATE_HEADER_BYTES (12 * 1024)

/* Exact names; "get" is not GET. */
enum http_method gate_method(const char *text);

/* "GET", "POST" …; NULL for METHOD_OTHER. */
const char *gate_method_text(enum http_method method);

/* 414 and 431. What does not even fit into the connection's memory was refused by the library. */
bool gate_sizes(const char *target, const struct fields *fields, struct problem *problem);

/*
 * Framing and names of the header fields. After a refusal nothing more may be read from the
 * connection: the library and a proxy before us may disagree on where the next request starts.
 */
bool gate_fields(const struct fields *fields, bool is_http10, struct problem *problem);

/* Splits the raw target; 400 for bytes and escapes that cannot be, 404 for paths in a form nobody
 * has. */
bool gate_target(const char *target, struct arena *arena, struct slice *ret_path,
	struct slice *ret_query, struct problem *problem);

/*
 * Finds the operation of request->method and request->path; 404, or 405 with the methods there are
 * in `ret_allowed`. OPTIONS finds none and is no refusal.
 */
bool gate_route(struct request *request, unsigned *ret_allowed, struct problem *problem);

/* The path's parameters against their schemas: what cannot be an id is not found. UUIDs become
 * lower-case. */
bool gate_path_ids(struct request *request, struct problem *problem);

#define GATE_ALLOW_BYTES 64
/* The value of Allow: "GET, HEAD, PATCH, OPTIONS". */
void gate_allow(unsigned allowed_methods, char out[static GATE_ALLOW_BYTES]);

#endif
