/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One review of one partner. Raise EVALUATION_RULES_VERSION whenever the same facts would give
 * another verdict.
 */
#include "domain/tier_evaluation.h"

#define EVALUATION_RULES_VERSION 1

const char *tier_outcome_text(enum tier_outcome outcome)
{
	static const char *const texts[] = {
		[TIER_KEPT] = "kept",
		[TIER_UPGRADED] = "upgraded",
		[TIER_AT_RISK] = "at_risk",
		[TIER_DOWNGRADED] = "downgraded",
		[TIER_IMMUNE] = "immune",
		[TIER_OVERRIDDEN] = "overridden",
	};

	return texts[outcome];
}

/* ---- requirements ---- */

struct tier_standard tier_requirement_judge(
	const struct tier_requirement *requirement, const struct tier_measure *measure)
{
	int64_t have = measure->value, need = requirement->value;
	struct tier_standard standard = { 0 };

	if (!measure->is_known)
		return standard;
	if (requirement->is_most && measure->is_more)
		have++; /* at most: a part of one is too much already */
	standard.is_met = requirement->is_most ? have <= need : have >= need;
	if (standard.is_met)
		standard.surplus = requirement->is_most ? need - have : have - need;
	else
		standard.gap = requirement->is_most ? have - need : need - have;
	return standard;
}

bool tier_rung_is_met(const struct tier_rung *rung)
{
	for (size_t i = 0; i < rung->requirement_count; i++)
		if (!tier_requirement_judge(&rung->requirements[i], &rung->measures[i]).is_met)
			return false;
	return true;
}

size_t tier_earned(const struct tier_rung *rungs, size_t count, size_t current)
{
	size_t held = current == TIER_NONE ? 0 : current;

	for (size_t i = count; i-- > 0;) {
		if (i > held && rungs[i].requirement_count == 0)
			continue;
		if (tier_rung_is_met(&rungs[i]))
			return i;
	}
	return TIER_NONE;
}

/* ---- the review ---- */

static bool is_above(size_t one, size_t other)
{
	return one != TIER_NONE && (other == TIER_NONE || one > other);
}

static enum tier_outcome count_failure(
	const struct tier_review *review, struct tier_verdict *verdict)
{
	if (review->is_counted)
		return review->failed_reviews > 0 ? TIER_AT_RISK : TIER_KEPT;
	verdict->counts = true;
	verdict->failed_reviews = review->failed_reviews + 1;
	if (verdict->failed_reviews < review->grace_reviews)
		return TIER_AT_RISK;
	verdict->failed_reviews = 0;
	verdict->to = review->current - 1;
	return TIER_DOWNGRADED;
}

static enum tier_outcome outcome_of(const struct tier_review *review, struct tier_verdict *verdict)
{
	if (review->is_overridden)
		return verdict->earned == review->current ? TIER_KEPT : TIER_OVERRIDDEN;
	if (is_above(verdict->earned, review->current)) {
		verdict->to = verdict->earned;
		verdict->failed_reviews = 0;
		return TIER_UPGRADED;
	}
	if (!verdict->has_failed || review->current == 0) {
		verdict->failed_reviews = 0;
		return TIER_KEPT;
	}
	if (review->is_immune)
		return TIER_IMMUNE;
	return count_failure(review, verdict);
}

/* ---- the explanation ---- */

static int64_t rank_of(const struct tier_review *review, size_t index)
{
	return index == TIER_NONE ? 0 : review->rungs[index].rank;
}

static const char *reason_for(const struct tier_review *review, const struct tier_verdict *verdict)
{
	switch (verdict->outcome) {
	case TIER_KEPT: break;
	case TIER_UPGRADED: return "A higher tier is given at once.";
	case TIER_AT_RISK:
		return review->is_counted
			       ? "A failure counts once in a period, and this period's is counted."
			       : "The tier is kept until as many reviews in a row have failed as "
				 "the programme grants.";
	case TIER_DOWNGRADED:
		return "As many reviews in a row have failed as the programme grants: one tier "
		       "down.";
	case TIER_IMMUNE: return "A new partner loses nothing.";
	case TIER_OVERRIDDEN:
		return "Somebody has set the tier for a time: reviews do not move it.";
	}
	if (!verdict->has_failed)
		return "All requirements of the partner's tier hold.";
	return review->current == 0 ? "There is no lower tier."
				    : "A failure counts once in a period, and this period's is "
				      "counted.";
}

static void explain(const struct tier_review *review, const struct tier_verdict *verdict,
	struct explanation *explanation)
{
	*explanation = (struct explanation){
		.rule_set = "tier_evaluation",
		.rule_set_version = EVALUATION_RULES_VERSION,
	};
	explain_add(explanation, "earned", "rank", rank_of(review, review->current),
		rank_of(review, verdict->earned),
		"The highest tier whose requirements all hold, by its rank; 0 is none.");
	explain_add(explanation, "failed_reviews", "reviews", review->failed_reviews,
		verdict->failed_reviews,
		"Failed reviews in a row; a passed one, and a move, start again at 0.");
	explain_add(explanation, tier_outcome_text(verdict->outcome), "rank",
		rank_of(review, review->current), rank_of(review, verdict->to),
		reason_for(review, verdict));
}

void tier_review_decide(const struct tier_review *review, struct tier_verdict *ret_verdict,
	struct explanation *ret_explanation)
{
	size_t current = review->current;

	*ret_verdict = (struct tier_verdict){
		.earned = tier_earned(review->rungs, review->rung_count, current),
		.to = current,
		.failed_reviews = review->failed_reviews,
	};
	ret_verdict->has_failed = current != TIER_NONE &&
				  !tier_rung_is_met(&review->rungs[current]) &&
				  !is_above(ret_verdict->earned, current);
	ret_verdict->outcome = outcome_of(review, ret_verdict);
	explain(review, ret_verdict, ret_explanation);
}
