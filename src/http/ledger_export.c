/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the chain for readers who have no database. The rows come as finished lines from the
 * statement audit_export; what is added here is what SQL cannot: the keys behind the signatures,
 * and a signature over the head, so that a file that was cut or whose end was rewritten is told
 * from a whole one.
 */
#include <string.h>

#include "base/clock.h"
#include "http/keys.h"
#include "http/ledger_file.h"
#include "ledger_keys.h"

enum line_kind { LINE_ENTRY, LINE_CHECKPOINT, LINE_HEAD };

struct export
{
	struct arena *arena;
	const char *program_id;
	const struct rows *lines;
	const struct rows *keys; /* kid, public_jwk: every key there ever was */
	const struct rows *program;
	struct text *out;
};

static const struct statement program_statement = {
	.name = "ledger_program",
	.sql = "select slug, name from programs where id = $1",
	.types = "u",
};

static const char *cell(const struct export *export, size_t row, const char *column)
{
	return rows_cell(export->lines, row, (size_t)rows_column(export->lines, column), NULL);
}

static enum line_kind kind_of(const struct export *export, size_t row)
{
	return (enum line_kind)(cell(export, row, "kind")[0] - '0');
}

static bool read_part(
	struct export *export, struct db *db, int64_t after, int64_t limit, struct problem *problem)
{
	struct db_batch batch = {
		.arena = export->arena, .door = DOOR_PROGRAM, .program_id = export->program_id
	};
	struct db_batch identity = { .arena = export->arena, .door = DOOR_IDENTITY };
	struct db_call *lines = db_add(&batch, statement_find("audit_export"));
	struct db_call *program = db_add(&batch, &program_statement);
	const struct db_call *keys = db_add(&identity, &ledger_keys_statement);

	lines->params[0] = program->params[0] = export->program_id;
	lines->params[3] = arena_printf(export->arena, "{\"after\":%lld,\"limit\":%lld}",
		(long long)after, (long long)limit);
	/* The keys last: whoever signed a checkpoint that was read is among them. */
	if (db_run(db, &batch, problem) != DB_NONE || db_run(db, &identity, problem) != DB_NONE)
		return false;
	export->lines = lines->rows;
	export->program = program->rows;
	export->keys = keys->rows;
	return rows_count(program->rows) == 1 ||
	       problem_set(problem, PROBLEM_not_found, "There is no such program.");
}

static void write_header(const struct export *export)
{
	char now[TIME_TEXT_BYTES];
	const char *slug = rows_text(export->program, "slug"),
		   *name = rows_text(export->program, "name");

	time_format(clock_now_us(), now);
	text_appendf(export->out,
		"{\"object\":\"audit_export\",\"format\":%d,\"program_id\":\"%s\",\"slug\":",
		LEDGER_FORMAT, export->program_id);
	text_append_json(export->out, slug, strlen(slug));
	text_append_string(export->out, ",\"name\":");
	text_append_json(export->out, name, strlen(name));
	text_appendf(export->out, ",\"exported_at\":\"%s\"}\n", now);
}

/* The keys of the part's own signatures, `last` among them. */
static void write_keys(const struct export *export, const char *last)
{
	for (size_t key = 0; key < rows_count(export->keys); key++) {
		const char *kid = rows_cell(export->keys, key, 0, NULL);
		bool is_used = ledger_is_signed_by(last, kid);
		for (size_t row = 0; !is_used && row < rows_count(export->lines); row++)
			is_used = ledger_is_signed_by(cell(export, row, "signature"), kid);
		if (is_used)
			ledger_key_line(export->out, export->keys, key);
	}
}

/* Entries and checkpoints; the head stands last and is no line of its own. */
static int64_t write_lines(const struct export *export, int64_t after)
{
	int64_t next = after;

	for (size_t row = 0; row < rows_count(export->lines); row++) {
		enum line_kind kind = kind_of(export, row);
		if (kind == LINE_HEAD)
			return -1;
		if (kind == LINE_ENTRY)
			next = strtoll(cell(export, row, "seq"), NULL, 10);
		text_append_string(export->out, cell(export, row, "line"));
		text_append_char(export->out, '\n');
	}
	return next;
}

static const char *sign_head(const struct export *export, struct keys *keys)
{
	size_t count = rows_count(export->lines);

	if (count == 0 || kind_of(export, count - 1) != LINE_HEAD)
		return NULL;
	return ledger_sign(keys, export->arena, export->program_id, cell(export, count - 1, "seq"),
		cell(export, count - 1, "hash"));
}

static void write_end(const struct export *export, const char *signature)
{
	size_t head = rows_count(export->lines) - 1;

	text_appendf(export->out,
		"{\"object\":\"audit_export_end\",\"seq\":%s,\"hash\":\"%s\",\"signature\":\"%s\"}"
		"\n",
		cell(export, head, "seq"), cell(export, head, "hash"), signature);
}

bool ledger_export(struct db *db, struct keys *keys, const char *program_id, int64_t after,
	int64_t limit, struct text *out, int64_t *ret_next, struct problem *problem)
{
	struct export export = { .arena = arena_new(), .program_id = program_id, .out = out };
	bool done = read_part(&export, db, after, limit, problem);

	if (done) {
		const char *signature = sign_head(&export, keys);
		if (after == 0)
			write_header(&export);
		write_keys(&export, signature);
		*ret_next = write_lines(&export, after);
		if (*ret_next < 0 && signature)
			write_end(&export, signature);
		else if (*ret_next < 0)
			done = problem_set(
				problem, PROBLEM_internal, "no key to sign the export with");
	}
	arena_free(export.arena);
	return done;
}
