/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The margin of a deal. Steps run in a fixed order and each is explained: base, adjusters, band,
 * programme's cap, amount. The programme's cap comes last and therefore wins; a band that reaches
 * above it is refused when it is written. Raise
 * MARGIN_RULES_VERSION whenever the same facts would give another margin.
 */
#include "domain/margin.h"

#include "base/money.h"

#define MARGIN_RULES_VERSION 1

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
	if (value < least)
		return least;
	return value > most ? most : value;
}

static int64_t adjusted_bps(const struct margin_input *input, struct explanation *explanation)
{
	int64_t margin_bps = input->band.base_bps;

	explain_add(explanation, "tier_base", "bps", 0, margin_bps,
		"The margin starts at the base of the partner's tier.");
	for (size_t i = 0; i < input->adjuster_count; i++) {
		const struct margin_adjuster *adjuster = &input->adjusters[i];

		explain_add(explanation, adjuster->rule, "bps", margin_bps,
			margin_bps + adjuster->delta_bps, adjuster->detail);
		margin_bps += adjuster->delta_bps;
	}
	return margin_bps;
}

static int64_t clamped_bps(
	const struct margin_input *input, int64_t margin_bps, struct explanation *explanation)
{
	int64_t in_band_bps = clamp(margin_bps, input->band.floor_bps, input->band.cap_bps);
	int64_t capped_bps =
		in_band_bps > input->program_cap_bps ? input->program_cap_bps : in_band_bps;

	explain_add(explanation, "band_clamp", "bps", margin_bps, in_band_bps,
		"The margin stays within the band of the partner's tier.");
	explain_add(explanation, "program_cap", "bps", in_band_bps, capped_bps,
		"The margin does not exceed the cap of the programme.");
	return capped_bps;
}

bool margin_band_check(const struct margin_band *band, int64_t program_cap_bps, struct arena *arena,
	struct problem *problem)
{
	size_t before = problem->violation_count;

	if (band->floor_bps < 0)
		problem_add(problem, arena, PLACE_POINTER, "#/margin_band/floor_bps",
			VIOLATION_inconsistent, "The floor must not be negative.");
	if (band->base_bps < band->floor_bps)
		problem_add(problem, arena, PLACE_POINTER, "#/margin_band/base_bps",
			VIOLATION_inconsistent, "The base must not lie below the floor.");
	if (band->cap_bps < band->base_bps)
		problem_add(problem, arena, PLACE_POINTER, "#/margin_band/cap_bps",
			VIOLATION_inconsistent, "The cap must not lie below the base.");
	if (band->cap_bps > program_cap_bps)
		problem_add(problem, arena, PLACE_POINTER, "#/margin_band/cap_bps",
			VIOLATION_inconsistent,
			"The cap must not lie above the cap of the programme, %lld basis points.",
			(long long)program_cap_bps);
	return problem->violation_count == before;
}

bool margin_decide(const struct margin_input *input, struct margin_terms *ret_terms,
	struct explanation *ret_explanation, struct problem *problem)
{
	int64_t wanted_bps;

	*ret_explanation = (struct explanation){
		.rule_set = "margin",
		.rule_set_version = MARGIN_RULES_VERSION,
	};
	wanted_bps = adjusted_bps(input, ret_explanation);
	ret_terms->margin_bps = clamped_bps(input, wanted_bps, ret_explanation);
	ret_terms->clipped_bps = wanted_bps - ret_terms->margin_bps;
	if (!money_share(input->amount_minor, ret_terms->margin_bps, &ret_terms->margin_minor))
		return problem_set(problem, PROBLEM_validation_failed,
			"The amount is outside the range of money.");
	explain_add(ret_explanation, "margin_amount", "minor", input->amount_minor,
		ret_terms->margin_minor,
		"The margin is taken of the net amount and rounded half away from zero.");
	return true;
}
