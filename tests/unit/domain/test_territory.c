/* SPDX-License-Identifier: Apache-2.0 */
/* Regions by cases/region.tsv, assignments by cases/territory.tsv and territory_end.tsv. That
 * nothing overlaps is the schema's part: tests/api/test_territories.py. */
#include "domain/territory.h"

#include "tsv.h"

#define MAX_TAKEN 4

/* The problem, when it is not about fields only, and the violations as POINTER:code. */
static const char *refusal(const struct problem *problem, char *out, size_t room)
{
	size_t used = 0;

	out[0] = '\0';
	if (!problem->is_set)
		return NULL;
	if (problem->code != PROBLEM_validation_failed)
		used = (size_t)snprintf(out, room, "%s", problem_code_text(problem->code));
	for (size_t i = 0; i < problem->violation_count; i++) {
		const struct violation *violation = &problem->violations[i];

		used += (size_t)snprintf(out + used, room - used, "%s%s:%s", used ? " " : "",
			violation->where + 1, violation_code_text(violation->code));
	}
	return out;
}

static void expect_refusal(const struct tsv *tsv, bool is_good, const struct problem *problem)
{
	char text[256];

	assert_int_equal(is_good, !problem->is_set);
	tsv_expect_text(tsv, "refused", refusal(problem, text, sizeof(text)));
	if (problem->is_set && problem->code == PROBLEM_territory_taken)
		assert_string_equal(problem->resource_id, "x");
}

static void regions_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("region.tsv");
	struct arena *arena = arena_new();

	(void)state;
	while (tsv_next(tsv)) {
		int64_t taken[MAX_TAKEN];
		struct problem problem = PROBLEM_INIT;
		const struct region_facts facts = {
			.has_parent = tsv_int(tsv, "has_parent"),
			.parent_status = tsv_text(tsv, "parent_status"),
			.is_below_itself = tsv_int(tsv, "is_below_itself"),
			.depth = tsv_int(tsv, "depth"),
			.blocker_id = tsv_text(tsv, "blocker"),
			.taken_places = taken,
			.taken_count = tsv_ints(tsv, "taken", taken, MAX_TAKEN),
		};

		expect_refusal(tsv, region_check(&facts, arena, &problem), &problem);
		arena_reset(arena);
	}
	arena_free(arena);
	tsv_close(tsv);
}

static void assignments_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("territory.tsv");
	struct arena *arena = arena_new();

	(void)state;
	while (tsv_next(tsv)) {
		struct problem problem = PROBLEM_INIT;
		const char *product = tsv_text(tsv, "product");
		bool has_product = product != NULL && strcmp(product, "none") != 0;
		const struct territory_facts facts = {
			.has_product = product != NULL,
			.product_status = has_product ? product : NULL,
			.partner_status = tsv_text(tsv, "partner"),
			.region_status = tsv_text(tsv, "region"),
			.valid_from_us = tsv_int(tsv, "from"),
			.valid_to_us = tsv_int(tsv, "to"),
			.has_end = tsv_text(tsv, "to") != NULL,
			.blocker_id = tsv_text(tsv, "blocker"),
			.is_blocked_by_own = tsv_int(tsv, "is_own"),
		};

		expect_refusal(tsv, territory_check(&facts, arena, &problem), &problem);
		arena_reset(arena);
	}
	arena_free(arena);
	tsv_close(tsv);
}

static void ends_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("territory_end.tsv");
	struct arena *arena = arena_new();

	(void)state;
	while (tsv_next(tsv)) {
		struct problem problem = PROBLEM_INIT;
		int64_t ends_us = 0;
		const struct territory_end end = {
			.now_us = tsv_int(tsv, "now"),
			.valid_from_us = tsv_int(tsv, "from"),
			.valid_to_us = tsv_int(tsv, "to"),
			.has_end = tsv_text(tsv, "to") != NULL,
			.wanted_us = tsv_int(tsv, "wanted"),
			.is_wanted = tsv_text(tsv, "wanted") != NULL,
		};
		bool is_good = territory_ends_at(&end, "#/ends_at", arena, &ends_us, &problem);

		tsv_expect_text(tsv, "refused",
			is_good ? NULL : violation_code_text(problem.violations[0].code));
		tsv_expect_int(tsv, "ends", ends_us);
		arena_reset(arena);
	}
	arena_free(arena);
	tsv_close(tsv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(regions_follow_the_cases),
		cmocka_unit_test(assignments_follow_the_cases),
		cmocka_unit_test(ends_follow_the_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
