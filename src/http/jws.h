/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Web Signatures in compact form (RFC 7515), as far as tokens and checkpoints need them:
 * signatures by RS256, RS384, RS512, ES256 and ES384 (RFC 7518 §3.3, §3.4), strict base64url,
 * strict JSON. Which algorithm is right is always the caller's knowledge of the key, never the
 * token's word (RFC 8725 §3.1).
 */
#ifndef PARTNERD_SRC_HTTP_JWS_H
#define PARTNERD_SRC_HTTP_JWS_H

#include <jansson.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"

#define JWS_MAX_BYTES 8192 /* of a whole token; longer ones are refused unread */

enum jws_alg { JWS_RS256, JWS_RS384, JWS_RS512, JWS_ES256, JWS_ES384 };

const char *jws_alg_text(enum jws_alg alg);
/* Exact spelling; "none", HS256 and their like are no algorithms here. */
bool jws_alg_parse(const char *text, enum jws_alg *ret_alg);
/* The one by which we sign with a key of our own: ES256 for P-256, else RS256. */
enum jws_alg jws_own_alg(const EVP_PKEY *key);
/* Whether this is an algorithm for this key: RS* for RSA, ES256 for P-256, ES384 for P-384. */
bool jws_alg_fits(enum jws_alg alg, const EVP_PKEY *key);

/* The three segments, still encoded; `input` is what the signature covers. */
struct jws {
	struct slice header;
	struct slice payload;
	struct slice signature;
	struct slice input;
};

/* Exactly three segments that are not empty, JWS_MAX_BYTES at most. Their alphabet is the decoder's
 * business. */
bool jws_split(const char *token, size_t length, struct jws *ret_jws);

/* A segment that is a JSON object with unique members, or NULL. A new reference. */
json_t *jws_object(struct slice segment);

/* `signature` is base64url. False as well when the key is not one for this algorithm. */
bool jws_signature_holds(
	enum jws_alg alg, EVP_PKEY *key, struct slice input, struct slice signature);

/* Appends the base64url of a signature over `input`, which must not be a part of `out`. */
bool jws_signature_append(struct text *out, enum jws_alg alg, EVP_PKEY *key, struct slice input);

/* Header and claims are JSON texts. The token on the arena, or NULL when OpenSSL fails. */
const char *jws_sign(const char *header, const char *claims, enum jws_alg alg, EVP_PKEY *key,
	struct arena *arena);

#endif
