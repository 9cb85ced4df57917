/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XChaCha20-Poly1305 of libsodium with a random nonce: nonces of 192 bits never collide by chance,
 * so no counter has to be kept between instances. A key is named by the start of a keyed hash of
 * its own, which tells nothing about it.
 */
#include "base/vault.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX      "v1."
#define NAME_DIGITS 8
#define HEAD_BYTES  (sizeof(PREFIX) - 1 + NAME_DIGITS + 1)
#define KEY_BYTES   crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define NONCE_BYTES crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_BYTES   crypto_aead_xchacha20poly1305_ietf_ABYTES
#define KEY_DIGITS  (2 * KEY_BYTES)
#define KEYS_MAX    2

struct vault_key {
	unsigned char bytes[KEY_BYTES];
	char name[NAME_DIGITS + 1];
};

/* The first key seals, all of them open. */
struct vault {
	struct vault_key keys[KEYS_MAX];
	size_t count;
};

struct wiped {
	unsigned char *bytes;
	size_t length;
};

static void name_key(struct vault_key *key)
{
	static const unsigned char label[] = "partnerd vault key name";
	unsigned char digest[crypto_generichash_BYTES];

	crypto_generichash(digest, sizeof digest, label, sizeof label - 1, key->bytes, KEY_BYTES);
	hex_encode(digest, NAME_DIGITS / 2, key->name);
}

static bool take_key(struct vault *vault, const char *digits, size_t length)
{
	struct vault_key *key = &vault->keys[vault->count];
	const char *end;
	size_t written;

	if (length != KEY_DIGITS ||
		sodium_hex2bin(key->bytes, KEY_BYTES, digits, length, NULL, &written, &end) != 0 ||
		written != KEY_BYTES || end != digits + length)
		return false;
	name_key(key);
	vault->count++;
	return true;
}

/* The file holds the digits and nothing else but white space at its end. */
static bool read_key_file(struct vault *vault, const char *path, struct text *reterr)
{
	char digits[KEY_DIGITS + 64];
	FILE *stream = fopen(path, "re");

	if (!stream) {
		text_appendf(reterr, "encryption_key_file %s cannot be read: %s", path,
			strerrordesc_np(errno));
		return false;
	}
	size_t length = fread(digits, 1, sizeof digits, stream);
	fclose(stream);
	while (length > 0 && strchr(" \t\r\n", digits[length - 1]))
		length--;
	bool done = take_key(vault, digits, length);
	sodium_memzero(digits, sizeof digits);
	if (!done)
		text_appendf(reterr,
			"encryption_key_file %s must hold 64 hexadecimal digits and nothing else",
			path);
	return done;
}

static bool take_present(struct vault *vault, const struct settings *settings, struct text *reterr)
{
	if (*settings->encryption_key && *settings->encryption_key_file) {
		text_append_string(reterr, "set encryption_key or encryption_key_file, not both");
		return false;
	}
	if (*settings->encryption_key_file)
		return read_key_file(vault, settings->encryption_key_file, reterr);
	if (take_key(vault, settings->encryption_key, strlen(settings->encryption_key)))
		return true;
	text_append_string(reterr,
		"no key for secrets at rest: put 64 random hexadecimal digits (openssl rand -hex "
		"32) into encryption_key or into the file that encryption_key_file names");
	return false;
}

struct vault *vault_open(const struct settings *settings, struct text *reterr)
{
	struct vault *vault = sodium_init() < 0 ? NULL : sodium_malloc(sizeof *vault);

	if (!vault)
		abort();
	memset(vault, 0, sizeof *vault);
	if (!take_present(vault, settings, reterr))
		return vault_free(vault);
	take_key(vault, settings->encryption_key_previous,
		strlen(settings->encryption_key_previous));
	sodium_mprotect_readonly(vault);
	return vault;
}

struct vault *vault_free(struct vault *vault)
{
	sodium_free(vault);
	return NULL;
}

static void wipe(void *value)
{
	const struct wiped *wiped = value;

	sodium_memzero(wiped->bytes, wiped->length);
}

static unsigned char *wiped_bytes(struct arena *arena, size_t length)
{
	struct wiped *wiped = arena_alloc(arena, sizeof *wiped);

	wiped->bytes = arena_zalloc(arena, length);
	wiped->length = length;
	arena_defer(arena, wipe, wiped);
	return wiped->bytes;
}

const char *vault_seal(const struct vault *vault, const char *purpose, const char *bytes,
	size_t length, struct arena *arena)
{
	const struct vault_key *key = &vault->keys[0];
	size_t box_length = NONCE_BYTES + length + TAG_BYTES;
	unsigned char *box = arena_alloc(arena, box_length);
	char *sealed = arena_alloc(arena, HEAD_BYTES + BASE64URL_BYTES(box_length));

	randombytes_buf(box, NONCE_BYTES);
	crypto_aead_xchacha20poly1305_ietf_encrypt(box + NONCE_BYTES, NULL,
		(const unsigned char *)bytes, length, (const unsigned char *)purpose,
		strlen(purpose), NULL, box, key->bytes);
	snprintf(sealed, HEAD_BYTES + 1, PREFIX "%s.", key->name);
	base64url_encode(box, box_length, sealed + HEAD_BYTES);
	return sealed;
}

static const struct vault_key *key_of(const struct vault *vault, const char *sealed)
{
	if (strlen(sealed) <= HEAD_BYTES || strncmp(sealed, PREFIX, sizeof(PREFIX) - 1) != 0 ||
		sealed[HEAD_BYTES - 1] != '.')
		return NULL;
	for (size_t i = 0; i < vault->count; i++)
		if (strncmp(sealed + sizeof(PREFIX) - 1, vault->keys[i].name, NAME_DIGITS) == 0)
			return &vault->keys[i];
	return NULL;
}

bool vault_unseal(const struct vault *vault, const char *purpose, const char *sealed,
	struct arena *arena, struct slice *ret_bytes)
{
	const struct vault_key *key = key_of(vault, sealed);
	size_t length = strlen(sealed);
	size_t box_length;

	if (!key)
		return false;
	unsigned char *box = arena_alloc(arena, length);
	if (!base64url_decode(sealed + HEAD_BYTES, length - HEAD_BYTES, box, &box_length) ||
		box_length < NONCE_BYTES + TAG_BYTES)
		return false;
	size_t plain_length = box_length - NONCE_BYTES - TAG_BYTES;
	unsigned char *plain = wiped_bytes(arena, plain_length + 1);
	if (crypto_aead_xchacha20poly1305_ietf_decrypt(plain, NULL, NULL, box + NONCE_BYTES,
		    box_length - NONCE_BYTES, (const unsigned char *)purpose, strlen(purpose), box,
		    key->bytes) != 0)
		return false;
	*ret_bytes = (struct slice){ (const char *)plain, plain_length };
	return true;
}

bool vault_is_current(const struct vault *vault, const char *sealed)
{
	return key_of(vault, sealed) == &vault->keys[0];
}
