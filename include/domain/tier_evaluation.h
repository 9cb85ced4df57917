/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reviews of tiers (domain.md §5.12): what a partner has earned by its metrics, and what one review
 * makes of it. Up at once; down one step after as many failed reviews in a row as the program
 * grants; not while the partner is new or held by an override.
 */
#ifndef PARTNERD_DOMAIN_TIER_EVALUATION_H
#define PARTNERD_DOMAIN_TIER_EVALUATION_H

#include "domain/explain.h"
#include "domain/tier.h"

/* What was measured for one requirement. Nothing measured is not 0: the requirement is not met. */
struct tier_measure {
	bool is_known;
	int64_t value;
	bool is_more; /* what was measured lies above `value`, by less than one */
};

struct tier_standard {
	bool is_met;
	int64_t gap;     /* what is missing; 0 when met */
	int64_t surplus; /* what may be lost before it is missed; 0 when not met */
};

/* gap and surplus mean nothing when nothing was measured. */
struct tier_standard tier_requirement_judge(
	const struct tier_requirement *requirement, const struct tier_measure *measure);

/* A tier in the order of ranks, with a measure for each of its requirements. */
struct tier_rung {
	int64_t rank;
	const struct tier_requirement *requirements;
	const struct tier_measure *measures;
	size_t requirement_count;
};

/* All requirements hold; a tier that has none is met. */
bool tier_rung_is_met(const struct tier_rung *rung);

#define TIER_NONE SIZE_MAX

struct tier_review {
	const struct tier_rung *rungs; /* rank rising */
	size_t rung_count;
	size_t current;         /* index of the partner's tier, or TIER_NONE */
	int64_t failed_reviews; /* in a row, before this one */
	int64_t grace_reviews;  /* how many in a row lead down: at least 1 */
	bool is_immune;         /* the partner is new */
	bool is_overridden;     /* somebody holds it in its tier for a time */
	bool is_counted;        /* a failure of this period has been counted already */
};

enum tier_outcome {
	TIER_KEPT,
	TIER_UPGRADED,
	TIER_AT_RISK,
	TIER_DOWNGRADED,
	TIER_IMMUNE,     /* would have failed */
	TIER_OVERRIDDEN, /* would have moved, or failed */
};

struct tier_verdict {
	enum tier_outcome outcome;
	size_t earned; /* index or TIER_NONE */
	size_t to;     /* where the partner is afterwards */
	bool has_failed;
	bool counts; /* this review adds a failure */
	int64_t failed_reviews;
};

const char *tier_outcome_text(enum tier_outcome outcome);

/*
 * The highest tier whose requirements all hold. Above the partner's own tier, and unless it is the
 * lowest, one without requirements is given by people and not earned.
 */
size_t tier_earned(const struct tier_rung *rungs, size_t count, size_t current);

void tier_review_decide(const struct tier_review *review, struct tier_verdict *ret_verdict,
	struct explanation *ret_explanation);

#endif
