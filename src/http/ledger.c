/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signs and verifies the audit chain. A checkpoint's signature is RSASSA-PKCS1-v1_5 with SHA-256
 * over one line of text; its key is looked up by kid among all keys ever used, retired ones
 * included, for a chain outlives its keys.
 */
#include "http/ledger.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "http/jwk.h"
#include "http/jws.h"
#include "keys.h"
#include "ledger_keys.h"

static const struct statement counts_statement = {
	.name = "ledger_counts",
	.sql = "select count(*) as entries, count(a.seq) as sealed, "
	       "(select count(*) from audit_checkpoints k where k.program_id = $1) as checkpoints "
	       "from audit_entries a where a.program_id = $1",
	.types = "u",
};

static const struct statement faults_statement = {
	.name = "ledger_faults",
	.sql = "select f.seq, f.entry_id, f.kind, f.detail from audit_faults() f limit 1",
	.types = "",
};

static const struct statement checkpoints_statement = {
	.name = "ledger_checkpoints",
	.sql = "select k.seq, encode(k.hash, 'hex') as hash, k.signature from audit_checkpoints k "
	       "where k.program_id = $1 order by k.seq",
	.types = "u",
};

static const char *signed_text(
	struct arena *arena, const char *program_id, const char *seq, const char *hash)
{
	return arena_printf(arena, LEDGER_SIGNED_TEXT, program_id, strtoll(seq, NULL, 10), hash);
}

const char *ledger_sign_text(struct keys *keys, struct arena *arena, const char *text)
{
	const char *signed_by = NULL;
	struct text signature = TEXT_INIT;
	struct key *key = keys_signer(keys);
	if (key != NULL && jws_signature_append(&signature, key->alg, key->pkey, slice_of(text)))
		signed_by = arena_printf(arena, "%s.%s", key->kid, signature.bytes);
	text_release(&signature);
	key_release(key);
	return signed_by;
}

const char *ledger_sign(struct keys *keys, struct arena *arena, const char *program_id,
	const char *seq, const char *hash)
{
	return ledger_sign_text(keys, arena, signed_text(arena, program_id, seq, hash));
}

/* Every key there is, parsed once for all checkpoints. */
struct key_ring {
	const struct rows *rows;
	EVP_PKEY **keys; /* by row; NULL for what is no key */
};

static struct key_ring key_ring_make(const struct rows *rows, struct arena *arena)
{
	size_t length, count = rows_count(rows);
	struct key_ring ring = { rows, arena_zalloc(arena, (count + 1) * sizeof(EVP_PKEY *)) };
	for (size_t i = 0; i < count; i++)
		/* The public half is all that is kept of a retired key. */
		ring.keys[i] = jwk_public_key_text(rows_cell(rows, i, 1, &length));
	return ring;
}

static void key_ring_release(struct key_ring *ring)
{
	for (size_t i = 0; i < rows_count(ring->rows); i++)
		EVP_PKEY_free(ring->keys[i]);
}

static EVP_PKEY *find_key(const struct key_ring *ring, const char *kid, size_t kid_length)
{
	size_t length;
	for (size_t i = 0; i < rows_count(ring->rows); i++) {
		const char *name = rows_cell(ring->rows, i, 0, &length);
		if (length == kid_length && memcmp(name, kid, length) == 0)
			return ring->keys[i];
	}
	return NULL;
}

static bool signature_holds(const struct key_ring *ring, const char *signature, const char *text)
{
	const char *dot = strchr(signature, '.');
	if (dot == NULL)
		return false;
	EVP_PKEY *key = find_key(ring, signature, (size_t)(dot - signature));
	return key != NULL &&
	       jws_signature_holds(jws_own_alg(key), key, slice_of(text), slice_of(dot + 1));
}

/* A forged checkpoint is a fault of its own, unless SQL has found an earlier one. */
static void check_signatures(const struct rows *checkpoints, const struct key_ring *ring,
	const char *program_id, struct arena *arena, struct ledger_report *report)
{
	size_t length;
	for (size_t i = 0; i < rows_count(checkpoints); i++) {
		const char *seq = rows_cell(checkpoints, i, 0, &length),
			   *hash = rows_cell(checkpoints, i, 1, &length);
		const char *signature = rows_cell(checkpoints, i, 2, &length);
		if (signature_holds(ring, signature, signed_text(arena, program_id, seq, hash)))
			continue;
		int64_t number = strtoll(seq, NULL, 10);
		if (report->fault_kind != NULL && report->fault_seq != 0 &&
			report->fault_seq <= number)
			return;
		report->is_valid = false;
		report->fault_seq = number;
		report->fault_entry = NULL;
		report->fault_kind = "checkpoint_forged";
		report->fault_detail = "The signature of this checkpoint does not hold.";
		return;
	}
}

static void take_fault(const struct rows *faults, struct ledger_report *report)
{
	report->is_valid = rows_count(faults) == 0;
	if (report->is_valid)
		return;
	report->fault_seq = rows_int(faults, "seq");
	report->fault_entry = rows_text(faults, "entry_id");
	report->fault_kind = rows_text(faults, "kind");
	report->fault_detail = rows_text(faults, "detail");
}

bool ledger_verify(struct db *db, const char *program_id, struct arena *arena,
	struct ledger_report *ret_report, struct problem *problem)
{
	struct db_batch batch = { .arena = arena, .door = DOOR_PROGRAM, .program_id = program_id };
	struct db_batch identity = { .arena = arena, .door = DOOR_IDENTITY };
	struct db_call *counts = db_add(&batch, &counts_statement),
		       *faults = db_add(&batch, &faults_statement);
	struct db_call *checkpoints = db_add(&batch, &checkpoints_statement);
	const struct db_call *keys = db_add(&identity, &ledger_keys_statement);
	counts->params[0] = program_id;
	checkpoints->params[0] = program_id;
	if (db_run(db, &batch, problem) != DB_NONE || db_run(db, &identity, problem) != DB_NONE)
		return false;
	*ret_report = (struct ledger_report){
		.entries = rows_int(counts->rows, "entries"),
		.sealed = rows_int(counts->rows, "sealed"),
		.checkpoints = rows_int(counts->rows, "checkpoints"),
	};
	ret_report->unsealed = ret_report->entries - ret_report->sealed;
	take_fault(faults->rows, ret_report);
	struct key_ring ring = key_ring_make(keys->rows, arena);
	check_signatures(checkpoints->rows, &ring, program_id, arena, ret_report);
	key_ring_release(&ring);
	return true;
}
