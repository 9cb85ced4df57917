/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens whose signature and claims were found good, by the SHA-256 of their text. Room is fixed
 * and taken once; an entry is as good as the caller's checks on every hit: time, keys generation,
 * revocations generation.
 */
#ifndef PARTNERD_SRC_HTTP_TOKEN_CACHE_H
#define PARTNERD_SRC_HTTP_TOKEN_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "http/request.h"

#define TOKEN_DIGEST_BYTES 32

struct token_cache;

struct token_entry {
	struct actor actor;
	int64_t good_until_us;          /* end of the token or of its key, whichever is first */
	uint64_t keys_generation;       /* of the key set it was verified with */
	uint64_t revocation_generation; /* of the revocations it was last compared with */
};

struct token_cache *token_cache_make(void);
struct token_cache *token_cache_free(struct token_cache *cache);

/* SHA-256 without an allocation per call. */
void token_digest(
	const char *token, size_t length, unsigned char ret_digest[static TOKEN_DIGEST_BYTES]);

bool token_cache_find(struct token_cache *cache,
	const unsigned char digest[static TOKEN_DIGEST_BYTES], struct token_entry *ret_entry);
/* Inserts or replaces; the entry of its set that is over, else the one used longest ago, makes
 * room. */
void token_cache_put(struct token_cache *cache,
	const unsigned char digest[static TOKEN_DIGEST_BYTES], const struct token_entry *entry,
	int64_t now_us);

#endif
