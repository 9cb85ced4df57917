/* SPDX-License-Identifier: Apache-2.0 */
/* What sessions.c, machines.c and revoke.c share: statements at the identity door, clients that
 * authenticate, and the token at the end. */
#ifndef PARTNERD_SRC_HTTP_GRANTS_H
#define PARTNERD_SRC_HTTP_GRANTS_H

#include "db/db.h"
#include "http/identity.h"

/* A batch at the identity door; `program_id` NULL while the tenant is not known. */
struct db_batch grant_batch(const struct request *request, const char *program_id);

/* Adds a statement of sql/statements/auth.sql. */
struct db_call *grant_call(struct db_batch *batch, const char *name);

/* Text of a JSON value on the request's arena. Takes the reference. */
const char *grant_json(const struct request *request, json_t *value);

/*
 * Scopes for the token: all that the principal has, or the subset that `asked` names. False and
 * invalid_scope when that is more than it has.
 */
bool grant_scopes(const char *asked, scope_set has, scope_set *ret_scopes, struct refusal *refusal);

/*
 * The machine client that authenticates with id and secret (machines.c). Everything that is wrong
 * with it is invalid_client in the same words.
 */
bool grant_client(struct request *request, const struct oauth_request *oauth,
	struct actor *ret_actor, struct refusal *refusal, struct problem *problem);

/* Mints the access token of grant->actor. */
bool grant_finish(struct request *request, struct grant *grant, struct problem *problem);

/* Sets the refusal and returns false. */
bool grant_refuse(struct refusal *refusal, enum oauth_error error, const char *detail);

#endif
