/* SPDX-License-Identifier: Apache-2.0 */
/* When a company may apply, by its file of cases. */
#include "domain/application.h"

#include "tsv.h"

static void submissions_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("application_submit.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		const struct application_facts facts = {
			.status = tsv_text(tsv, "status"),
			.now_us = tsv_int(tsv, "now_us"),
			.waits_until_us = tsv_int(tsv, "waits_until_us"),
		};
		struct problem problem = PROBLEM_INIT;

		assert_int_equal(
			application_submit(&facts, &problem), tsv_text(tsv, "code") == NULL);
		tsv_expect_text(
			tsv, "code", problem.is_set ? problem_code_text(problem.code) : NULL);
	}
	tsv_close(tsv);
}

static void what_is_decided_is_closed(void **state)
{
	(void)state;
	assert_true(application_is_open("draft"));
	assert_true(application_is_open("in_review"));
	assert_false(application_is_open("approved"));
	assert_false(application_is_open("rejected"));
	assert_false(application_is_open("withdrawn"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(submissions_follow_the_cases),
		cmocka_unit_test(what_is_decided_is_closed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
