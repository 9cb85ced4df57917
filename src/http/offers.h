/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which actions a caller is offered: what the server would accept from it now. A column
 * "allowed_actions" holds the state and, behind it, marks of what the state alone does not say:
 *
 *   held             not the actions that need an active partner
 *   -approve         not this action
 *   -approve@partner not for partners
 *   -decide@<id>     not for this person or client
 *   ?approve         only if the resource's question says so for this caller
 */
#ifndef PARTNERD_HTTP_OFFERS_H
#define PARTNERD_HTTP_OFFERS_H

#include "shape.h"

/* Writes the actions with `separator` between them. `id`: of the row, empty when it has none. */
void offers_write(struct text *out, const struct request *request, const struct shape *shape,
	struct slice state, struct slice id, const char *separator);

/* Asks the shape's question about those of the first `count` rows that carry its mark, if the
 * caller has the scopes at all. To be called before the rows are written. */
bool offers_ask(struct request *request, const struct shape *shape, const struct rows *rows,
	size_t count, struct problem *problem);

/* The same about one row, of which only the marked state is at hand. */
bool offers_ask_one(struct request *request, const struct shape *shape, struct slice state,
	const char *id, struct problem *problem);

#endif
