/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The margin's own steps stand between those of the price before and after it. Raise
 * QUOTE_RULES_VERSION whenever the same basket would be quoted otherwise.
 */
#include "domain/quote.h"

#define QUOTE_RULES_VERSION 1

static void add_steps(struct explanation *to, const struct explanation *from)
{
	for (size_t i = 0; i < from->step_count; i++) {
		const struct explain_step *step = &from->steps[i];

		explain_add(to, step->rule, step->unit, step->before, step->after, step->detail);
	}
}

bool quote_decide(const struct quote_input *input, struct quote_terms *ret_terms,
	struct explanation *ret_explanation, struct problem *problem)
{
	struct explanation of_margin;
	int64_t net_minor = input->margin.amount_minor;

	if (!margin_decide(&input->margin, &ret_terms->margin, &of_margin, problem))
		return false;
	if (!channel_cost(net_minor, ret_terms->margin.margin_minor, input->override_bps,
		    input->channel_cap_bps, &ret_terms->channel))
		return problem_set(problem, PROBLEM_validation_failed,
			"The basket is outside the range of money.");
	ret_terms->partner_price_minor = net_minor - ret_terms->margin.margin_minor;
	ret_terms->vendor_net_minor = net_minor - ret_terms->channel.total_minor;
	*ret_explanation = (struct explanation){
		.rule_set = "margin_quote",
		.rule_set_version = QUOTE_RULES_VERSION,
	};
	explain_add(ret_explanation, "list_price", "minor", 0, input->list_minor,
		"The lines at their list prices.");
	explain_add(ret_explanation, "volume_discount", "minor", input->list_minor, net_minor,
		"Volume prices reduce the price before the margin is taken.");
	add_steps(ret_explanation, &of_margin);
	explain_add(ret_explanation, "partner_price", "minor", net_minor,
		ret_terms->partner_price_minor, "The partner pays the net amount less its margin.");
	return true;
}
