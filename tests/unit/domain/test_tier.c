/* SPDX-License-Identifier: Apache-2.0 */
/* Terms of tiers by cases/tier_terms.tsv, their publication by tier_publication.tsv, bands beside
 * each other by tier_bands.tsv. The notation is said there. */
#include "domain/tier.h"

#include "tsv.h"

#define MAX_ITEMS 8
#define DAY_US    86400000000LL
#define NOW_US    (20000 * DAY_US)

static const struct benefit catalogue[] = {
	{ .key = "rate", .kind = BENEFIT_BPS, .better = BETTER_HIGHER },
	{ .key = "hours", .kind = BENEFIT_NUMBER, .better = BETTER_LOWER },
	{ .key = "agent", .kind = BENEFIT_BOOLEAN, .better = BETTER_HIGHER },
	{ .key = "level",
		.kind = BENEFIT_CHOICE,
		.better = BETTER_HIGHER,
		.choices = { "low", "mid", "high" },
		.choice_count = 3 },
	{ .key = "motto", .kind = BENEFIT_TEXT },
	{ .key = "old", .kind = BENEFIT_BOOLEAN, .is_retired = true },
};

struct written {
	struct tier_terms terms;
	struct tier_benefit benefits[MAX_ITEMS];
	struct tier_requirement requirements[MAX_ITEMS];
};

static const struct benefit *entry_of(const char *key)
{
	for (size_t i = 0; i < sizeof(catalogue) / sizeof(catalogue[0]); i++)
		if (strcmp(catalogue[i].key, key) == 0)
			return &catalogue[i];
	return NULL;
}

static struct benefit_value value_of(const char *text)
{
	char *end;
	int64_t number = strtoll(text, &end, 10);

	if (strcmp(text, "yes") == 0 || strcmp(text, "no") == 0)
		return (struct benefit_value){ VALUE_BOOLEAN, text[0] == 'y', NULL };
	if (*text && !*end)
		return (struct benefit_value){ VALUE_INTEGER, number, NULL };
	return (struct benefit_value){ VALUE_STRING, 0, text };
}

static struct margin_band band_of(const char *text)
{
	long long floor_bps, base_bps, cap_bps;

	assert_int_equal(sscanf(text, "%lld/%lld/%lld", &floor_bps, &base_bps, &cap_bps), 3);
	return (struct margin_band){ floor_bps, base_bps, cap_bps };
}

static void read_benefits(struct written *written, char *text)
{
	for (char *item; text && (item = strsep(&text, ","));) {
		char *key = strsep(&item, "=");

		assert_true(written->terms.benefit_count < MAX_ITEMS && item);
		written->benefits[written->terms.benefit_count++] =
			(struct tier_benefit){ key, entry_of(key), value_of(item) };
	}
}

static void read_requirements(struct written *written, char *text)
{
	for (char *item; text && (item = strsep(&text, ","));) {
		size_t length = strcspn(item, "<>");
		bool is_most = item[length] == '<';
		char *end;
		int64_t value = strtoll(item + length + 2, &end, 10);

		assert_true(written->terms.requirement_count < MAX_ITEMS && *end == '/');
		item[length] = '\0';
		written->requirements[written->terms.requirement_count++] =
			(struct tier_requirement){ item, is_most, value,
				strtoll(end + 1, NULL, 10) };
	}
}

static void read_terms(
	struct written *written, const char *band, char *benefits, char *requirements)
{
	*written = (struct written){ .terms.band = band_of(band) };
	written->terms.benefits = written->benefits;
	written->terms.requirements = written->requirements;
	read_benefits(written, benefits);
	read_requirements(written, requirements);
}

/* The places of the violations behind `prefix`, separated by spaces; NULL when there are none. */
static const char *refused_places(
	const struct problem *problem, const char *prefix, char *out, size_t room)
{
	size_t used = 0, length = strlen(prefix);

	for (size_t i = 0; i < problem->violation_count; i++) {
		assert_memory_equal(problem->violations[i].where, prefix, length);
		used += (size_t)snprintf(out + used, room - used, "%s%s", i ? " " : "",
			problem->violations[i].where + length);
	}
	return used ? out : NULL;
}

static void terms_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("tier_terms.tsv");
	struct arena *arena = arena_new();

	(void)state;
	while (tsv_next(tsv)) {
		struct written written;
		struct problem problem = PROBLEM_INIT;
		char places[512];

		read_terms(&written, tsv_text(tsv, "band"), tsv_text(tsv, "benefits"),
			tsv_text(tsv, "requirements"));
		bool is_good = tier_terms_check(
			&written.terms, tsv_int(tsv, "program_cap_bps"), arena, &problem);
		tsv_expect_text(
			tsv, "refused", refused_places(&problem, "", places, sizeof(places)));
		assert_int_equal(is_good, !problem.is_set);
		arena_reset(arena);
	}
	arena_free(arena);
	tsv_close(tsv);
}

static const char *changes_text(const struct tier_difference *difference, char *out, size_t room)
{
	size_t used = 0;

	for (size_t i = 0; i < difference->change_count; i++)
		used += (size_t)snprintf(out + used, room - used, "%s%c%s", i ? " " : "",
			difference->changes[i].effect > 0 ? '+' : '!',
			difference->changes[i].member);
	return used ? out : NULL;
}

