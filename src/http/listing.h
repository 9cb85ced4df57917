/* SPDX-License-Identifier: Apache-2.0 */
/* A list that is being read: what the page of list.c and the walk of list_walk.c share. */
#ifndef PARTNERD_HTTP_LISTING_H
#define PARTNERD_HTTP_LISTING_H

#include "engines.h"

#define LISTING_WALK      200 /* rows a walk reads at once */
#define LISTING_WALK_TEXT "201"

struct listing {
	const struct list *list;
	const struct shape *shape;
	struct request *request;
	const struct sort *sort;
	bool descending;
	bool has_cursor;
	struct cursor cursor;
	int limit;
	uint64_t query_hash;
	/* for each filter: what a search for it has found, as PostgreSQL's text of an array; or
	 * NULL */
	const char **found;
	char types[DB_MAX_PARAMS + 1];
	const char *params[DB_MAX_PARAMS];
	size_t param_count;
};

/* Takes the order from the query; the list's first when it names none. */
void listing_sort(struct listing *listing);

/* Trips of their own: what they find decides which statement the page is. */
bool listing_search(struct listing *listing, struct problem *problem);

/* The page behind the cursor, with one row more than asked for when more follow. */
const struct statement *listing_page(struct listing *listing);

/* Adds what `compose` makes of the listing to the batch. */
struct db_call *listing_add(struct listing *listing, struct db_batch *batch,
	const struct statement *(*compose)(struct listing *));

#endif
