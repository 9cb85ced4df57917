/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What suspension, termination and merging mean for a partner's deals (domain.md §3). Suspended:
 * nothing is registered and nothing approved; what is open waits, what is approved stays protected.
 * Terminated: what is open is withdrawn, what is approved is kept for the vendor to close, or
 * cancelled. Merged: everything goes over. A partner does not end while another becomes part of it.
 */
#ifndef PARTNERD_DOMAIN_PARTNER_H
#define PARTNERD_DOMAIN_PARTNER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/problem.h"
#include "domain/explain.h"

struct partner_end_facts {
	const char *status;
	int64_t open_deals;     /* draft, submitted, in review, asked for information, on hold */
	int64_t approved_deals; /* approved and still protected */
	int64_t all_deals;      /* whatever became of them */
	bool cancels_approved;
	bool receives;             /* a merge into it is under way */
	bool is_itself;            /* merge: into itself */
	const char *target_status; /* merge: of the partner it becomes part of */
};

struct partner_effects {
	int64_t waiting, withdrawn, cancelled, kept, moved;
};

bool partner_suspend(const struct partner_end_facts *facts, struct partner_effects *ret_effects,
	struct explanation *ret_explanation, struct problem *problem);
bool partner_terminate(const struct partner_end_facts *facts, struct partner_effects *ret_effects,
	struct explanation *ret_explanation, struct problem *problem);
bool partner_merge(const struct partner_end_facts *facts, struct partner_effects *ret_effects,
	struct explanation *ret_explanation, struct problem *problem);

#endif
