/* SPDX-License-Identifier: Apache-2.0 */
/* The admin port: /metrics, /livez, /readyz, for those who run the server and nobody else. */
#ifndef PARTNERD_SRC_HTTP_ADMIN_H
#define PARTNERD_SRC_HTTP_ADMIN_H

#include "http/exchange.h"

/* Starts the port and registers the gauges of the edge. NULL and a sentence in `reterr` on failure.
 */
struct listener *admin_start(struct server *server, struct text *reterr);

#endif
