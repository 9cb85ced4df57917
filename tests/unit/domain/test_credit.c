/* SPDX-License-Identifier: Apache-2.0 */
/* Splits by cases/credit_split.tsv, attribution and money by cases/credit.tsv. */
#include "domain/credit.h"

#include "base/money.h"
#include "tsv.h"

/* Columns of equal length: shares_bps and days_ago; the first is the source unless `sources` says
 * which are. */
static size_t read_shares(const struct tsv *tsv, struct credit_share *shares)
{
	int64_t bps[CREDIT_MAX_SHARES], days[CREDIT_MAX_SHARES];
	size_t count = tsv_ints(tsv, "shares_bps", bps, CREDIT_MAX_SHARES);

	assert_int_equal(tsv_ints(tsv, "days_ago", days, CREDIT_MAX_SHARES), count);
	for (size_t i = 0; i < count; i++)
		shares[i] = (struct credit_share){ .partner_id = "",
			.is_sourced = i == 0,
			.share_bps = bps[i],
			.days_ago = days[i],
			.partner_status = "active" };
	return count;
}

static void expect_list(
	const struct tsv *tsv, const char *column, const int64_t *values, size_t count)
{
	int64_t expected[CREDIT_MAX_SHARES];

	assert_int_equal(tsv_ints(tsv, column, expected, CREDIT_MAX_SHARES), count);
	for (size_t i = 0; i < count; i++) {
		if (values[i] != expected[i])
			print_error("%s:%d: %s of %zu is %lld\n", tsv->name, tsv->line, column, i,
				(long long)values[i]);
		assert_int_equal(values[i], expected[i]);
	}
}

static void credit_follows_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("credit.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		struct credit_share shares[CREDIT_MAX_SHARES];
		int64_t bps[CREDIT_MAX_SHARES], parts[CREDIT_MAX_SHARES];
		size_t count = read_shares(tsv, shares);
		struct credit_policy policy = { .window_days = tsv_int(tsv, "window") };

		assert_true(credit_model_parse(tsv_text(tsv, "model"), &policy.model));
		assert_true(credit_attribute(&policy, shares, count, bps));
		expect_list(tsv, "credited_bps", bps, count);
		assert_true(money_split(tsv_int(tsv, "amount"), bps, count, parts));
		expect_list(tsv, "credited_minor", parts, count);
	}
	tsv_close(tsv);
}

static void splits_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("credit_split.tsv");
	struct arena *arena = arena_new();

	(void)state;
	while (tsv_next(tsv)) {
		struct credit_share shares[CREDIT_MAX_SHARES];
		struct problem problem = PROBLEM_INIT;
		char text[256] = "";
		size_t used = 0, count = read_shares(tsv, shares);
		const char *partners = tsv_text(tsv, "partners"),
			   *sources = tsv_text(tsv, "sources");

		/* A letter a partner: upper case is terminated, "x" is nobody. */
		for (size_t i = 0; i < count; i++) {
			char *name = arena_printf(arena, "%c", partners[i]);

			shares[i].partner_id = name;
			shares[i].is_sourced = sources[i] == 's';
			shares[i].partner_status = partners[i] == 'x'  ? NULL
						   : partners[i] < 'a' ? "terminated"
								       : "active";
		}
		bool is_good = credit_split_check(shares, count, arena, &problem);

		assert_int_equal(is_good, problem.violation_count == 0);
		for (size_t i = 0; i < problem.violation_count; i++)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s:%s",
				used ? " " : "", problem.violations[i].where + 1,
				violation_code_text(problem.violations[i].code));
		tsv_expect_text(tsv, "refused", used ? text : NULL);
		arena_reset(arena);
	}
	arena_free(arena);
	tsv_close(tsv);
}

static void models_are_known_by_name(void **state)
{
	enum credit_model model;

	(void)state;
	assert_true(credit_model_parse("even", &model));
	assert_int_equal(model, CREDIT_EVEN);
	assert_false(credit_model_parse("first_touch", &model));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(credit_follows_the_cases),
		cmocka_unit_test(splits_follow_the_cases),
		cmocka_unit_test(models_are_known_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
