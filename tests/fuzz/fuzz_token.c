/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bearer tokens. The input is judged as it is, and as header and claims of a token that we signed,
 * so that the fuzzer gets past the signature. Nothing may crash, and no token without one of our
 * signatures may be good.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "http/tokens.h"

#define NOW_US (INT64_C(1800000000) * CLOCK_SECOND_US)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct keys *keys;
static struct tokens *tokens;

static void prepare(void)
{
	struct arena *arena = arena_new();
	struct text fault = TEXT_INIT;
	struct key_record record;

	if (!key_generate(JWS_RS256, arena, &record))
		abort();
	record.state = "active";
	keys = keys_make();
	if (!keys_install(keys, &record, 1, &fault))
		abort();
	tokens = tokens_make(keys, "https://api.example.test", 600);
	arena_free(arena);
}

static void append(struct text *text, const void *bytes, size_t length)
{
	text_reserve(text, BASE64URL_BYTES(length));
	text->length += base64url_encode(bytes, length, text->bytes + text->length);
}

/* The input as claims under a good header, signed by us. */
static void judge_signed(const uint8_t *data, size_t size)
{
	struct key *key = keys_signer(keys);
	struct text header = TEXT_INIT;
	struct text token = TEXT_INIT;
	struct actor actor;
	unsigned char signature[512];
	size_t length = sizeof signature;
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	text_appendf(&header, "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}", key->kid);
	append(&token, header.bytes, header.length);
	text_append_char(&token, '.');
	append(&token, data, size);
	if (EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key->pkey) != 1 ||
		EVP_DigestSign(context, signature, &length, (const unsigned char *)token.bytes,
			token.length) != 1)
		abort();
	text_append_char(&token, '.');
	append(&token, signature, length);
	tokens_verify(tokens, token.bytes, token.length, NOW_US, &actor);
	EVP_MD_CTX_free(context);
	key_release(key);
	text_release(&header);
	text_release(&token);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct actor actor;

	if (!tokens)
		prepare();
	if (tokens_verify(tokens, (const char *)data, size, NOW_US, &actor) == TOKEN_OK)
		abort();
	if (size > 0 && size < 4096)
		judge_signed(data, size);
	return 0;
}
