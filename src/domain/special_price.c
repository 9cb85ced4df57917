/* SPDX-License-Identifier: Apache-2.0 */
/* What was granted replaces the margin as a whole; nothing is added to it. */
#include "domain/special_price.h"

#include "base/money.h"

bool special_price_check(int64_t margin_bps, int64_t program_cap_bps, const char *pointer,
	struct arena *arena, struct problem *problem)
{
	if (margin_bps <= program_cap_bps)
		return true;
	problem_add(problem, arena, PLACE_POINTER, pointer, VIOLATION_too_large,
		"The program gives %lld basis points at most.", (long long)program_cap_bps);
	return false;
}

bool special_price_apply(int64_t granted_bps, int64_t program_cap_bps, int64_t amount_minor,
	struct margin_terms *terms, struct explanation *explanation, struct problem *problem)
{
	int64_t bps = granted_bps < program_cap_bps ? granted_bps : program_cap_bps;
	int64_t minor;

	if (granted_bps <= 0)
		return true;
	if (!money_share(amount_minor, bps, &minor))
		return problem_set(problem, PROBLEM_validation_failed,
			"The amount is outside the range of money.");
	explain_add(explanation, "special_price", "bps", terms->margin_bps, bps,
		"A special price was granted for this deal; it takes the place of the margin.");
	explain_add(explanation, "margin_amount", "minor", terms->margin_minor, minor,
		"The margin is taken of the net amount and rounded half away from zero.");
	*terms = (struct margin_terms){
		.margin_bps = bps, .margin_minor = minor, .clipped_bps = granted_bps - bps
	};
	return true;
}
