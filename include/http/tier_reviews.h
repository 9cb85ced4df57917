/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts of tier_review_facts() (sql/functions/tier_reviews.sql) in, judged partners out: what the
 * operations of api/ and the job that reviews on schedule have in common.
 */
#ifndef PARTNERD_HTTP_TIER_REVIEWS_H
#define PARTNERD_HTTP_TIER_REVIEWS_H

#include <jansson.h>

#include "base/arena.h"
#include "domain/tier_evaluation.h"

/* One partner on the ladder of tiers, read and judged. */
struct tier_standing_read {
	struct tier_review review;
	struct tier_verdict verdict;
	struct explanation explanation;
};

/* `partner` is one of the facts' partners. Borrows the texts of `facts`; the rest is on the arena.
 */
void tier_review_read(const json_t *facts, const json_t *partner, struct arena *arena,
	struct tier_standing_read *ret_standing);

/*
 * A tier as an answer shows it: its requirements with what is needed, measured, missing and to
 * spare. A new object; null for TIER_NONE.
 */
json_t *tier_rung_json(
	const json_t *facts, const struct tier_standing_read *standing, size_t index);

/*
 * All partners of the facts, judged: a new array of what tier_reviews_store() takes, each with the
 * names that an answer shows.
 */
json_t *tier_reviews_judge(const json_t *facts, struct arena *arena);

#endif
