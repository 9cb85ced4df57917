/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was known about a dispute when its evidence closed, as one file (NDJSON) for one audience:
 * the case, the deals in the order of their claims, evidence, notices, decisions, rules, and
 * the pieces of the audit chain that prove them. It is signed as a whole, and judged from the file
 * alone. README.md describes the format for those who verify with tools of their own.
 */
#ifndef PARTNERD_HTTP_DISPUTE_BUNDLE_H
#define PARTNERD_HTTP_DISPUTE_BUNDLE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/problem.h"
#include "base/uuid.h"
#include "http/app.h"
#include "http/key_store.h"

#define DISPUTE_BUNDLE_FORMAT      1
/* What the signature covers: program, dispute, audience, lines before the last, their SHA-256. */
#define DISPUTE_BUNDLE_SIGNED_TEXT "partnerd dispute bundle %s %s %s %lld %s"

struct dispute_bundle {
	const char *content; /* on the arena */
	const char *signed_by;
	char sha256[65]; /* of the whole file */
};

/* Makes the bundle for "vendor", "claimant" or "respondent" of a dispute whose evidence is closed
 * and sealed. */
bool dispute_bundle_make(struct app *app, const char *program_id, const char *dispute_id,
	const char *audience, struct arena *arena, struct dispute_bundle *ret_bundle,
	struct problem *problem);

/* ---- verification ---- */

struct dispute_file_report {
	bool is_valid;
	const char *fault_kind; /* NULL: no fault */
	const char *fault_detail;
	int64_t line; /* of the fault, or the last */
	int64_t entries, checkpoints, evidence;
	/* Places in the audit chain; 0: not in this file. */
	int64_t claimant_claimed, respondent_claimed;
	char program_id[UUID_TEXT_BYTES], dispute_id[UUID_TEXT_BYTES];
	const char *number, *audience;
	char signer[KEY_KID_BYTES]; /* of the last line; empty when the file does not reach it */
};

/* Reads to the end or to the first fault. `trusted` is a JWKS the last line's key must be one of,
 * or NULL: then whoever reads the report has to know the signer. */
void dispute_file_verify(FILE *file, const json_t *trusted, struct arena *arena,
	struct dispute_file_report *ret_report);

#endif
