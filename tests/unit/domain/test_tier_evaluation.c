/* SPDX-License-Identifier: Apache-2.0 */
/* Requirements by cases/tier_requirement.tsv, single reviews by cases/tier_evaluation.tsv, rows of
 * them by cases/tier_reviews.tsv. */
#include "domain/tier_evaluation.h"

#include "tsv.h"

#define MAX_RUNGS 4
#define MAX_PARTS 3

static struct tier_measure measure_of(const char *text, bool is_more)
{
	if (!text || strcmp(text, "?") == 0)
		return (struct tier_measure){ 0 };
	return (struct tier_measure){ true, strtoll(text, NULL, 10), is_more };
}

static void requirements_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("tier_requirement.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		struct tier_requirement requirement = {
			.metric = "people",
			.is_most = strcmp(tsv_text(tsv, "comparison"), "lte") == 0,
			.value = tsv_int(tsv, "need"),
		};
		struct tier_measure measure =
			measure_of(tsv_text(tsv, "have"), tsv_int(tsv, "more") != 0);
		struct tier_standard standard = tier_requirement_judge(&requirement, &measure);

		tsv_expect_int(tsv, "is_met", standard.is_met);
		tsv_expect_int(tsv, "gap", standard.gap);
		tsv_expect_int(tsv, "surplus", standard.surplus);
	}
	tsv_close(tsv);
}

struct ladder {
	struct tier_rung rungs[MAX_RUNGS];
	struct tier_requirement requirements[MAX_RUNGS][MAX_PARTS];
	struct tier_measure measures[MAX_PARTS];
	size_t count;
};

static void read_rung(struct ladder *ladder, char *text)
{
	size_t index = ladder->count++, count = 0;

	for (char *part; strcmp(text ? text : "free", "free") != 0 && (part = strsep(&text, "/"));)
		ladder->requirements[index][count++] =
			(struct tier_requirement){ "people", false, strtoll(part, NULL, 10), 0 };
	ladder->rungs[index] = (struct tier_rung){ (int64_t)index + 1, ladder->requirements[index],
		ladder->measures, count };
}

static void read_ladder(struct ladder *ladder, char *tiers, char *values)
{
	*ladder = (struct ladder){ 0 };
	while (tiers)
		read_rung(ladder, strsep(&tiers, " "));
	for (size_t i = 0; values; i++)
		ladder->measures[i] = measure_of(strsep(&values, "/"), false);
}

static size_t index_of(int64_t tier)
{
	return tier == 0 ? TIER_NONE : (size_t)tier - 1;
}

static int64_t tier_of(size_t index)
{
	return index == TIER_NONE ? 0 : (int64_t)index + 1;
}

/* What the explanation says is what the verdict is. */
static void assert_explains(const struct explanation *explanation, const struct tier_review *review,
	const struct tier_verdict *verdict)
{
	const struct explain_step *steps = explanation->steps;

	assert_string_equal(explanation->rule_set, "tier_evaluation");
	assert_true(explanation->rule_set_version > 0);
	assert_int_equal(explanation->step_count, 3);
	assert_int_equal(steps[0].before, tier_of(review->current));
	assert_int_equal(steps[0].after, tier_of(verdict->earned));
	assert_int_equal(steps[1].after, verdict->failed_reviews);
	assert_string_equal(steps[2].rule, tier_outcome_text(verdict->outcome));
	assert_int_equal(steps[2].after, tier_of(verdict->to));
	for (size_t i = 0; i < explanation->step_count; i++)
		assert_non_null(steps[i].detail);
}

static void reviews_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("tier_evaluation.tsv");
	struct ladder ladder;

	(void)state;
	while (tsv_next(tsv)) {
		const char *how = tsv_text(tsv, "state") ? tsv_text(tsv, "state") : "";
		struct explanation explanation;
		struct tier_verdict verdict;

		read_ladder(&ladder, tsv_text(tsv, "tiers"), tsv_text(tsv, "values"));
		const struct tier_review review = {
			.rungs = ladder.rungs,
			.rung_count = ladder.count,
			.current = index_of(tsv_int(tsv, "tier")),
			.failed_reviews = tsv_int(tsv, "failed"),
			.grace_reviews = tsv_int(tsv, "grace"),
			.is_immune = strcmp(how, "immune") == 0,
			.is_overridden = strcmp(how, "overridden") == 0,
			.is_counted = strcmp(how, "counted") == 0,
		};
		tier_review_decide(&review, &verdict, &explanation);
		tsv_expect_int(tsv, "earned", tier_of(verdict.earned));
		tsv_expect_int(tsv, "to", tier_of(verdict.to));
		tsv_expect_text(tsv, "outcome", tier_outcome_text(verdict.outcome));
		tsv_expect_int(tsv, "failed_after", verdict.failed_reviews);
		assert_explains(&explanation, &review, &verdict);
	}
	tsv_close(tsv);
}

/* Two requirements, of which the higher tiers miss the second in a review that fails. */
static void review_once(struct tier_review *review, bool passes)
{
	static const struct tier_requirement need = { "people", false, 1, 0 };
	const struct tier_measure have = { true, passes ? 1 : 0, false };
	const struct tier_rung rungs[] = {
		{ 1, NULL, NULL, 0 },
		{ 2, &need, &have, 1 },
		{ 3, &need, &have, 1 },
	};
	struct explanation explanation;
	struct tier_verdict verdict;

	review->rungs = rungs;
	review->rung_count = 3;
	tier_review_decide(review, &verdict, &explanation);
	review->current = verdict.to;
	review->failed_reviews = verdict.failed_reviews;
}

static void rows_of_reviews_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("tier_reviews.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		int64_t tiers[16], failed[16];
		const char *reviews = tsv_text(tsv, "reviews");
		size_t count = tsv_ints(tsv, "tiers", tiers, 16);
		struct tier_review review = { .current = 2,
			.grace_reviews = tsv_int(tsv, "grace") };

		assert_int_equal(count, strlen(reviews));
		assert_int_equal(count, tsv_ints(tsv, "failed", failed, 16));
		for (size_t i = 0; i < count; i++) {
			review_once(&review, reviews[i] == 'P');
			if (tier_of(review.current) != tiers[i] ||
				review.failed_reviews != failed[i])
				fail_msg("%s:%d: after review %zu tier %lld, %lld failed",
					tsv->name, tsv->line, i + 1,
					(long long)tier_of(review.current),
					(long long)review.failed_reviews);
		}
	}
	tsv_close(tsv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requirements_follow_the_cases),
		cmocka_unit_test(reviews_follow_the_cases),
		cmocka_unit_test(rows_of_reviews_follow_the_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
