/* SPDX-License-Identifier: Apache-2.0 */
/* Who is in whose way, by cases/match.tsv and matching.tsv. */
#include "domain/matching.h"

#include "tsv.h"

#define MOST 4

static void pairs_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("match.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		const struct match_candidate candidate = {
			.is_own = tsv_int(tsv, "own"),
			.has_key = tsv_int(tsv, "key"),
			.scopes_meet = tsv_int(tsv, "scopes"),
			.shared_words = tsv_int(tsv, "shared"),
			.words = tsv_int(tsv, "words"),
			.their_words = tsv_int(tsv, "theirs"),
		};

		tsv_expect_text(tsv, "match", match_text(match_judge(&candidate)));
	}
	tsv_close(tsv);
}

static size_t read_candidates(char *text, struct match_candidate *candidates)
{
	static const char *const ids[MOST] = { "d0", "d1", "d2", "d3" };
	size_t count = 0;

	for (char *one = strsep(&text, " "); one; one = strsep(&text, " ")) {
		int own, key, scopes, ahead;
		long long shared, until;

		assert_true(count < MOST);
		assert_int_equal(6, sscanf(one, "%d/%d/%d/%d/%lld/%lld", &own, &key, &scopes,
					    &ahead, &shared, &until));
		candidates[count] = (struct match_candidate){ ids[count], own, key, scopes, ahead,
			shared, 2, 2, until };
		count++;
	}
	return count;
}

static void all_together_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("matching.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		struct match_candidate candidates[MOST];
		struct matching matching;
		struct explanation explanation;
		size_t count = read_candidates(tsv_text(tsv, "candidates"), candidates);

		matching_decide(candidates, count, &matching, &explanation);
		tsv_expect_text(tsv, "match", match_text(matching.match));
		tsv_expect_text(tsv, "own", matching.own_deal_id);
		tsv_expect_int(tsv, "conflicts", matching.conflicts);
		tsv_expect_int(tsv, "reviews", matching.reviews);
		tsv_expect_int(tsv, "free_from", matching.free_from_us);
		/* It is read by the partner: whether, never how many or who. */
		assert_int_equal(explanation.step_count, 1);
		assert_int_equal(explanation.steps[0].after, matching.conflicts > 0);
	}
	tsv_close(tsv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_follow_the_cases),
		cmocka_unit_test(all_together_follow_the_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
