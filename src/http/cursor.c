/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page cursors: version, hash of sort and filters, the last row's key and id, and eight bytes of
 * HMAC over all of it and the program, in base64url. Opaque to clients, checked before anything of
 * it is used, bound to query and tenant.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "engines.h"

#define CURSOR_VERSION   1
#define CURSOR_MAC_BYTES 8
#define CURSOR_MAX_BYTES (1 + 8 + 36 + CURSOR_MAX_KEY_BYTES + CURSOR_MAC_BYTES)

static void cursor_mac(const struct request *request, const unsigned char *bytes, size_t length,
	unsigned char *ret_mac)
{
	unsigned char full[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_state state;
	crypto_auth_hmacsha256_init(&state, request->app->secret, sizeof request->app->secret);
	crypto_auth_hmacsha256_update(
		&state, (const unsigned char *)request->actor->program_id, 36);
	crypto_auth_hmacsha256_update(&state, bytes, length);
	crypto_auth_hmacsha256_final(&state, full);
	memcpy(ret_mac, full, CURSOR_MAC_BYTES);
}

const char *cursor_make(
	const struct request *request, uint64_t query_hash, const struct cursor *cursor)
{
	unsigned char bytes[CURSOR_MAX_BYTES];
	size_t key_length = strlen(cursor->key), length = 0;
	bytes[length++] = CURSOR_VERSION;
	memcpy(bytes + length, &query_hash, 8);
	length += 8;
	memcpy(bytes + length, cursor->id, 36);
	length += 36;
	if (key_length > CURSOR_MAX_KEY_BYTES)
		abort(); /* a list was given a sort by a column that may be longer */
	memcpy(bytes + length, cursor->key, key_length);
	length += key_length;
	cursor_mac(request, bytes, length, bytes + length);
	length += CURSOR_MAC_BYTES;
	char *text = arena_alloc(request->arena, BASE64URL_BYTES(length));
	base64url_encode(bytes, length, text);
	return text;
}

bool cursor_read(const struct request *request, const char *text, uint64_t query_hash,
	struct cursor *ret_cursor, struct problem *problem)
{
	static const char invalid[] = "Use next_cursor of the last page as it is.";
	unsigned char bytes[CURSOR_MAX_BYTES + 3], mac[CURSOR_MAC_BYTES];
	size_t text_length = strlen(text), length;
	if (text_length >= BASE64URL_BYTES(CURSOR_MAX_BYTES) ||
		!base64url_decode(text, text_length, bytes, &length) ||
		length < 1 + 8 + 36 + CURSOR_MAC_BYTES || bytes[0] != CURSOR_VERSION)
		return problem_set(problem, PROBLEM_invalid_cursor, "%s", invalid);
	length -= CURSOR_MAC_BYTES;
	cursor_mac(request, bytes, length, mac);
	if (sodium_memcmp(mac, bytes + length, CURSOR_MAC_BYTES) != 0)
		return problem_set(problem, PROBLEM_invalid_cursor, "%s", invalid);
	if (memcmp(bytes + 1, &query_hash, 8) != 0)
		return problem_set(problem, PROBLEM_cursor_mismatch,
			"Keep filters and sort the same while you page, or start without a "
			"cursor.");
	ret_cursor->id = arena_strndup(request->arena, (const char *)bytes + 9, 36);
	ret_cursor->key = arena_strndup(request->arena, (const char *)bytes + 45, length - 45);
	return true;
}
