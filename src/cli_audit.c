/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit verify | export: the chain judged in the database, written to a file, and judged from that
 * file by somebody who has no database, no settings and no network.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "cli_program.h"
#include "http/keys.h"
#include "http/ledger_file.h"

#define LONG_CHAIN_MS (3600 * 1000) /* a walk over millions of entries takes its time */
#define PART_ENTRIES  500

static const char usage[] =
	"usage: partnerd audit verify [--program <slug>]\n"
	"       partnerd audit verify <file> [--keys <jwks file>] [--known <sequence>:<hash>]\n"
	"       partnerd audit export --program <slug>\n"
	"An export goes to standard output. A file is verified without a database; --keys names "
	"the "
	"keys that\n"
	"are trusted (what /.well-known/jwks.json said), --known a place of the chain that was "
	"noted "
	"before.";

/* ---- in the database ---- */

static int verify_program(struct db *db, struct arena *arena, const char *slug, const char *id)
{
	struct problem problem = PROBLEM_INIT;
	struct ledger_report found;
	if (!ledger_verify(db, id, arena, &found, &problem))
		return program_report(&problem);
	printf("%s: %s, entries %lld, sealed %lld, checkpoints %lld\n", slug,
		found.is_valid ? "valid" : "broken", (long long)found.entries,
		(long long)found.sealed, (long long)found.checkpoints);
	if (found.is_valid)
		return 0;
	return cli_fail("%s: %s at sequence %lld, entry %s: %s", slug, found.fault_kind,
		(long long)found.fault_seq, found.fault_entry != NULL ? found.fault_entry : "none",
		found.fault_detail);
}

/* One program, or all of them without a slug. */
static int verify(struct db *db, struct arena *arena, const char *slug)
{
	struct problem problem = PROBLEM_INIT;
	const struct rows *programs = slug != NULL ? program_find(db, arena, slug, &problem)
						   : program_rows(db, arena, &problem);
	int status = 0;
	if (programs == NULL)
		return program_report(&problem);
	if (slug != NULL && rows_count(programs) == 0)
		return cli_fail("there is no program '%s'", slug);
	for (size_t row = 0; row < rows_count(programs); row++) {
		size_t length;
		const char *id = rows_cell(programs, row, 0, &length);
		status |= verify_program(db, arena, rows_cell(programs, row, 1, &length), id);
	}
	return status;
}

/* ---- export ---- */

static int write_parts(struct db *db, struct keys *keys, const char *program_id)
{
	struct problem problem = PROBLEM_INIT;
	struct text part = TEXT_INIT;
	int64_t next = 0;
	bool good = true;
	while (good && next >= 0) {
		text_clear(&part);
		good = ledger_export(
			       db, keys, program_id, next, PART_ENTRIES, &part, &next, &problem) &&
		       fwrite(part.bytes, 1, part.length, stdout) == part.length;
	}
	text_release(&part);
	if (problem.is_set)
		return program_report(&problem);
	if (!good || fflush(stdout) != 0)
		return cli_fail("the export cannot be written: %s", strerrordesc_np(errno));
	return 0;
}

static int export(
	struct db *db, struct arena *arena, const struct settings *settings, const char *slug)
{
	struct problem problem = PROBLEM_INIT;
	struct text fault = TEXT_INIT;
	const struct rows *program = program_find(db, arena, slug, &problem);
	if (program == NULL)
		return program_report(&problem);
	if (rows_count(program) == 0)
		return cli_fail("there is no program '%s'", slug);
	struct keys *keys = keys_make();
	struct vault *vault = vault_open(settings, &fault);
	int status = vault != NULL && keys_reload(keys, db, vault, &fault)
			     ? write_parts(db, keys, rows_text(program, "id"))
			     : cli_fail("%s", fault.bytes);
	vault_free(vault);
	keys_free(keys);
	text_release(&fault);
	return status;
}

/* ---- from a file ---- */

