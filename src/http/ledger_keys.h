/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What files with signed pieces of the audit chain have in common, on both sides: the lines that
 * carry the keys, the signatures by them, and the step from one place of the chain to the next.
 */
#ifndef PARTNERD_SRC_HTTP_LEDGER_KEYS_H
#define PARTNERD_SRC_HTTP_LEDGER_KEYS_H

#include <jansson.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/text.h"
#include "db/db.h"
#include "http/key_store.h"
#include "ledger_entry.h"

/* ---- writing ---- */

/* kid, public_jwk: every key there ever was. For the identity door. */
extern const struct statement ledger_keys_statement;

/* "<kid>.…" */
bool ledger_is_signed_by(const char *signature, const char *kid);

/* A row of ledger_keys_statement as a line. */
void ledger_key_line(struct text *out, const struct rows *keys, size_t row);

/* ---- reading ---- */

/* Where a file of lines of JSON ended. */
enum file_end { FILE_WHOLE, FILE_REFUSED, FILE_UNREAD };

/*
 * Hands each line to `take`: its object, NULL when the line is none, and its bytes. Goes on until
 * that returns false (FILE_REFUSED) or the file cannot be read (FILE_UNREAD).
 */
enum file_end file_lines_read(FILE *file,
	bool (*take)(void *context, const json_t *line, const char *bytes, size_t length),
	void *context);

#define FILE_KEYS_MAX 1000

struct file_keys {
	struct file_key {
		char kid[KEY_KID_BYTES];
		EVP_PKEY *pkey;
	} keys[FILE_KEYS_MAX];
	size_t count;
};

/* Takes a line that carries a key. False when the key is not the one that its name stands for. */
bool file_keys_take(struct file_keys *keys, const json_t *line);
/* The name of the key by which `signature` ("<kid>.<base64url>") signs `text`; NULL when none does.
 */
const char *file_keys_signer(
	const struct file_keys *keys, const char *signature, struct slice text);
void file_keys_release(struct file_keys *keys);

/* Whether the JWK set names the key; without a set every key is. */
bool key_is_trusted(const json_t *trusted, const char *kid);

/* From the hash of the chain before an entry to that behind it. */
void ledger_link(unsigned char head[static LEDGER_DIGEST_BYTES],
	const unsigned char entry[static LEDGER_DIGEST_BYTES], int64_t seq);

#endif
