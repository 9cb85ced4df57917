/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords and random secrets for the resources that hand them out (users, api clients). Passwords
 * are argon2id (libsodium's own text format); random secrets have 256 bits and are therefore stored
 * as a plain SHA-256.
 */
#ifndef PARTNERD_HTTP_SECRETS_H
#define PARTNERD_HTTP_SECRETS_H

#include "base/arena.h"
#include "base/problem.h"

/* A prefix and 43 characters: the prefix says of what kind a secret is. */
#define SECRET_PREFIX_CLIENT     "pds_" /* of a machine client */
#define SECRET_PREFIX_REFRESH    "pdr_" /* refresh tokens of sessions */
#define SECRET_PREFIX_INVITATION "pdi_"
#define SECRET_PREFIX_RESET      "pdw_"
#define SECRET_PREFIX_FORM       "pdf_" /* of web forms: no secret, for all who read the page */

/* A new secret: `prefix` and 32 random bytes as base64url. */
const char *secret_make(const char *prefix, struct arena *arena);

/* The end of a secret, by which people recognise it among others. */
const char *secret_hint(const char *secret);

/* SHA-256 of the text as PostgreSQL reads a bytea: "\x" and 64 hex digits. */
const char *secret_hash(const char *secret, struct arena *arena);

/*
 * Hash of a password for users.password_hash. NULL and the problem set when it is above
 * PASSWORD_MAX_BYTES (validation_failed at #/password) or when too many hashes are being made at
 * once (`unavailable` with Retry-After). Takes tens of milliseconds and megabytes by design.
 */
#define PASSWORD_MAX_BYTES 1024
const char *password_hash(const char *password, struct arena *arena, struct problem *problem);

/*
 * What speaks against this password for a person of this program: a sentence, or NULL. Asked
 * wherever a password is set. Needs common_passwords_load (http/identity.h). The last three may be
 * NULL.
 */
const char *password_objection(const char *password, const char *email, const char *program_name,
	const char *program_slug);

#endif
