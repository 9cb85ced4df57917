/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of deal registration (domain.md §3, §5.6, §5.7). Facts come from one statement; the
 * answer is terms, a refusal and an explanation. What is decided here is re-asserted by the
 * statement that writes.
 */
#ifndef PARTNERD_DOMAIN_DEAL_H
#define PARTNERD_DOMAIN_DEAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/problem.h"
#include "domain/explain.h"
#include "domain/margin.h"
#include "domain/rates.h"

struct deal_facts {
	const char *status;         /* NULL on registration */
	const char *partner_status; /* "active" may register and be approved */
	const char *tier_status;    /* "published", NULL when the partner has no tier */
	struct margin_band band;    /* of the partner's tier */
	int64_t program_cap_bps;
	int64_t amount_minor;
	const char *currency;
	const struct margin_adjuster *adjusters; /* of the rules in force that apply */
	size_t adjuster_count;
	const struct margin_terms *quoted; /* of the quote it was registered with, or NULL */
	int64_t protection_days;           /* asked for, else the program's */
	int64_t now_us;
	int64_t protection_ends_us; /* now + protection_days in the program's zone, by PostgreSQL's
				       calendar */
	const char *earns;          /* the partner's type: "margin", "commission" or "both" */
	int64_t commission_bps;     /* of the type, 0 where it earns margin only */
	int64_t override_bps;       /* of the partner's distributor; 0 where there is none */
	int64_t channel_cap_bps;    /* of the rules in force; < 0: there is none */
	int64_t special_bps;        /* granted for this deal, 0: nothing was */
	bool has_expected_close;
	bool has_line_items;
};

struct deal_line {
	int64_t quantity;
	int64_t unit_amount_minor;
};

/* The partner is active; line items, when given, add up to the amount exactly (`inconsistent` at
 * #/amount). */
bool deal_register(const struct deal_facts *facts, const struct deal_line *lines, size_t line_count,
	struct arena *arena, struct problem *problem);

struct deal_approval {
	const char *earns;           /* "margin", "commission" or "both" */
	struct margin_terms margin;  /* nothing where only commission is earned */
	int64_t commission_bps;      /* 0 where only margin is earned */
	struct channel_cost channel; /* its margin: all that the partner earns */
	int64_t protection_ends_us;
};

/*
 * What the partner earns by it, locked: margin of the quote, else from the tier's band and the
 * rules in force; or commission, for which no tier is needed. Both only where the type says so; a
 * quote was a promise of margin, whatever the type says since. Its distributor gets the override as
 * far as the cap on the channel's cost leaves room. Protection from now. Explains all of it, but
 * for the distributor's part, which is not the partner's to know.
 */
bool deal_approve(const struct deal_facts *facts, struct deal_approval *ret_approval,
	struct explanation *ret_explanation, struct problem *problem);

/* An approved deal whose protection has ended is expired, whatever is stored (domain.md §5.6). */
const char *deal_status_at(const char *stored_status, int64_t protected_until_us, int64_t now_us);

#endif
