/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one thread that reads the keys of identity providers, all of them at once, so that one that
 * does not answer keeps nobody waiting.
 */
#ifndef PARTNERD_SRC_HTTP_KEY_FETCHER_H
#define PARTNERD_SRC_HTTP_KEY_FETCHER_H

#include "db/db.h"
#include "http/key_source.h"
#include "http/outbound.h"

struct key_fetcher;

/* Starts the thread. `db` and `outbound` are borrowed. NULL when there can be no thread. */
struct key_fetcher *fetcher_start(struct db *db, const struct outbound *outbound);
/* Ends the thread; what is under way is given up. NULL is accepted. */
struct key_fetcher *fetcher_stop(struct key_fetcher *fetcher);

/* From now on these are read, and no others. Sources are held. */
void fetcher_set(struct key_fetcher *fetcher, struct key_source *const *sources, size_t count);
/* Something is due. */
void fetcher_wake(struct key_fetcher *fetcher);

#endif
