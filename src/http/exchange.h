/* SPDX-License-Identifier: Apache-2.0 */
/* One request and its answer, and the server around them. */
#ifndef PARTNERD_SRC_HTTP_EXCHANGE_H
#define PARTNERD_SRC_HTTP_EXCHANGE_H

#include <stdbool.h>

#include "http/app.h"
#include "http/cors.h"
#include "http/fields.h"
#include "http/limits.h"
#include "http/listener.h"
#include "http/metrics.h"
#include "http/proxies.h"
#include "http/request.h"
#include "http/request_log.h"
#include "http/uploads.h"
#include "http/watchdog.h"

struct server {
	struct app *app;
	struct cors *cors;
	struct proxies proxies;
	struct watchdog *watchdog;
	struct lanes *lanes;
	struct uploads *uploads;
	struct request_log *request_log; /* NULL: none is kept */
	struct listener *api;
	_Atomic int running; /* requests inside exchange_entry */
	_Atomic bool
		is_closed; /* what arrives from now on is refused: nobody waits for its answer */
	struct listener *admin;
	bool owns_limits, owns_metrics;
	/* Operations with a rule of their own; NULL when the contract has them not. */
	const struct operation *livez, *readyz;
	const struct operation *introspect;
	const char *transport_security; /* value of Strict-Transport-Security, or NULL */
};

/* What hangs on request->connection. */
struct exchange {
	struct server *server;
	struct MHD_Connection *connection;
	struct fields fields;
	bool is_http10;
	bool must_close;                    /* nothing more may be read from this connection */
	unsigned allowed_methods;           /* of the path, for Allow */
	struct budget budget;               /* the last one asked; quota 0: none */
	const struct upload_intake *intake; /* what became of a body that came in pieces */
};

/* ulfius' default endpoint of the API port; `context` is the server. */
int exchange_entry(const struct _u_request *call, struct _u_response *out, void *context);

/* Is the operation one that may only run on a lane (endpoint.h, is_slow)? */
bool exchange_is_slow(const struct _u_request *call, void *context);

/* Fills both with what the head of the request says. */
void exchange_open(struct exchange *exchange, struct request *request,
	const struct _u_request *call, struct server *server, struct arena *arena);

/* ---- checks.c ---- */

/* Who sends this and may they: the checks before the first byte of a body is kept. The rest follows
 * when all of it is there. */
bool checks_may_upload(struct exchange *exchange, struct request *request, struct problem *problem);
/* Takes from the budgets of the address and the caller. An upload costs twice, when it begins and
 * when it is answered, so that one that is never ended has cost something. */
bool checks_has_budget(struct exchange *exchange, struct request *request, struct problem *problem);

/* All checks in their order (api.md §1), then the engine. False and `problem` set on refusal. */
bool checks_run(struct exchange *exchange, struct request *request, struct response *response,
	struct problem *problem);

/* ---- headers.c ---- */

/* Puts status, header fields and body into ulfius' answer; the body changes hands. */
void headers_emit(const struct exchange *exchange, const struct request *request,
	struct response *response, struct _u_response *out);

#endif
