/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A deal in other hands: another partner's, which only the vendor decides, or another person's of
 * the same partner. What approval has locked stays locked.
 */
#ifndef PARTNERD_DOMAIN_REASSIGN_H
#define PARTNERD_DOMAIN_REASSIGN_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/problem.h"
#include "domain/explain.h"

struct reassign_facts {
	const char *status; /* of the deal, by the clock */
	bool names_partner; /* asked for */
	bool names_owner;   /* asked for; null clears */
	bool clears_owner;
	bool is_for_vendor;        /* the vendor asks */
	const char *target_status; /* of the partner that was named; NULL: there is none such */
	bool is_same_partner;
	bool has_twin;       /* the partner has a deal for the account already */
	bool is_owner_known; /* a person of the partner that will have the deal */
};

/* Fields first, all at once, then the states of deal and partner. */
bool deal_reassign_check(const struct reassign_facts *facts, struct arena *arena,
	struct explanation *ret_explanation, struct problem *problem);

#endif
