/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key list | rotate: the keys that sign access tokens. Rotating needs no restart: instances are
 * notified, and the key that starts to sign has been published at /.well-known/jwks.json since the
 * rotation before.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "http/identity.h"

static const char usage[] = "usage: partnerd key list | rotate";

#define JWKS_CACHE_S 300 /* how long others may keep what we publish */

static int list(struct db *db, struct arena *arena, struct text *reterr)
{
	const struct rows *rows = keys_list(db, arena, reterr);

	if (!rows)
		return cli_fail("%s", reterr->bytes);
	for (size_t row = 0; row < rows_count(rows); row++) {
		for (size_t column = 0; column < rows_columns(rows); column++) {
			const char *cell = rows_cell(rows, row, column, NULL);
			printf("%s%s", column > 0 ? "\t" : "", cell ? cell : "");
		}
		putchar('\n');
	}
	return 0;
}

static int rotate(struct db *db, const struct settings *settings, struct text *reterr)
{
	struct key_rotation rotation;

	if (!keys_ensure(db, reterr) ||
		!keys_rotate(db, keys_overlap_s(settings), &rotation, reterr))
		return cli_fail("%s", reterr->bytes);
	printf("active_kid=%s\nnext_kid=%s\n", rotation.active_kid, rotation.next_kid);
	if (rotation.published_s < JWKS_CACHE_S)
		fprintf(stderr,
			"partnerd: warning: the key had been published for %" PRId64
			" s only; whoever verifies our tokens may need up to %d s to learn of it\n",
			rotation.published_s, JWKS_CACHE_S);
	return 0;
}

int cli_key(int argc, char **argv)
{
	const char *verb = cli_word(&argc, argv);
	struct settings settings;
	struct text fault = TEXT_INIT;
	int status;
	bool rotates = verb && strcmp(verb, "rotate") == 0;

	if (cli_helps(argc, argv, usage))
		return 0;
	if (!rotates && (!verb || strcmp(verb, "list") != 0))
		return cli_fail("%s", usage);
	if (!cli_settings(argc, argv, &settings, &status))
		return status;
	struct db *db = db_open(&settings);
	struct arena *arena = arena_new();
	status = rotates ? rotate(db, &settings, &fault) : list(db, arena, &fault);
	arena_free(arena);
	db_close(db);
	text_release(&fault);
	return status;
}
