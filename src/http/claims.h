/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the members of a token's header and claims: each is what it must be, or it is not there.
 */
#ifndef PARTNERD_SRC_HTTP_CLAIMS_H
#define PARTNERD_SRC_HTTP_CLAIMS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The member's text when it is a string of 1 … `most` bytes, else NULL. */
const char *claim_text(const json_t *object, const char *name, size_t most);
bool claim_is(const json_t *object, const char *name, const char *text);
/* The member is this text, or a list of nothing but strings with this text among them (aud). */
bool claim_names(const json_t *object, const char *name, const char *text);
/* Whole seconds only: a real or a string is not a time. */
bool claim_time(const json_t *object, const char *name, int64_t *ret_us);

/*
 * iat and exp are there, nbf if present is a time, and neither iat nor nbf is further ahead than
 * `skew_s`. Whether exp has passed is the caller's question, to be asked last.
 */
bool claims_in_time(const json_t *claims, int64_t now_us, int64_t skew_s, int64_t *ret_issued_us,
	int64_t *ret_expires_us);

#endif
