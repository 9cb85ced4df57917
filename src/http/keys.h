/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys that sign access tokens, as this instance knows them. The set is replaced as a whole by
 * keys_reload; a key that was looked up stays good until it is released.
 */
#ifndef PARTNERD_SRC_HTTP_KEYS_H
#define PARTNERD_SRC_HTTP_KEYS_H

#include <jansson.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/settings.h"
#include "base/text.h"
#include "db/db.h"
#include "http/jws.h"
#include "http/key_store.h"

struct keys;

/* ---- one key ---- */

#define KEY_STATE_BYTES 10

/*
 * A parsed key. Shared and constant while anybody holds it; the count is our own and not OpenSSL's,
 * so that the thread sanitizer, which cannot look into libcrypto, can see who lets go last.
 */
struct key {
	char kid[KEY_KID_BYTES];
	char state[KEY_STATE_BYTES];
	int64_t retired_us;
	enum jws_alg alg; /* the one it is bound to */
	EVP_PKEY *pkey;
	json_t *jwk;
	_Atomic int holders;
};

/* A new key (RSA 2048 or P-256), or a key's text form as the table signing_keys holds it. */
struct key_record {
	const char *kid;
	const char *alg;
	const char *private_pem; /* NULL: what is known of this kid is kept */
	const char *public_jwk;  /* JSON text; public members only */
	const char *state;       /* next, active, retiring */
	int64_t retired_us;      /* retiring: good until then; 0 = no end */
};

/* Generates a key pair for RS256 or ES256; `state` is left to the caller. False only when OpenSSL
 * fails. */
bool key_generate(enum jws_alg alg, struct arena *arena, struct key_record *ret_record);

/* Thumbprint by RFC 7638 §3. */
bool key_thumbprint(const EVP_PKEY *key, char ret_kid[static KEY_KID_BYTES]);

/* ---- the set ---- */

struct keys *keys_make(void);
struct keys *keys_free(struct keys *keys);

/* Whether the set is just these, without regard to private halves. */
bool keys_equal(struct keys *keys, const struct key_record *records, size_t count);

/*
 * Replaces the set. A record that cannot be used (other alg, unreadable PEM, RSA below 2048 bits, a
 * kid that is not the thumbprint) is left out and named in `reterr`; false when no active key is
 * left, the old set then stays.
 */
bool keys_install(
	struct keys *keys, const struct key_record *records, size_t count, struct text *reterr);

/* The active key, or NULL. */
struct key *keys_signer(struct keys *keys);

/* The key of this kid if tokens signed with it are good at `now_us`, else NULL. */
struct key *keys_verifier(struct keys *keys, const char *kid, int64_t now_us);

/* Gives back what keys_signer or keys_verifier lent. NULL is accepted. */
void key_release(struct key *key);

/* Changes whenever the set does: what was verified under an older number is verified again. */
uint64_t keys_generation(struct keys *keys);

/*
 * One reader of the table at a time, from the query to keys_install: otherwise what was read first
 * could be installed last. For a token of an unknown key: waits for a reading that is under way,
 * but not for long; false when it gave up, and then nothing is held. `ret_is_turn` is true at most
 * once a second over all callers; only who gets it may read.
 */
void keys_reading_begin(struct keys *keys);
bool keys_reading_ask(struct keys *keys, bool *ret_is_turn);
void keys_reading_end(struct keys *keys);

/* {"keys": […]} of all keys of the set, the next one included. A new reference. */
json_t *keys_jwks(struct keys *keys);

/* Reads the table signing_keys into the set (key_store.c). Called at start and whenever the watcher
 * wakes. */
bool keys_reload(struct keys *keys, struct db *db, const struct vault *vault, struct text *reterr);

/* The same for a token of an unknown key, at most once a second; waits for a reload that is under
 * way. What cannot be read stays as it was. */
void keys_refresh(struct keys *keys, struct db *db, const struct vault *vault);

#endif
