/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extensions of a deal's protection (domain.md §5.6): asked for before the end, one at a time, no
 * more than the program gives, counted from the present end. Times are PostgreSQL's calendar; the
 * statements that write assert them again.
 */
#ifndef PARTNERD_DOMAIN_EXTENSION_H
#define PARTNERD_DOMAIN_EXTENSION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/problem.h"

struct extension_facts {
	const char *deal_status;    /* by the clock; NULL: there is no such deal */
	const char *partner_status; /* of a request */
	const char *open_id;        /* the request that is pending already, or NULL */
	int64_t now_us;
	int64_t ends_us;    /* of protection, without what is pending */
	int64_t extends_us; /* `days` later */
	int64_t days;
	int64_t extension_days; /* the most the program gives at once */
	int64_t granted, max_extensions;
};

/* May it be asked for? Fields first, then states. */
bool extension_request(
	const struct extension_facts *facts, struct arena *arena, struct problem *problem);

/* May the request, which is open, be granted now? */
bool extension_grant(
	const struct extension_facts *facts, struct arena *arena, struct problem *problem);

#endif
