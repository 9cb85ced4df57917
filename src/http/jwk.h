/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys as JSON (RFC 7517, RFC 7518 §6): our own, read back for old checkpoints, and those of
 * identity providers. */
#ifndef PARTNERD_SRC_HTTP_JWK_H
#define PARTNERD_SRC_HTTP_JWK_H

#include <jansson.h>
#include <openssl/evp.h>

/*
 * The public key, to be freed by the caller, or NULL: RSA of 2048 to 4096 bits, or a point on P-256
 * or P-384. Private members are not looked at.
 */
EVP_PKEY *jwk_public_key(const json_t *jwk);
/* The same from JSON text. */
EVP_PKEY *jwk_public_key_text(const char *text);

#endif
