/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of signing keys, for servers and operators. A key is announced (state next: published,
 * so that whoever verifies our tokens can learn of it), signs (active, always exactly one), is kept
 * for what it signed (retiring, until an instant), and is retired: its private half is gone, and
 * its public half stays for the checkpoints it signed. Private halves are sealed in the database.
 */
#ifndef PARTNERD_HTTP_KEY_STORE_H
#define PARTNERD_HTTP_KEY_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/settings.h"
#include "base/text.h"
#include "base/vault.h"
#include "db/db.h"

#define KEY_KID_BYTES  44  /* RFC 7638 thumbprint: SHA-256 as base64url, and a NUL */
#define KEYS_MAX       16  /* announced, active and retiring together */
#define KEY_ANNOUNCE_S 300 /* how long others may keep what we publish without asking again */

/*
 * Makes the first active and next key where there is none, and seals what is clear or was sealed
 * with the previous encryption key. Instances that start at once make one pair. `alg`, here and
 * below, is that of new keys: the setting signing_alg.
 */
bool keys_ensure(struct db *db, const struct vault *vault, const char *alg, struct text *reterr);

/* Announces another key. */
bool keys_create(struct db *db, const struct vault *vault, const char *alg,
	char ret_kid[static KEY_KID_BYTES], struct text *reterr);

/*
 * The announced key signs from now on; the active one is kept for `overlap_s`. Refused for a key
 * that was announced less than KEY_ANNOUNCE_S ago, unless `at_once`.
 */
bool keys_activate(
	struct db *db, const char *kid, int64_t overlap_s, bool at_once, struct text *reterr);

/*
 * The key is out: tokens it signed are refused. If it was the active one the announced key that has
 * waited longest takes over. Refused while tokens of it may be about, unless `at_once`.
 * `ret_active` is the key that signs now.
 */
bool keys_retire(struct db *db, const struct vault *vault, const char *alg, const char *kid,
	bool at_once, char ret_active[static KEY_KID_BYTES], struct text *reterr);

struct key_rotation {
	char active_kid[KEY_KID_BYTES];
	char next_kid[KEY_KID_BYTES];
};

/* Activates the announced key that has waited longest and announces another, in one step. */
bool keys_rotate(struct db *db, const struct vault *vault, const char *alg, int64_t overlap_s,
	bool at_once, struct key_rotation *ret_rotation, struct text *reterr);

/* How long a key must stay good after it signed its last token. */
int64_t keys_overlap_s(const struct settings *settings);

/* All keys without their private half, newest first: columns kid, alg, state, created_at,
 * activated_at, retired_at. */
const struct rows *keys_list(struct db *db, struct arena *arena, struct text *reterr);

#endif
