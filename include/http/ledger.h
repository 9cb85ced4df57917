/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit chain seen from C: checkpoints are signed with the key that also signs tokens, and
 * verification joins what SQL can see (hashes, links, numbers) with what it cannot (signatures).
 * Used by the API, the CLI and the sealer.
 */
#ifndef PARTNERD_HTTP_LEDGER_H
#define PARTNERD_HTTP_LEDGER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/problem.h"
#include "http/app.h"

/* What a checkpoint's signature covers: program, sequence number, hash of the chain there in hex.
 */
#define LEDGER_SIGNED_TEXT "partnerd checkpoint %s %lld %s"

struct ledger_report {
	bool is_valid;
	int64_t entries, sealed, unsealed, checkpoints;
	/* The earliest fault; kind is NULL when there is none. */
	int64_t fault_seq;       /* 0: not sealed */
	const char *fault_entry; /* NULL: no entry, a checkpoint */
	const char *fault_kind;
	const char *fault_detail;
};

/* Verifies the whole chain of a program. False when the database could not be asked. */
bool ledger_verify(struct db *db, const char *program_id, struct arena *arena,
	struct ledger_report *ret_report, struct problem *problem);

/* "<kid>.<base64url>" over a text; NULL when there is no key to sign with. */
const char *ledger_sign_text(struct keys *keys, struct arena *arena, const char *text);

/* "<kid>.<base64url>" over program, sequence and hash (hex); NULL when there is no key to sign
 * with. */
const char *ledger_sign(struct keys *keys, struct arena *arena, const char *program_id,
	const char *seq, const char *hash);

#endif
