/* SPDX-License-Identifier: Apache-2.0 */
/* A list from its beginning to its end, page by page, for answers that are streamed. */
#ifndef PARTNERD_HTTP_LIST_WALK_H
#define PARTNERD_HTTP_LIST_WALK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/problem.h"
#include "base/text.h"
#include "http/endpoint.h"
#include "http/request.h"

struct list_walk;

/*
 * Reads the first rows of what the request asks of the list, in its order, behind its actor's
 * walls. The walk lives on when the request is gone. NULL with `problem` set on failure.
 */
struct list_walk *list_walk_open(
	const struct list *list, const struct request *request, struct problem *problem);
struct list_walk *list_walk_close(struct list_walk *walk);

/* How many rows are here; 0 when the list is empty. */
size_t list_walk_rows(const struct list_walk *walk);

/* Goes on to the rows behind these. False at the end, and with `problem` set on failure. */
bool list_walk_next(struct list_walk *walk, struct problem *problem);

/* A row as GET would answer with it, in one line. */
void list_walk_write_json(const struct list_walk *walk, size_t row, struct text *out);

/* The same in cells (base/csv.h): a cell for each member, one of an object under "object.member";
 * lists and maps as JSON. What the actor's side is never shown has no column. */
void list_walk_write_csv_head(const struct list_walk *walk, struct text *out);
void list_walk_write_csv(const struct list_walk *walk, size_t row, struct text *out);

#endif
