/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access tokens (RFC 9068): mint, verify, remember what was verified, forget what was revoked. All
 * functions may be called from any thread.
 */
#ifndef PARTNERD_SRC_HTTP_TOKENS_H
#define PARTNERD_SRC_HTTP_TOKENS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "db/db.h"
#include "http/jws.h"
#include "http/keys.h"
#include "http/request.h"

#define TOKEN_MAX_BYTES   JWS_MAX_BYTES
#define TOKEN_CLIENT_USER "partnerd" /* client_id of the tokens of people */

/*
 * Clocks of two instances, or of an instance and the database, may differ by this much. A token
 * whose iat is up to this long after a revocation is therefore refused too: it may have been issued
 * before it.
 */
#define TOKEN_SKEW_S         60
/* Revocations are remembered this much longer than a token lives: such a token's later iat, and a
 * clock that runs ahead. */
#define TOKEN_REVOKE_EXTRA_S (2 * TOKEN_SKEW_S)

struct tokens;

/* `issuer` is iss and aud; a token lives `access_token_s` seconds. `keys` is borrowed. */
struct tokens *tokens_make(struct keys *keys, const char *issuer, int64_t access_token_s);
struct tokens *tokens_free(struct tokens *tokens);

/*
 * A token for `actor`, signed with the active key, on the arena: its issued_at_us is taken as iat;
 * expires_at_us, unless 0, is when it ends at the latest. NULL when there is no usable key.
 */
const char *tokens_mint(struct tokens *tokens, const struct actor *actor, struct arena *arena);
/* How long a token for `actor` lives. */
int64_t tokens_life_s(const struct tokens *tokens, const struct actor *actor);

enum token_verdict {
	TOKEN_OK,
	TOKEN_INVALID,
	TOKEN_EXPIRED,     /* nothing else is wrong with it */
	TOKEN_UNKNOWN_KEY, /* well-formed, but of a key this instance does not know: reload the keys
			      and ask again */
};

/* Judges a bearer token at `now_us`; fills ret_actor on TOKEN_OK only. */
enum token_verdict tokens_verify(struct tokens *tokens, const char *token, size_t length,
	int64_t now_us, struct actor *ret_actor);

/* ---- auth.c ---- */

/* tokens_verify, after a look for new keys when the token's is not known. */
enum token_verdict auth_verify(
	struct request *request, struct slice token, struct actor *ret_actor);

/* ---- revocation.c ---- */

struct revocations;
/* Remembers what was revoked within the last `window_us`. */
struct revocations *revocations_make(int64_t window_us);
struct revocations *revocations_free(struct revocations *revocations);
/* Grows with every change; a token found good under a number needs no second look under the same.
 */
uint64_t revocations_generation(struct revocations *revocations);
/* Whether the actor's token was issued before the actor or its session was revoked, or was revoked
 * itself. */
bool revocations_hit(struct revocations *revocations, const struct actor *actor);
void revocations_put(struct revocations *revocations, const char *principal_id, int64_t revoked_us);
/* Takes over rows of (id, microseconds), NULL for none, and forgets what is older than the window.
 */
void revocations_take(struct revocations *revocations, const struct rows *rows, int64_t now_us);
bool revocations_reload(struct revocations *revocations, struct db *db);

/*
 * Refuses at once, on this instance, the tokens of a user, a client or a session (family id) issued
 * until now, those of a client's grant, or one token (jti). The row in the table revocations, by
 * which the other instances learn of it, is the caller's.
 */
void revocation_add(struct tokens *tokens, const char *principal_id, int64_t revoked_us);

/* What revocations_generation and revocations_hit say of the tokens' own. */
uint64_t revocation_generation(struct tokens *tokens);
bool revocation_hits(struct tokens *tokens, const struct actor *actor);

/* Reads the table; called whenever the watcher wakes. On failure what is known stays. */
bool revocation_reload(struct tokens *tokens, struct db *db);

#endif
