/* SPDX-License-Identifier: Apache-2.0 */
/* What signing in, renewing and ending sessions share. */
#ifndef PARTNERD_SRC_HTTP_SESSIONS_H
#define PARTNERD_SRC_HTTP_SESSIONS_H

#include "http/grants.h"

/* A person as the rows of the statements in auth.sql tell: role, partner, status, partner_status,
 * must_enrol: whose role asks for a second factor and has none gets no scopes until there is one.
 */
void person_fill(struct actor *actor, const struct rows *rows, const char *id_column);
/* A suspended partner's people may sign in and read; a terminated one's may not. */
bool person_may_sign_in(const struct rows *rows);

/* SHA-256 of a token as 64 hex digits: what the statements compare. */
const char *token_hash_hex(const struct request *request, const char *token);

/* The present life of a session that is used now: what is left until its end, or until it has
 * rested too long. */
int64_t session_life_s(const struct settings *settings, int64_t left_s);

/* What User-Agent says, fit to be stored; NULL when it says nothing or no text. */
const char *session_user_agent(const struct request *request);

/* Adds an audit entry about a session of `actor`, or about all of them when it names none. */
void session_audit(struct db_batch *batch, const struct request *request, const struct actor *actor,
	const char *action);

/* Ends the session of `actor`, and its access tokens everywhere; `action` is for the ledger. */
bool session_end(struct request *request, const struct actor *actor, const char *reason,
	const char *action, struct problem *problem);

#endif
