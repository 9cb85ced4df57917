/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One request on its way through the gate and the engines. Everything hangs on one arena and is
 * released with it after the answer has been handed to the HTTP library. Members are filled from
 * top to bottom; a stage reads only what stands above its own.
 */
#ifndef PARTNERD_HTTP_REQUEST_H
#define PARTNERD_HTTP_REQUEST_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/problem.h"
#include "base/text.h"
#include "base/uuid.h"
#include "contract/contract.h"
#include "domain/access.h"
#include "domain/client.h"

struct app;

/* The principal of a verified token. */
struct actor {
	bool is_user;      /* else a machine client */
	bool is_system;    /* else: the server itself, for the program */
	bool is_enrolling; /* must set up a second factor before anything else, and has no scopes */
	char id[UUID_TEXT_BYTES]; /* of the user or the client */
	char program_id[UUID_TEXT_BYTES];
	char partner_id[UUID_TEXT_BYTES]; /* empty for the vendor's side */
	char client_id[UUID_TEXT_BYTES];  /* machine client, empty for users */
	char session_id[UUID_TEXT_BYTES]; /* refresh family, empty for clients */
	char token_id[UUID_TEXT_BYTES];   /* jti of a token of ours, else empty */
	/* The terms under which the token was given: of clients, narrower ones have another id; of
	 * people, their role; of identity providers, whom it stands for. */
	char grant_id[UUID_TEXT_BYTES];
	struct network networks[CLIENT_MAX_NETWORKS]; /* clients: where it may come from */
	size_t network_count;                         /* 0: everywhere */
	enum role role;                               /* users only */
	scope_set scopes;
	int64_t issued_at_us;
	int64_t expires_at_us;
};

/* NULL for the vendor's side: what goes into db_batch.partner_id. */
const char *actor_partner(const struct actor *actor);
enum side actor_side(const struct actor *actor);

/* One query parameter that the contract knows; values in order of appearance, already
 * percent-decoded UTF-8. */
struct query_value {
	const struct parameter *parameter;
	const char **values;
	size_t count;
};

struct request {
	/* server.c */
	struct app *app;
	struct arena *arena;
	char id[UUID_TEXT_BYTES];
	int64_t started_us; /* monotonic */
	const char *method_text;
	enum http_method method;
	const char *target;  /* raw, with query */
	const char *address; /* of the peer, or of the client behind a trusted proxy */
	void *connection;    /* the HTTP library's; only src/http/server.c and gate.c look inside */
	struct slice raw_body;
	/* gate.c, router.c */
	struct slice path;
	struct slice raw_query;
	const char *origin;      /* echoed CORS origin, or NULL */
	const char *traceparent; /* valid, or NULL */
	const struct operation *operation;
	const char *path_ids[OPERATION_MAX_PATH_IDS]; /* lower-case UUID text, or the raw segment
							 for others */
	/* auth.c */
	const struct actor *actor; /* NULL on public operations */
	bool is_by_cookie;         /* the token came in a cookie */
	/* query.c, body.c */
	struct query_value *query;
	size_t query_count;
	json_t *body;         /* NULL when absent */
	const char *if_match; /* raw header or NULL */
	const char *if_none_match;
	const char *idempotency_key; /* unquoted, or NULL */
	char fingerprint[65];        /* SHA-256 hex of method, path, sorted query, raw body */
	bool dry_run;
	bool is_traced;       /* a dry run that was rationed: what it tells of others is kept */
	const char *open_ids; /* what the question of the shape was answered (offers.c), or NULL */
	/* Field violations of the body. Reported by the engine after 404, 428 and 412 (api.md §1,
	 * order of checks). */
	struct problem body_problem;
};

/* First value of a parameter, its default, or NULL. */
const char *request_query(const struct request *request, const char *name);
/* Header value by name, case-insensitive; NULL when absent. Repeated headers were refused or joined
 * by the gate. */
const char *request_header(const struct request *request, const char *name);

#endif
