/* SPDX-License-Identifier: Apache-2.0 */
/* Programs as the command line makes and finds them: shared by `program`, `audit` and `seed`. */
#ifndef PARTNERD_CLI_PROGRAM_H
#define PARTNERD_CLI_PROGRAM_H

#include "base/arena.h"
#include "base/problem.h"
#include "db/db.h"

struct new_program {
	const char *slug, *name, *environment, *zone, *currency;
	const char *admin_email, *admin_name, *admin_password;
	const char *tiers; /* a preset (sql/functions/tier_presets.sql), or "none" */
};

/* On the arena. */
struct program_ids {
	const char *program, *admin;
	const char *tiers[3]; /* by rank; made as far as the preset goes */
};

/* Makes the program, the tiers of its preset and its first admin. */
bool program_create(struct db *db, struct arena *arena, const struct new_program *program,
	struct program_ids *ret_ids, struct problem *problem);

/* Rows id, slug, name, environment: one or none. NULL when the database could not be asked. */
const struct rows *program_find(
	struct db *db, struct arena *arena, const char *slug, struct problem *problem);

/* All programs: id, slug, name, environment, created_at. NULL when the database could not be asked.
 */
const struct rows *program_rows(struct db *db, struct arena *arena, struct problem *problem);

/* Prints what went wrong. Returns 1. */
int program_report(const struct problem *problem);

#endif