/* A stranger can sign, too. */
static const char *signer_note(const struct ledger_file_report *found, bool is_trusted)
{
	if (found->signer[0] == '\0' || is_trusted)
		return "";
	return " (that key came with the file and was not checked: --keys names those you trust)";
}

static int report_file(const char *name, const struct ledger_file_report *found, bool is_trusted)
{
	const struct ledger_report *report = &found->report;
	printf("%s: %s, program %s, entries %lld, checkpoints %lld, erased %lld, head %lld:%s, "
	       "signed by %s%s\n",
		name, report->is_valid ? "valid" : "broken",
		found->program_id[0] != '\0' ? found->program_id : "none",
		(long long)report->entries, (long long)report->checkpoints,
		(long long)found->erased, (long long)found->head_seq, found->head_hash,
		found->signer[0] != '\0' ? found->signer : "none", signer_note(found, is_trusted));
	if (report->is_valid)
		return 0;
	return cli_fail("%s: line %lld: %s at sequence %lld, entry %s: %s", name,
		(long long)found->line, report->fault_kind, (long long)report->fault_seq,
		report->fault_entry != NULL ? report->fault_entry : "none", report->fault_detail);
}

/* "<sequence>:<hash>" as an earlier report printed its head. */
static bool read_known(const char *text, struct ledger_known *ret_known)
{
	char *end;
	errno = 0;
	ret_known->seq = strtoll(text, &end, 10);
	ret_known->hash = end + 1;
	return errno == 0 && ret_known->seq > 0 && *end == ':' && strlen(end + 1) == 64;
}

static int verify_file(const char *name, const char *keys_name, const struct ledger_known *known)
{
	FILE *file = fopen(name, "re");
	if (file == NULL)
		return cli_fail("%s cannot be read: %s", name, strerrordesc_np(errno));
	json_t *trusted = NULL;
	if (keys_name != NULL)
		trusted = json_load_file(keys_name, JSON_REJECT_DUPLICATES, NULL);
	int status = 1;
	if (keys_name != NULL && !json_is_array(json_object_get(trusted, "keys"))) {
		cli_fail("%s is no JWK set", keys_name);
	} else {
		struct arena *arena = arena_new();
		struct ledger_file_report found;
		ledger_file_verify(file, trusted, known, arena, &found);
		status = report_file(name, &found, trusted != NULL);
		arena_free(arena);
	}
	json_decref(trusted);
	fclose(file);
	return status;
}

/* ---- the command ---- */

static int with_database(int argc, char **argv, bool exports, const char *slug)
{
	struct settings settings;
	int status;
	if (!cli_settings(argc, argv, &settings, &status))
		return status;
	settings.statement_timeout_ms = LONG_CHAIN_MS;
	struct db *db = db_open(&settings);
	struct arena *arena = arena_new();
	status = exports ? export(db, arena, &settings, slug) : verify(db, arena, slug);
	arena_free(arena);
	db_close(db);
	return status;
}

/* Exit status 0: every chain holds; 1: one does not, or could not be read. */
int cli_audit(int argc, char **argv)
{
	if (cli_helps(argc, argv, usage))
		return 0;
	const char *verb = cli_word(&argc, argv), *file = cli_word(&argc, argv);
	const char *slug = cli_option(&argc, argv, "--program"),
		   *keys_name = cli_option(&argc, argv, "--keys"),
		   *known_text = cli_option(&argc, argv, "--known");
	struct ledger_known known = { 0 };
	bool exports = verb != NULL && strcmp(verb, "export") == 0;
	bool verifies = verb != NULL && strcmp(verb, "verify") == 0;
	if (file == NULL && (verifies || (exports && slug != NULL)) && keys_name == NULL &&
		known_text == NULL)
		return with_database(argc, argv, exports, slug);
	if (!verifies || file == NULL || slug != NULL || argc > 1 ||
		(known_text != NULL && !read_known(known_text, &known)))
		return cli_fail("%s", usage);
	return verify_file(file, keys_name, &known);
}
