/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts a bundle together: the lines come finished from the statement dispute_bundle_lines; what is
 * added here is what SQL cannot, the keys behind the signatures and a signature over the whole.
 */
#include "http/dispute_bundle.h"

#include <openssl/sha.h>
#include <string.h>

#include "http/ledger.h"
#include "ledger_keys.h"

struct making {
	struct arena *arena;
	const struct rows *lines; /* line, signature */
	const struct rows *keys;
	struct text text;
	int64_t count;
};

static bool read_lines(struct making *making, struct db *db, const char *program_id,
	const char *dispute_id, const char *audience, struct problem *problem)
{
	struct db_batch batch = {
		.arena = making->arena, .door = DOOR_PROGRAM, .program_id = program_id
	};
	struct db_batch identity = { .arena = making->arena, .door = DOOR_IDENTITY };
	struct db_call *lines = db_add(&batch, statement_find("dispute_bundle_lines"));
	const struct db_call *keys = db_add(&identity, &ledger_keys_statement);

	lines->params[0] = program_id;
	lines->params[2] = dispute_id;
	lines->params[3] = arena_printf(making->arena, "{\"audience\":\"%s\"}", audience);
	/* The keys last: whoever signed a checkpoint that was read is among them. */
	if (db_run(db, &batch, problem) != DB_NONE || db_run(db, &identity, problem) != DB_NONE)
		return false;
	making->lines = lines->rows;
	making->keys = keys->rows;
	return rows_count(lines->rows) > 0 ||
	       problem_set(problem, PROBLEM_internal, "there is nothing to put into a bundle");
}

static void add_line(struct making *making, size_t row)
{
	text_append_string(&making->text, rows_cell(making->lines, row, 0, NULL));
	text_append_char(&making->text, '\n');
	making->count++;
}

/* The keys of the checkpoints, and the one that signs the whole. */
static void add_keys(struct making *making, const char *signer)
{
	for (size_t key = 0; key < rows_count(making->keys); key++) {
		const char *kid = rows_cell(making->keys, key, 0, NULL);
		bool is_used = ledger_is_signed_by(signer, kid);
		for (size_t row = 0; !is_used && row < rows_count(making->lines); row++)
			is_used = ledger_is_signed_by(rows_cell(making->lines, row, 1, NULL), kid);
		if (!is_used)
			continue;
		ledger_key_line(&making->text, making->keys, key);
		making->count++;
	}
}

static void digest_text(const struct text *text, char out[static 65])
{
	unsigned char digest[SHA256_DIGEST_LENGTH];

	SHA256((const unsigned char *)text->bytes, text->length, digest);
	hex_encode(digest, sizeof digest, out);
}

static const char *sign(struct making *making, struct keys *keys, const char *program_id,
	const char *dispute_id, const char *audience, const char *sha256)
{
	return ledger_sign_text(keys, making->arena,
		arena_printf(making->arena, DISPUTE_BUNDLE_SIGNED_TEXT, program_id, dispute_id,
			audience, (long long)making->count, sha256));
}

bool dispute_bundle_make(struct app *app, const char *program_id, const char *dispute_id,
	const char *audience, struct arena *arena, struct dispute_bundle *ret_bundle,
	struct problem *problem)
{
	struct making making = { .arena = arena, .text = TEXT_INIT };
	/* Who will sign: a key that is changed meanwhile makes this attempt fail, not the file. */
	const char *signer = ledger_sign_text(app->keys, arena, "");

	if (!read_lines(&making, app->db, program_id, dispute_id, audience, problem))
		return false;
	add_line(&making, 0);
	add_keys(&making, signer);
	for (size_t row = 1; row < rows_count(making.lines); row++)
		add_line(&making, row);
	digest_text(&making.text, ret_bundle->sha256);
	const char *signature =
		sign(&making, app->keys, program_id, dispute_id, audience, ret_bundle->sha256);
	bool good = signer && signature && strcspn(signer, ".") == strcspn(signature, ".") &&
		    strncmp(signer, signature, strcspn(signer, ".")) == 0;
	if (good) {
		text_appendf(&making.text,
			"{\"object\":\"dispute_bundle_end\",\"lines\":%lld,\"sha256\":\"%s\","
			"\"signature\":\"%s\"}\n",
			(long long)making.count, ret_bundle->sha256, signature);
		digest_text(&making.text, ret_bundle->sha256);
		ret_bundle->signed_by = arena_strndup(arena, signature, strcspn(signature, "."));
		ret_bundle->content = arena_strndup(arena, making.text.bytes, making.text.length);
	}
	text_release(&making.text);
	return good || problem_set(problem, PROBLEM_internal, "no key to sign a bundle with");
}
