/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 6238 and the URI of authenticators. Nothing here keeps anything: that a code is taken once is
 * seen to by whoever stores the step. */
#include "http/totp.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGITS_MODULUS 1000000
#define SHA1_BYTES     20

/* RFC 4226 §5.3 */
void totp_code(const unsigned char seed[static TOTP_SEED_BYTES], int64_t step,
	char out[static TOTP_CODE_BYTES])
{
	unsigned char message[8];
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned length = 0;

	for (int i = 0; i < 8; i++)
		message[i] = (unsigned char)((uint64_t)step >> (56 - 8 * i));
	if (!HMAC(EVP_sha1(), seed, TOTP_SEED_BYTES, message, sizeof message, mac, &length) ||
		length != SHA1_BYTES)
		abort(); /* without SHA-1 nobody with a second factor could ever sign in */
	const unsigned char *at = mac + (mac[SHA1_BYTES - 1] & 0x0f);
	uint32_t number = (uint32_t)(at[0] & 0x7f) << 24 | (uint32_t)at[1] << 16 |
			  (uint32_t)at[2] << 8 | at[3];
	snprintf(out, TOTP_CODE_BYTES, "%06u", (unsigned)(number % DIGITS_MODULUS));
	sodium_memzero(mac, sizeof mac);
}

/* All three are compared, whichever fits. */
bool totp_match(const unsigned char seed[static TOTP_SEED_BYTES], const char *code, int64_t now_s,
	int64_t last_step, int64_t *ret_step)
{
	int64_t now = now_s / TOTP_STEP_S;
	bool is_found = false;
	char expected[TOTP_CODE_BYTES];

	if (strlen(code) != TOTP_CODE_BYTES - 1)
		return false;
	for (int64_t step = now - 1; step <= now + 1; step++) {
		totp_code(seed, step, expected);
		bool fits = sodium_memcmp(expected, code, TOTP_CODE_BYTES - 1) == 0;
		if (!fits || step <= last_step)
			continue;
		*ret_step = step;
		is_found = true;
	}
	sodium_memzero(expected, sizeof expected);
	return is_found;
}

const char *base32_text(const unsigned char *bytes, size_t length, struct arena *arena)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
	char *text = arena_alloc(arena, length * 8 / 5 + 2);
	char *out = text;
	unsigned held = 0;
	int bits = 0;

	for (size_t i = 0; i < length; i++) {
		held = (held << 8 | bytes[i]) & 0xfff;
		for (bits += 8; bits >= 5; bits -= 5)
			*out++ = alphabet[held >> (bits - 5) & 0x1f];
	}
	if (bits > 0)
		*out++ = alphabet[held << (5 - bits) & 0x1f];
	*out = '\0';
	return text;
}

/* RFC 3986: everything but unreserved characters is escaped. */
static void append_escaped(struct text *text, const char *value)
{
	static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					 "0123456789-._~";

	for (; *value; value++) {
		if (strchr(unreserved, *value))
			text_append_char(text, *value);
		else
			text_appendf(text, "%%%02X", (unsigned char)*value);
	}
}

const char *totp_uri(
	const char *secret, const char *issuer, const char *account, struct arena *arena)
{
	struct text uri = TEXT_INIT;

	text_append_string(&uri, "otpauth://totp/");
	append_escaped(&uri, issuer);
	text_append_char(&uri, ':');
	append_escaped(&uri, account);
	text_appendf(&uri, "?secret=%s&issuer=", secret);
	append_escaped(&uri, issuer);
	text_appendf(&uri, "&algorithm=SHA1&digits=%d&period=%d", TOTP_CODE_BYTES - 1, TOTP_STEP_S);
	const char *copy = arena_strndup(arena, uri.bytes, uri.length);
	text_release(&uri);
	return copy;
}
