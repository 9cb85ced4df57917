/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dispute verify: the bundle of a dispute, judged from the file by somebody who has no database, no
 * settings and no network.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "http/dispute_bundle.h"

static const char usage[] =
	"usage: partnerd dispute verify <file> [--keys <jwks file>]\n"
	"--keys names the keys that are trusted (what /.well-known/jwks.json said); without it the "
	"signer\n"
	"is told, and is for the reader to know.";

/* Whose claim stands where in the chain */
static void print_claims(const struct dispute_file_report *found)
{
	if (found->claimant_claimed > 0)
		printf(", claim of the claimant at sequence %lld",
			(long long)found->claimant_claimed);
	if (found->respondent_claimed > 0)
		printf(", claim of the respondent at sequence %lld",
			(long long)found->respondent_claimed);
}

static int report(const char *name, const struct dispute_file_report *found, bool has_keys)
{
	bool is_signed = found->signer[0] != '\0';

	printf("%s: %s, dispute %s of program %s, for the %s, evidence %lld, entries %lld, "
	       "checkpoints %lld",
		name, found->is_valid ? "valid" : "broken", found->number ? found->number : "none",
		found->program_id[0] != '\0' ? found->program_id : "none",
		found->audience ? found->audience : "nobody", (long long)found->evidence,
		(long long)found->entries, (long long)found->checkpoints);
	print_claims(found);
	printf(", signed by %s%s\n", is_signed ? found->signer : "none",
		is_signed && !has_keys ? " (not checked)" : "");
	if (found->is_valid)
		return 0;
	return cli_fail("%s: line %lld: %s: %s", name, (long long)found->line, found->fault_kind,
		found->fault_detail);
}

static int verify_file(FILE *file, const char *name, const char *keys_name)
{
	json_t *trusted =
		keys_name ? json_load_file(keys_name, JSON_REJECT_DUPLICATES, NULL) : NULL;
	int status = 1;

	if (keys_name && !json_is_array(json_object_get(trusted, "keys"))) {
		cli_fail("%s is no JWK set", keys_name);
	} else {
		struct arena *arena = arena_new();
		struct dispute_file_report found;
		dispute_file_verify(file, trusted, arena, &found);
		status = report(name, &found, trusted != NULL);
		arena_free(arena);
	}
	json_decref(trusted);
	return status;
}

/* Exit status 0: the bundle holds; 1: it does not, or could not be read. */
int cli_dispute(int argc, char **argv)
{
	if (cli_helps(argc, argv, usage))
		return 0;
	const char *verb = cli_word(&argc, argv), *name = cli_word(&argc, argv),
		   *keys_name = cli_option(&argc, argv, "--keys");
	if (!verb || strcmp(verb, "verify") != 0 || !name || argc > 1)
		return cli_fail("%s", usage);
	FILE *file = fopen(name, "re");
	if (!file)
		return cli_fail("%s cannot be read: %s", name, strerrordesc_np(errno));
	int status = verify_file(file, name, keys_name);
	fclose(file);
	return status;
}
