/* SPDX-License-Identifier: Apache-2.0 */
/* Cases stand in tests/unit/domain/cases/match.tsv and matching.tsv. Raise MATCHING_RULES_VERSION
 * whenever the same facts would be judged otherwise. */
#include "domain/matching.h"

int64_t name_similarity_bps(int64_t shared_words, int64_t words, int64_t their_words)
{
	return words + their_words > 0 ? 20000 * shared_words / (words + their_words) : 0;
}

enum match match_judge(const struct match_candidate *candidate)
{
	if (!candidate->scopes_meet)
		return MATCH_NONE;
	if (candidate->has_key)
		return candidate->is_own ? MATCH_DUPLICATE : MATCH_CONFLICT;
	if (candidate->shared_words > 0 &&
		name_similarity_bps(candidate->shared_words, candidate->words,
			candidate->their_words) >= NAME_LEAST_BPS)
		return MATCH_REVIEW;
	return MATCH_NONE;
}

const char *match_text(enum match match)
{
	static const char *const texts[] = { "none", "review", "conflict", "duplicate" };
	return texts[match];
}

static void take(const struct match_candidate *candidate, enum match match,
	struct matching *matching, bool *is_open_ended)
{
	matching->reviews += match == MATCH_REVIEW;
	matching->conflicts += match == MATCH_CONFLICT;
	if (match == MATCH_DUPLICATE && matching->own_deal_id == NULL)
		matching->own_deal_id = candidate->deal_id;
	if (match > matching->match)
		matching->match = match;
	if (match < MATCH_CONFLICT)
		return;
	if (candidate->protected_until_us == 0)
		*is_open_ended = true;
	else if (candidate->protected_until_us > matching->free_from_us)
		matching->free_from_us = candidate->protected_until_us;
}

/* For the partner's eyes, too: that the account is held, and no more than that. */
static void explain(const struct matching *matching, struct explanation *explanation)
{
	*explanation = (struct explanation){ .rule_set = "customer_matching",
		.rule_set_version = MATCHING_RULES_VERSION };
	explain_add(explanation, "exact_key", NULL, 0, matching->conflicts > 0,
		"Whether the account is held already: the same tax id, DUNS number or domain, with "
		"products and territory in common. Who was first is served first.");
}

void matching_decide(const struct match_candidate *candidates, size_t count,
	struct matching *ret_matching, struct explanation *ret_explanation)
{
	bool is_open_ended = false;
	*ret_matching = (struct matching){ 0 };
	for (size_t i = 0; i < count; i++) {
		enum match match = match_judge(&candidates[i]);
		if (match != MATCH_CONFLICT || candidates[i].is_ahead)
			take(&candidates[i], match, ret_matching, &is_open_ended);
	}
	if (is_open_ended)
		ret_matching->free_from_us = 0;
	explain(ret_matching, ret_explanation);
}
