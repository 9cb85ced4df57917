/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attempts to prove who one is, counted in the database for all instances and slowed down by
 * domain/lockout.h. An attempt is taken before anything dear is done, and counts as failed until it
 * is given back. It knows accounts by their e-mail address only, whether there is such a user or
 * not.
 */
#ifndef PARTNERD_SRC_HTTP_ATTEMPTS_H
#define PARTNERD_SRC_HTTP_ATTEMPTS_H

#include "http/grants.h"

/* Adds the taking of an attempt to a batch at the identity door that writes. */
struct db_call *attempt_add(
	struct db_batch *batch, const struct request *request, const char *email);
/* After the batch: false, and rate_limited with Retry-After, when the caller has to wait. */
bool attempt_is_free(const struct db_call *attempt, struct problem *problem);

/* The attempt was right as a whole: what is held against the account is cleared. */
void attempt_add_success(struct db_batch *batch, const struct request *request, const char *email);
/* The attempt was not judged, or was right so far: it no longer counts. On failure it still does.
 */
void attempt_give_back(struct request *request, const char *email);

#endif
