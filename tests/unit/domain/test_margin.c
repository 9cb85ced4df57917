/* SPDX-License-Identifier: Apache-2.0 */
/* Margins by cases/margin.tsv, bands by cases/margin_band.tsv; each answer must be derivable from
 * its explanation. */
#include "domain/margin.h"

#include "base/money.h"

#include "tsv.h"

#define MAX_ADJUSTERS 8

static struct margin_band band_of(const struct tsv *tsv)
{
	return (struct margin_band){ tsv_int(tsv, "floor_bps"), tsv_int(tsv, "base_bps"),
		tsv_int(tsv, "cap_bps") };
}

/* Every step takes up where the last one ended, and the last two end in the terms. */
static void assert_explains(const struct explanation *explanation, const struct margin_terms *terms,
	size_t adjuster_count)
{
	size_t last = explanation->step_count - 1;

	assert_string_equal(explanation->rule_set, "margin");
	assert_true(explanation->rule_set_version > 0);
	assert_int_equal(explanation->step_count, adjuster_count + 4);
	assert_string_equal(explanation->steps[0].rule, "tier_base");
	assert_string_equal(explanation->steps[last - 2].rule, "band_clamp");
	assert_string_equal(explanation->steps[last - 1].rule, "program_cap");
	assert_string_equal(explanation->steps[last].rule, "margin_amount");
	for (size_t i = 1; i < last; i++) {
		assert_int_equal(explanation->steps[i].before, explanation->steps[i - 1].after);
		assert_string_equal(explanation->steps[i].unit, "bps");
	}
	assert_int_equal(explanation->steps[last - 3].after - explanation->steps[last - 1].after,
		terms->clipped_bps);
	assert_int_equal(explanation->steps[last - 1].after, terms->margin_bps);
	assert_int_equal(explanation->steps[last].after, terms->margin_minor);
	assert_string_equal(explanation->steps[last].unit, "minor");
}

static void margins_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("margin.tsv");
	int64_t deltas_bps[MAX_ADJUSTERS];

	(void)state;
	while (tsv_next(tsv)) {
		struct margin_adjuster adjusters[MAX_ADJUSTERS] = { 0 };
		struct margin_input input = { .band = band_of(tsv), .adjusters = adjusters };
		struct margin_terms terms = { 0 };
		struct explanation explanation;
		struct problem problem = PROBLEM_INIT;

		input.program_cap_bps = tsv_int(tsv, "program_cap_bps");
		input.amount_minor = tsv_int(tsv, "amount_minor");
		input.adjuster_count = tsv_ints(tsv, "adjusters_bps", deltas_bps, MAX_ADJUSTERS);
		for (size_t i = 0; i < input.adjuster_count; i++)
			adjusters[i] =
				(struct margin_adjuster){ "adjuster", deltas_bps[i], "A reason." };
		assert_true(margin_decide(&input, &terms, &explanation, &problem));
		tsv_expect_int(tsv, "margin_bps", terms.margin_bps);
		tsv_expect_int(tsv, "margin_minor", terms.margin_minor);
		tsv_expect_int(tsv, "clipped_bps", terms.clipped_bps);
		assert_explains(&explanation, &terms, input.adjuster_count);
		assert_false(problem.is_set);
	}
	tsv_close(tsv);
}

static void an_amount_outside_money_is_refused(void **state)
{
	struct margin_input input = {
		.band = { 10000, 10000, 10000 },
		.program_cap_bps = 10000,
		.amount_minor = MONEY_MAX_MINOR + 1,
	};
	struct margin_terms terms;
	struct explanation explanation;
	struct problem problem = PROBLEM_INIT;

	(void)state;
	assert_false(margin_decide(&input, &terms, &explanation, &problem));
	assert_int_equal(problem.code, PROBLEM_validation_failed);
}

/* The members of the violations' pointers, separated by spaces; NULL when there are none. */
static const char *refused_members(const struct problem *problem, char *out, size_t room)
{
	static const char prefix[] = "#/margin_band/";
	size_t used = 0;

	for (size_t i = 0; i < problem->violation_count; i++) {
		const struct violation *violation = &problem->violations[i];

		assert_memory_equal(violation->where, prefix, strlen(prefix));
		assert_int_equal(violation->code, VIOLATION_inconsistent);
		used += (size_t)snprintf(out + used, room - used, "%s%s", i ? " " : "",
			violation->where + strlen(prefix));
	}
	return used ? out : NULL;
}

static void bands_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("margin_band.tsv");
	struct arena *arena = arena_new();
	char members[128];

	(void)state;
	while (tsv_next(tsv)) {
		struct margin_band band = band_of(tsv);
		struct problem problem = PROBLEM_INIT;
		bool is_good =
			margin_band_check(&band, tsv_int(tsv, "program_cap_bps"), arena, &problem);

		tsv_expect_text(
			tsv, "refused", refused_members(&problem, members, sizeof(members)));
		assert_int_equal(is_good, !problem.is_set);
		arena_reset(arena);
	}
	arena_free(arena);
	tsv_close(tsv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(margins_follow_the_cases),
		cmocka_unit_test(an_amount_outside_money_is_refused),
		cmocka_unit_test(bands_follow_the_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
