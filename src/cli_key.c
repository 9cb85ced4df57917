/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key list | create | activate | retire | rotate: the keys that sign access tokens. Nothing
 * restarts: instances are notified, and know an announced key before it signs.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "http/key_store.h"

static const char usage[] = "usage: partnerd key list\n"
			    "       partnerd key create             announces another key\n"
			    "       partnerd key activate <kid>     it signs from now on; the "
			    "active key is kept for its "
			    "tokens\n"
			    "       partnerd key retire <kid>       its tokens are refused; an "
			    "announced key takes over\n"
			    "       partnerd key rotate             activate the key announced "
			    "longest, create another\n"
			    "--now: activate a key before everybody can have heard of it; retire a "
			    "key whose tokens are "
			    "about";

struct errand {
	const struct settings *settings;
	struct db *db;
	struct vault *vault; /* NULL for verbs that need none */
	struct arena *arena;
	const char *kid;
	bool at_once;
	struct text fault;
};

static bool list(struct errand *op)
{
	const struct rows *rows = keys_list(op->db, op->arena, &op->fault);

	if (rows)
		cli_print_rows(rows);
	return rows != NULL;
}

static bool create(struct errand *op)
{
	char kid[KEY_KID_BYTES];

	if (!keys_ensure(op->db, op->vault, op->settings->signing_alg, &op->fault) ||
		!keys_create(op->db, op->vault, op->settings->signing_alg, kid, &op->fault))
		return false;
	printf("next_kid=%s\n", kid);
	return true;
}

static bool activate(struct errand *op)
{
	if (!keys_activate(op->db, op->kid, keys_overlap_s(op->settings), op->at_once, &op->fault))
		return false;
	printf("active_kid=%s\n", op->kid);
	return true;
}

static bool retire(struct errand *op)
{
	char active[KEY_KID_BYTES];

	if (!keys_retire(op->db, op->vault, op->settings->signing_alg, op->kid, op->at_once, active,
		    &op->fault))
		return false;
	printf("retired_kid=%s\nactive_kid=%s\n", op->kid, active);
	return true;
}

static bool rotate(struct errand *op)
{
	struct key_rotation rotation;

	if (!keys_ensure(op->db, op->vault, op->settings->signing_alg, &op->fault) ||
		!keys_rotate(op->db, op->vault, op->settings->signing_alg,
			keys_overlap_s(op->settings), op->at_once, &rotation, &op->fault))
		return false;
	printf("active_kid=%s\nnext_kid=%s\n", rotation.active_kid, rotation.next_kid);
	return true;
}

static const struct verb {
	const char *name;
	bool (*run)(struct errand *op);
	bool takes_kid;
	bool seals;
} verbs[] = {
	{ "list", list, false, false },
	{ "create", create, false, true },
	{ "activate", activate, true, false },
	{ "retire", retire, true, true },
	{ "rotate", rotate, false, true },
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; name && i < sizeof verbs / sizeof verbs[0]; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static int run(struct errand *op, const struct verb *verb)
{
	op->vault = verb->seals ? vault_open(op->settings, &op->fault) : NULL;
	bool done = !verb->seals || op->vault;
	if (done) {
		op->db = db_open(op->settings);
		op->arena = arena_new();
		done = verb->run(op);
		arena_free(op->arena);
		db_close(op->db);
	}
	if (!done)
		cli_fail("%s", op->fault.bytes);
	vault_free(op->vault);
	text_release(&op->fault);
	return !done;
}

int cli_key(int argc, char **argv)
{
	struct settings settings;
	int status;

	if (cli_helps(argc, argv, usage))
		return 0;
	const struct verb *verb = find_verb(cli_word(&argc, argv));
	if (!verb)
		return cli_fail("%s", usage);
	struct errand op = { .settings = &settings, .at_once = cli_flag(&argc, argv, "--now") };
	/* A kid may begin with a hyphen. */
	op.kid = verb->takes_kid ? cli_argument(&argc, argv) : NULL;
	if (verb->takes_kid && (!op.kid || strlen(op.kid) != KEY_KID_BYTES - 1))
		return cli_fail("%s", usage);
	return cli_settings(argc, argv, &settings, &status) ? run(&op, verb) : status;
}
