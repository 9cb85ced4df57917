/* SPDX-License-Identifier: Apache-2.0 */
/* What a running server holds: wired once by src/main.c, read by every request, closed in reverse
 * order. */
#ifndef PARTNERD_HTTP_APP_H
#define PARTNERD_HTTP_APP_H

#include "base/settings.h"
#include "base/vault.h"
#include "contract/contract.h"
#include "db/db.h"
#include "http/endpoint.h"

struct keys;     /* src/http/keys.c: signing keys and JWKS */
struct tokens;   /* src/http/tokens.c: mint, verify, cache, revocation */
struct external; /* src/http/external.c: tokens of identity providers */
struct limits;   /* src/http/limits.c: rate limits */
struct metrics;  /* src/http/metrics.c */
struct bindings; /* src/http/bindings.c: operation index → endpoint */

struct app {
	const struct settings *settings;
	struct contract *contract;
	struct db *db;
	struct db *side_db; /* a few connections for what must not wait for requests */
	struct bindings *bindings;
	struct keys *keys;
	struct tokens *tokens;
	struct external *external;
	struct limits *limits;
	struct metrics *metrics;
	struct vault *vault;      /* secrets at rest */
	const char *issuer;       /* public URL without a trailing slash */
	unsigned char secret[32]; /* cursors, refresh tokens */
	_Atomic bool draining;    /* readyz answers 503, answers carry Connection: close */
	_Atomic bool database_ready;
};

#endif
