/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets at rest: what the server must be able to read again (signing keys, seeds of second
 * factors, mail that holds a token) is sealed with a key that is not in the database, so that a
 * copy of the database alone is worth nothing. What only needs to be recognised is hashed instead
 * (http/secrets.h).
 *
 * A sealed text names the key that sealed it; the key before the present one can still open, which
 * lets an operator change keys without a gap. `purpose` is bound into the seal: a text sealed for
 * one place ("signing key <kid>") does not open in another.
 */
#ifndef PARTNERD_BASE_VAULT_H
#define PARTNERD_BASE_VAULT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/settings.h"
#include "base/text.h"

struct vault;

/*
 * Takes encryption_key, or reads encryption_key_file, and encryption_key_previous. NULL and a
 * sentence in `reterr` when there is no key or it is not 64 hexadecimal digits. A NULL vault may be
 * freed. Opened vaults are read-only and may be shared by threads.
 */
struct vault *vault_open(const struct settings *settings, struct text *reterr);
struct vault *vault_free(struct vault *vault);

/* "v1.<key>.<nonce and ciphertext>" on the arena. Never fails; every call gives another text. */
const char *vault_seal(const struct vault *vault, const char *purpose, const char *bytes,
	size_t length, struct arena *arena);

/*
 * False when the text was sealed with another key, for another purpose, or was changed. The bytes
 * are on the arena with a NUL behind them, and are wiped when the arena is released.
 */
bool vault_unseal(const struct vault *vault, const char *purpose, const char *sealed,
	struct arena *arena, struct slice *ret_bytes);

/* Whether the text was sealed with the present key: what was not is sealed anew by its owner. */
bool vault_is_current(const struct vault *vault, const char *sealed);

#endif
