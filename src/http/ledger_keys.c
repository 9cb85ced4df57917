/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in files: a key's name is its thumbprint (RFC 7638), so who knows the name knows the key. */
#include "ledger_keys.h"

#include <stdlib.h>
#include <string.h>

#include "http/jwk.h"
#include "http/jws.h"
#include "http/keys.h"

const struct statement ledger_keys_statement = {
	.name = "ledger_keys",
	.sql = "select kid, public_jwk from signing_keys",
	.types = "",
};

bool ledger_is_signed_by(const char *signature, const char *kid)
{
	size_t length = strlen(kid);

	return signature && strncmp(signature, kid, length) == 0 && signature[length] == '.';
}

void ledger_key_line(struct text *out, const struct rows *keys, size_t row)
{
	text_appendf(out, "{\"object\":\"signing_key\",\"kid\":\"%s\",\"jwk\":%s}\n",
		rows_cell(keys, row, 0, NULL), rows_cell(keys, row, 1, NULL));
}

static const struct file_key *find_key(const struct file_keys *keys, const char *kid, size_t length)
{
	for (size_t i = 0; i < keys->count; i++)
		if (strlen(keys->keys[i].kid) == length &&
			memcmp(keys->keys[i].kid, kid, length) == 0)
			return &keys->keys[i];
	return NULL;
}

bool file_keys_take(struct file_keys *keys, const json_t *line)
{
	const char *kid = line_text(line, "kid");
	struct file_key key = { "", jwk_public_key(json_object_get(line, "jwk")) };
	bool good =
		kid && key.pkey && key_thumbprint(key.pkey, key.kid) && strcmp(kid, key.kid) == 0;

	if (good && !find_key(keys, kid, strlen(kid)) && keys->count < FILE_KEYS_MAX)
		keys->keys[keys->count++] = key;
	else
		EVP_PKEY_free(key.pkey);
	return good;
}

const char *file_keys_signer(const struct file_keys *keys, const char *signature, struct slice text)
{
	const char *dot = signature ? strchr(signature, '.') : NULL;
	const struct file_key *key =
		dot ? find_key(keys, signature, (size_t)(dot - signature)) : NULL;

	return key && jws_signature_holds(
			      jws_own_alg(key->pkey), key->pkey, text, slice_of(dot + 1))
		       ? key->kid
		       : NULL;
}

void file_keys_release(struct file_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++)
		EVP_PKEY_free(keys->keys[i].pkey);
	keys->count = 0;
}

bool key_is_trusted(const json_t *trusted, const char *kid)
{
	const json_t *key;
	size_t index;

	if (!trusted)
		return true;
	json_array_foreach (json_object_get(trusted, "keys"), index, key) {
		const char *name = line_text(key, "kid");
		if (name && strcmp(name, kid) == 0)
			return true;
	}
	return false;
}

void ledger_link(unsigned char head[static LEDGER_DIGEST_BYTES],
	const unsigned char entry[static LEDGER_DIGEST_BYTES], int64_t seq)
{
	unsigned char bytes[2 * LEDGER_DIGEST_BYTES + 8];

	memcpy(bytes, head, LEDGER_DIGEST_BYTES);
	memcpy(bytes + LEDGER_DIGEST_BYTES, entry, LEDGER_DIGEST_BYTES);
	for (int i = 0; i < 8; i++)
		bytes[2 * LEDGER_DIGEST_BYTES + i] = (unsigned char)((uint64_t)seq >> (56 - 8 * i));
	SHA256(bytes, sizeof bytes, head);
}

enum file_end file_lines_read(FILE *file,
	bool (*take)(void *context, const json_t *line, const char *bytes, size_t length),
	void *context)
{
	char *bytes = NULL;
	size_t room = 0;
	ssize_t length;
	bool good = true;

	while (good && (length = getline(&bytes, &room, file)) >= 0) {
		json_t *line = json_loadb(bytes, (size_t)length, JSON_REJECT_DUPLICATES, NULL);
		good = take(context, json_is_object(line) ? line : NULL, bytes, (size_t)length);
		json_decref(line);
	}
	free(bytes);
	return !good ? FILE_REFUSED : ferror(file) ? FILE_UNREAD : FILE_WHOLE;
}
