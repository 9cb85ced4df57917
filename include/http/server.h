/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The edge: sockets, the gate and the order of checks (api.md §1) around the engines. ulfius'
 * default endpoint is the one entrance; routing, query parsing and limits are ours (libraries.md
 * §1).
 */
#ifndef PARTNERD_HTTP_SERVER_H
#define PARTNERD_HTTP_SERVER_H

#include <stdbool.h>

#include "base/text.h"
#include "http/app.h"
#include "http/endpoint.h"
#include "http/request.h"
#include "http/response.h"

struct server;

/* Binds both ports (API and admin) and serves at once. NULL and a sentence in `reterr` when a port
 * cannot be had. */
struct server *server_start(struct app *app, struct text *reterr);
/* The admin port alone, for `partnerd work`. */
struct server *server_start_admin(struct app *app, struct text *reterr);
int server_port(const struct server *server);
int server_admin_port(const struct server *server);

/*
 * Stops accepting, answers what is in flight (Connection: close), waits up to drain_timeout_ms,
 * closes everything. Returns the number of requests that were cut off.
 */
int server_stop(struct server *server);

/* ---- what the edge calls ---- */

/* auth.c: verifies the bearer token of a non-public operation and fills request->actor; 401
 * problems otherwise. */
bool auth_check(struct request *request, struct problem *problem);
/* auth.c: the operation's scopes against the actor's; 403 insufficient_scope with problem->scope
 * set. */
bool auth_scopes(const struct request *request, struct problem *problem);

/* engine.c: runs the endpoint bound to request->operation. False and `problem` set on refusal. */
bool engine_run(struct request *request, struct response *response, struct problem *problem);

/*
 * bindings.c: pairs the contract's operations with the rows of api/, reads the columns of their
 * shapes from the database and compares both with the contract; a sentence per fault in `reterr`.
 */
struct bindings *bindings_make(const struct contract *contract, struct db *db,
	const struct endpoint *const *groups, struct text *reterr);
struct bindings *bindings_free(struct bindings *bindings);
const struct endpoint *bindings_endpoint(
	const struct bindings *bindings, const struct operation *operation);

#endif
