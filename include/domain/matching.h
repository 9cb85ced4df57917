/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a deal registration means for those that are there (domain.md §5.5). An exact key in common
 * is a conflict with another partner's and a duplicate of one's own; a name in common is for people
 * to look at and never decides anything; and neither counts unless product scope and territory
 * meet. Who is compared at all, the database says: registrations that are open, and deals whose
 * protection runs.
 */
#ifndef PARTNERD_DOMAIN_MATCHING_H
#define PARTNERD_DOMAIN_MATCHING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "domain/explain.h"

#define MATCHING_RULES_VERSION 1
/* Of the distinctive words of both, this share is common: 10000 × 2 × common / (mine + theirs). */
#define NAME_LEAST_BPS         5000

enum match { MATCH_NONE, MATCH_REVIEW, MATCH_CONFLICT, MATCH_DUPLICATE };

/* A deal that lives and has a key or a word in common with the one that is judged. */
struct match_candidate {
	const char *deal_id;
	bool is_own;          /* of the same partner */
	bool has_key;         /* an exact key in common */
	bool scopes_meet;     /* product scope and territory */
	bool is_ahead;        /* protected, or first in the order of submission */
	int64_t shared_words; /* distinctive ones */
	int64_t words;        /* of the one that is judged */
	int64_t their_words;
	int64_t protected_until_us; /* 0: an open registration */
};

int64_t name_similarity_bps(int64_t shared_words, int64_t words, int64_t their_words);

enum match match_judge(const struct match_candidate *candidate);
const char *match_text(enum match match);

struct matching {
	enum match match;           /* the gravest */
	const char *own_deal_id;    /* MATCH_DUPLICATE */
	int64_t conflicts, reviews; /* with how many */
	int64_t free_from_us;       /* when the last protection in the way ends; 0: nobody knows */
};

/* All candidates together. Who is in conflict but behind is in nobody's way. */
void matching_decide(const struct match_candidate *candidates, size_t count,
	struct matching *ret_matching, struct explanation *ret_explanation);

#endif
