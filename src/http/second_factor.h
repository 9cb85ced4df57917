/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Codes of the second factor. A code is judged here, and used up by a statement in the transaction
 * of what it is for: a step of time, or a recovery code, is good once.
 */
#ifndef PARTNERD_SRC_HTTP_SECOND_FACTOR_H
#define PARTNERD_SRC_HTTP_SECOND_FACTOR_H

#include "http/grants.h"

struct proof {
	const char *seed;      /* as stored */
	int64_t step;          /* of a one-time password; 0 for a recovery code */
	const char *code_hash; /* of a recovery code */
};

/*
 * Judges a code for the user of `rows` (id, seed, last_step). False when it is not right; of a
 * recovery code only the database can tell.
 */
bool proof_judge(const struct request *request, const struct rows *rows, const char *code,
	struct proof *ret_proof);
/* Adds its use, which fails with DB_WORLD_MOVED when it was used before. */
void proof_add(struct db_batch *batch, const struct request *request, const char *user_id,
	const struct proof *proof);

#endif
