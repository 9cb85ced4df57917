/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credit is a matter of weights: the model gives one to everybody who counts, and what there is, is
 * divided by largest remainder (base/money.h). Cases: tests/unit/domain/cases/credit.tsv and
 * credit_split.tsv.
 */
#include "domain/credit.h"

#include <string.h>
#include <strings.h>

#include "base/money.h"

static const char *const model_names[] = {
	[CREDIT_SOURCED] = "sourced",
	[CREDIT_SHARED] = "shared",
	[CREDIT_EVEN] = "even",
};

bool credit_model_parse(const char *text, enum credit_model *ret_model)
{
	for (size_t i = 0; i < sizeof(model_names) / sizeof(model_names[0]); i++) {
		if (strcmp(text, model_names[i]) != 0)
			continue;
		*ret_model = (enum credit_model)i;
		return true;
	}
	return false;
}

static bool is_named_before(const struct credit_share *shares, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcasecmp(shares[i].partner_id, shares[index].partner_id) == 0)
			return true;
	return false;
}

static void check_share(const struct credit_share *shares, size_t index, struct arena *arena,
	struct problem *problem)
{
	const struct credit_share *share = &shares[index];
	const char *partner = arena_printf(arena, "#/collaborators/%zu/partner_id", index);

	if (!share->partner_status)
		problem_add(problem, arena, PLACE_POINTER, partner, VIOLATION_reference_not_found,
			"There is no such partner.");
	else if (strcmp(share->partner_status, "terminated") == 0)
		problem_add(problem, arena, PLACE_POINTER, partner, VIOLATION_inconsistent,
			"The partner is terminated.");
	else if (is_named_before(shares, index))
		problem_add(problem, arena, PLACE_POINTER, partner, VIOLATION_not_unique,
			"The partner is named twice.");
	if (share->days_ago < 0)
		problem_add(problem, arena, PLACE_POINTER,
			arena_printf(arena, "#/collaborators/%zu/engaged_on", index),
			VIOLATION_too_large, "That day is still to come.");
}

bool credit_split_check(const struct credit_share *shares, size_t count, struct arena *arena,
	struct problem *problem)
{
	int64_t total_bps = 0;
	size_t sources = 0;

	for (size_t i = 0; i < count; i++) {
		check_share(shares, i, arena, problem);
		total_bps += shares[i].share_bps;
		sources += shares[i].is_sourced;
	}
	if (sources != 1)
		problem_add(problem, arena, PLACE_POINTER, "#/collaborators",
			VIOLATION_inconsistent, "One partner brought the deal, not %zu.", sources);
	if (total_bps != BPS_ONE)
		problem_add(problem, arena, PLACE_POINTER, "#/collaborators",
			VIOLATION_inconsistent, "The shares add up to %lld, not to %d.",
			(long long)total_bps, BPS_ONE);
	return !problem->is_set;
}

bool credit_freeze_check(const struct credit_share *shares, size_t count, struct problem *problem)
{
	for (size_t i = 0; i < count; i++)
		if (shares[i].partner_status && strcmp(shares[i].partner_status, "terminated") == 0)
			return problem_set(problem, PROBLEM_partner_not_active,
				"A partner that has part in the deal is terminated; split its "
				"credit anew.");
	return true;
}

bool credit_counts(const struct credit_policy *policy, const struct credit_share *share)
{
	return share->is_sourced ||
	       (policy->model != CREDIT_SOURCED && share->days_ago <= policy->window_days);
}

static int64_t weight_of(const struct credit_policy *policy, const struct credit_share *share)
{
	if (!credit_counts(policy, share))
		return 0;
	return policy->model == CREDIT_SHARED ? share->share_bps : 1;
}

bool credit_attribute(const struct credit_policy *policy, const struct credit_share *shares,
	size_t count, int64_t *ret_bps)
{
	int64_t weights[CREDIT_MAX_SHARES];
	int64_t total = 0;

	if (count > CREDIT_MAX_SHARES)
		return false;
	for (size_t i = 0; i < count; i++) {
		weights[i] = weight_of(policy, &shares[i]);
		total += weights[i];
	}
	/* Nobody who has a share counts: then it is the source's. */
	for (size_t i = 0; i < count && total == 0; i++)
		weights[i] = shares[i].is_sourced;
	return money_allocate(BPS_ONE, weights, count, ret_bps);
}