/* The last step says whether there is a notice, the ones before count what is against partners. */
static void assert_explains(const struct explanation *explanation,
	const struct tier_difference *difference, bool is_first, int64_t notice_days)
{
	const struct explain_step *last = &explanation->steps[explanation->step_count - 1];
	bool needs_notice = !is_first && !tier_favours_partner(difference);

	assert_string_equal(explanation->rule_set, "tier_publication");
	assert_true(explanation->rule_set_version > 0);
	assert_int_equal(explanation->step_count, is_first ? 1 : 6);
	assert_string_equal(last->rule, "notice");
	assert_int_equal(last->after, needs_notice ? notice_days : 0);
	if (is_first)
		return;
	assert_int_equal(explanation->steps[3].after, difference->benefits_worse);
	assert_int_equal(explanation->steps[4].after, difference->requirements_harder);
}

static void publications_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("tier_publication.tsv");
	struct arena *arena = arena_new();

	(void)state;
	while (tsv_next(tsv)) {
		struct written before, after;
		const char *band_before = tsv_text(tsv, "band_before");
		struct tier_publication publication = { .after = &after.terms, .now_us = NOW_US };
		struct tier_difference difference;
		struct explanation explanation;
		struct problem problem = PROBLEM_INIT;
		int64_t effective_us;
		char changes[256], effective[32];

		if (band_before) {
			read_terms(&before, band_before, tsv_text(tsv, "benefits_before"),
				tsv_text(tsv, "requirements_before"));
			publication.before = &before.terms;
			publication.last_from_us = NOW_US + tsv_int(tsv, "last_from") * DAY_US;
		}
		read_terms(&after, tsv_text(tsv, "band"), tsv_text(tsv, "benefits"),
			tsv_text(tsv, "requirements"));
		publication.notice_days = tsv_int(tsv, "notice");
		publication.notice_ends_us = NOW_US + publication.notice_days * DAY_US;
		publication.has_wanted = tsv_text(tsv, "wanted") != NULL;
		publication.wanted_us = NOW_US + tsv_int(tsv, "wanted") * DAY_US;
		bool is_good = tier_publish_decide(
			&publication, &effective_us, &difference, &explanation, arena, &problem);
		snprintf(effective, sizeof(effective), "%lld",
			(long long)((effective_us - NOW_US) / DAY_US));
		tsv_expect_text(tsv, "effective", is_good ? effective : "refused");
		tsv_expect_text(
			tsv, "changes", changes_text(&difference, changes, sizeof(changes)));
		assert_explains(&explanation, &difference, !band_before, publication.notice_days);
		assert_int_equal(is_good, !problem.is_set);
		if (!is_good)
			assert_string_equal(problem.violations[0].where, "#/effective_at");
		arena_reset(arena);
	}
	arena_free(arena);
	tsv_close(tsv);
}

/* "2:2000/2500/3000@0..30" */
static struct tier_standing standing_of(char *text)
{
	struct tier_standing standing = { .name = "Other", .until_us = TIER_FOREVER_US };
	char *end;

	standing.rank = strtoll(text, &end, 10);
	standing.band = band_of(end + 1);
	standing.from_us = NOW_US + strtoll(strchr(text, '@') + 1, &end, 10) * DAY_US;
	if (end[2] != '\0')
		standing.until_us = NOW_US + strtoll(end + 2, NULL, 10) * DAY_US;
	return standing;
}

static void bands_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("tier_bands.tsv");
	struct arena *arena = arena_new();

	(void)state;
	while (tsv_next(tsv)) {
		struct tier_standing own = standing_of(tsv_text(tsv, "own")), others[MAX_ITEMS];
		char *text = tsv_text(tsv, "others"), places[256];
		size_t count = 0;
		struct problem problem = PROBLEM_INIT, ranked = PROBLEM_INIT;

		for (char *item; text && (item = strsep(&text, ","));)
			others[count++] = standing_of(item);
		bool is_good = tier_bands_check(&own, others, count, "#/draft", arena, &problem);
		tsv_expect_text(tsv, "refused",
			refused_places(&problem, "#/draft/margin_band/", places, sizeof(places)));
		assert_int_equal(is_good, !problem.is_set);
		assert_int_equal(
			tier_bands_check(&own, others, count, "#/rank", arena, &ranked), is_good);
		if (!is_good)
			assert_string_equal(ranked.violations[0].where, "#/rank");
		arena_reset(arena);
	}
	arena_free(arena);
	tsv_close(tsv);
}

/* Keys are unique, and every one is found by its key. */
static void metrics_are_found(void **state)
{
	(void)state;
	for (const struct metric *metric = metrics; metric->key; metric++) {
		assert_ptr_equal(metric_find(metric->key), metric);
		assert_true(metric_least(metric) <= 0 && metric_most(metric) >= 10000);
	}
	assert_null(metric_find("charm"));
	assert_null(metric_find(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(terms_follow_the_cases),
		cmocka_unit_test(publications_follow_the_cases),
		cmocka_unit_test(bands_follow_the_cases),
		cmocka_unit_test(metrics_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
