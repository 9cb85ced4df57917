/* SPDX-License-Identifier: Apache-2.0 */
/* The query against the operation's parameters. */
#ifndef PARTNERD_SRC_HTTP_QUERY_H
#define PARTNERD_SRC_HTTP_QUERY_H

#include <stdbool.h>

#include "http/request.h"

#define QUERY_MAX_VALUES 50 /* of one repeated parameter */

/*
 * Reads request->raw_query into request->query and request->dry_run. 400 for what the operation
 * does not know (unknown_parameter, with the nearest name), for bad encoding (invalid_encoding) and
 * for everything else that is wrong (invalid_parameter, all of it in errors[]).
 */
bool query_parse(struct request *request, struct problem *problem);

#endif
