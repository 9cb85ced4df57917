/* SPDX-License-Identifier: Apache-2.0 */
/* Cross-origin access for browsers: an exact list of origins, answered on every status, errors
 * included. */
#ifndef PARTNERD_SRC_HTTP_CORS_H
#define PARTNERD_SRC_HTTP_CORS_H

#include <stdbool.h>

#include "http/request.h"
#include "http/response.h"

struct cors;

/* `origins`: comma-separated, as in the settings. Never NULL. */
struct cors *cors_make(const char *origins);
struct cors *cors_free(struct cors *cors);

/* The origin as the list has it when it may call, else NULL. `origin` may be NULL. */
const char *cors_match(const struct cors *cors, const char *origin);

/* "*" for a web form, which any page may send, else NULL. */
const char *cors_match_form(const struct request *request);

/* Is this a preflight, the question of a browser before the real request? */
bool cors_is_preflight(const struct request *request);

/* The answer to a preflight: 204, with permissions when request->origin is one of ours. */
void cors_preflight(const struct request *request, struct response *response);

/* What lets a script read this answer. */
void cors_expose(const struct request *request, struct response *response);

#endif
