/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The audit chain outside of the database: written line by line (NDJSON) while it is read, and
 * verified from the file alone, in memory that does not grow with it. README.md describes the
 * format for those who verify with tools of their own.
 */
#ifndef PARTNERD_HTTP_LEDGER_FILE_H
#define PARTNERD_HTTP_LEDGER_FILE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/problem.h"
#include "base/text.h"
#include "http/app.h"
#include "http/identity.h"
#include "http/ledger.h"

#define LEDGER_FORMAT 1

/* ---- export ---- */

/*
 * Appends the entries behind sequence number `after`, `limit` at most, each checkpoint behind the
 * entry it signs, and before them the keys these checkpoints were signed with. What begins at 0
 * begins with a header; what reaches the head ends with a line that signs it. The parts of a chain
 * put together are its export. `ret_next` is where the next part begins, -1 when there is none.
 */
bool ledger_export(struct db *db, struct keys *keys, const char *program_id, int64_t after,
	int64_t limit, struct text *out, int64_t *ret_next, struct problem *problem);

/* ---- verification ---- */

struct ledger_file_report {
	struct ledger_report report;
	int64_t erased;     /* entries with something missing that an erasure covers */
	int64_t line;       /* of the fault, or the last */
	int64_t head_seq;   /* as far as the chain was followed */
	char head_hash[65]; /* hex */
	char program_id[UUID_TEXT_BYTES];
	char signer[KEY_KID_BYTES]; /* of the last line; empty when the file does not reach it */
};

/* A place of the chain that somebody noted earlier: history before it cannot be rewritten, not even
 * by who holds the keys. */
struct ledger_known {
	int64_t seq; /* 0: none */
	const char *hash;
};

/*
 * Reads to the end or to the first fault. `trusted` is a JWKS the last line's key must be one of,
 * or NULL: then whoever reads the report has to know the signer. What the report points to is on
 * the arena.
 */
void ledger_file_verify(FILE *file, const json_t *trusted, const struct ledger_known *known,
	struct arena *arena, struct ledger_file_report *ret_report);

#endif
