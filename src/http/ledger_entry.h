/* SPDX-License-Identifier: Apache-2.0 */
/* One line of an export that is an entry, judged by itself: its members, and its own hashes. */
#ifndef PARTNERD_SRC_HTTP_LEDGER_ENTRY_H
#define PARTNERD_SRC_HTTP_LEDGER_ENTRY_H

#include <jansson.h>
#include <openssl/sha.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LEDGER_DIGEST_BYTES SHA256_DIGEST_LENGTH

/* A member as text or NULL; as integer or 0. */
const char *line_text(const json_t *line, const char *name);
int64_t line_number(const json_t *line, const char *name);

/* A SHA-256 in lower-case hexadecimal. */
bool line_digest(
	const json_t *line, const char *name, unsigned char out[static LEDGER_DIGEST_BYTES]);

/*
 * NULL when the entry is what its hashes say, else a sentence. What is missing (content, address)
 * is no fault here: whether it may be is for the reader of the chain to say.
 */
const char *entry_fault(const json_t *entry, const char *program_id,
	unsigned char ret_hash[static LEDGER_DIGEST_BYTES]);

bool entry_lacks_content(const json_t *entry);
bool entry_lacks_address(const json_t *entry);

#endif
