/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions and whose they are (domain.md §5.18). An exclusive keeps everybody else out of its
 * region, of all that lies below it and, for what covers it, of all above, for its products and its
 * time. The rule says no with the field that is wrong; that nothing slips through between two of
 * them is the schema's part.
 */
#ifndef PARTNERD_DOMAIN_TERRITORY_H
#define PARTNERD_DOMAIN_TERRITORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/problem.h"
#include "domain/state.h"

#define REGION_MOST_DEPTH 8

struct region_facts {
	bool has_parent;             /* one is asked for */
	const char *parent_status;   /* NULL: there is none */
	bool is_below_itself;        /* the parent is the region, or lies below it */
	int64_t depth;               /* of the tree's lowest row that would be there */
	const char *blocker_id;      /* an assignment that would overlap with one above, or NULL */
	const int64_t *taken_places; /* countries that are another region's, by their place */
	size_t taken_count;
};

/* Every fault of parent and countries at once; then the assignments that a move would bring into
 * conflict. */
bool region_check(const struct region_facts *facts, struct arena *arena, struct problem *problem);

struct territory_facts {
	const char *partner_status; /* NULL: there is no such partner */
	const char *region_status;  /* NULL: there is no such region */
	bool has_product;           /* one is asked for; else all, or the one it is for */
	const char *product_status; /* NULL: there is no such product */
	int64_t valid_from_us;
	int64_t valid_to_us; /* of no use without has_end */
	bool has_end;
	const char *blocker_id; /* an assignment in the way, or NULL */
	bool is_blocked_by_own; /* it is this partner's, the same once more */
};

bool territory_check(
	const struct territory_facts *facts, struct arena *arena, struct problem *problem);

extern const struct transition territory_transitions[];
extern const struct transition region_transitions[];

struct territory_end {
	int64_t now_us;
	int64_t valid_from_us;
	int64_t valid_to_us;
	bool has_end;
	int64_t wanted_us; /* when it shall end */
	bool is_wanted;    /* else now */
};

/*
 * When an assignment ends that is running or still to come. Not before now; not later than it would
 * anyway; what has not begun by then ends where it would have begun, and so never was. False with a
 * violation at `where`.
 */
bool territory_ends_at(const struct territory_end *end, const char *where, struct arena *arena,
	int64_t *ret_ends_us, struct problem *problem);

#endif
