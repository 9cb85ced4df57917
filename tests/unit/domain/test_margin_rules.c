/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conditions by cases/margin_conditions.tsv, what may be written by cases/margin_rules_check.tsv,
 * and the handbook's rule set as a whole.
 */
#include "domain/margin_rules.h"

#include "tsv.h"

#define MAX_WORDS 8

/* A rule as a case writes it; the texts are cut up in place. */
struct written {
	struct margin_condition conditions[4];
	const char *words[4][MAX_WORDS];
	size_t count;
};

static size_t split_words(char *text, const char **ret_words)
{
	size_t count = 0;

	for (char *word = strsep(&text, "|"); word; word = strsep(&text, "|"))
		ret_words[count++] = word;
	return count;
}

static struct margin_value value_of(char *text, const char **words)
{
	struct margin_value value = { .words = words };
	char *end;

	value.number = strtoll(text, &end, 10);
	value.truth = strcmp(text, "true") == 0;
	if (*text && *end == '\0')
		value.kind = VALUE_NUMBER;
	else if (value.truth || strcmp(text, "false") == 0)
		value.kind = VALUE_BOOLEAN;
	else if (strchr(text, '|'))
		value.kind = VALUE_LIST;
	else
		value.kind = VALUE_TEXT;
	value.word_count = split_words(text, words);
	return value;
}

static void read_conditions(char *text, struct written *out)
{
	out->count = 0;
	for (char *part = strsep(&text, "&"); part; part = strsep(&text, "&")) {
		struct margin_condition *condition = &out->conditions[out->count];

		condition->fact = strsep(&part, " ");
		condition->comparison = strsep(&part, " ");
		condition->value = value_of(part, out->words[out->count]);
		out->count++;
	}
}

static void read_facts(char *text, struct margin_facts *facts, const char *words[][MAX_WORDS])
{
	for (char *part = strsep(&text, "&"); part; part = strsep(&text, "&")) {
		const char *key = strsep(&part, "=");
		enum margin_fact fact;
		struct margin_fact_value *value;

		assert_true(margin_fact_parse(key, &fact));
		value = &facts->values[fact];
		value->is_known = true;
		value->number = strtoll(part, NULL, 10);
		value->truth = strcmp(part, "true") == 0;
		value->words = words[fact];
		value->word_count = split_words(part, words[fact]);
		value->is_partial = strcmp(words[fact][value->word_count - 1], "?") == 0;
		value->word_count -= value->is_partial;
	}
}

static void conditions_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("margin_conditions.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		struct written written;
		const char *words[MARGIN_FACT_COUNT][MAX_WORDS];
		struct margin_facts facts = { .now_us = 1000 };
		struct margin_rule rule = { .key = "k", .name = "A rule.", .delta_bps = 100 };
		struct margin_rules rules = { "EUR", &rule, 1 };
		struct margin_adjuster adjusters[MARGIN_MAX_RULES];
		struct rule_outcome outcomes[MARGIN_MAX_RULES];
		size_t count;

		read_conditions(tsv_text(tsv, "conditions"), &written);
		read_facts(tsv_text(tsv, "facts"), &facts, words);
		rule.conditions = written.conditions;
		rule.condition_count = written.count;
		count = margin_rules_apply(&rules, &facts, adjusters, outcomes);
		tsv_expect_text(tsv, "verdict", rule_verdict_text(outcomes[0].verdict));
		tsv_expect_int(tsv, "condition", (int64_t)outcomes[0].condition);
		assert_int_equal(count, outcomes[0].verdict == RULE_APPLIES);
	}
	tsv_close(tsv);
}

/* "0/fact:invalid_choice 1/value:wrong_type": pointers without what they all begin with. */
static const char *violations_text(const struct problem *problem, char *out, size_t room)
{
	static const char rule[] = "#/rules/0/", conditions[] = "conditions/";
	size_t used = 0;

	for (size_t i = 0; i < problem->violation_count; i++) {
		const struct violation *violation = &problem->violations[i];
		const char *where = violation->where + strlen(rule);

		assert_memory_equal(violation->where, rule, strlen(rule));
		if (strncmp(where, conditions, strlen(conditions)) == 0)
			where += strlen(conditions);
		used += (size_t)snprintf(out + used, room - used, "%s%s:%s", i ? " " : "", where,
			violation_code_text(violation->code));
	}
	return used ? out : NULL;
}

static void what_is_written_is_checked(void **state)
{
	struct tsv *tsv = tsv_open("margin_rules_check.tsv");
	struct arena *arena = arena_new();
	char text[512];

	(void)state;
	while (tsv_next(tsv)) {
		struct written written;
		struct margin_rule rule = {
			.key = "k",
			.name = "A rule.",
			.delta_bps = tsv_int(tsv, "delta_bps"),
			.valid_from_us = tsv_int(tsv, "valid_from"),
			.valid_until_us = tsv_int(tsv, "valid_until"),
		};
		struct margin_rules rules = { "EUR", &rule, 1 };
		struct problem problem = PROBLEM_INIT;
		struct margin_warning warning;

		read_conditions(tsv_text(tsv, "conditions"), &written);
		rule.conditions = written.conditions;
		rule.condition_count = written.count;
		margin_rules_check(&rules, arena, &problem);
		tsv_expect_text(tsv, "refused", violations_text(&problem, text, sizeof(text)));
		if (problem.violation_count > 0)
			continue;
		text[0] = '\0';
		if (margin_rules_warnings(&rules, 4500, 1000, arena, &warning, 1) == 1)
			snprintf(text, sizeof(text), "%s %s", warning.where + strlen("#/rules/0/"),
				warning.code);
		tsv_expect_text(tsv, "warning", text[0] ? text : NULL);
	}
	arena_free(arena);
	tsv_close(tsv);
}

static void keys_are_used_once(void **state)
{
	struct margin_rule set[] = { { .key = "a", .name = "A" }, { .key = "b", .name = "B" },
		{ .key = "a", .name = "C" } };
	struct margin_rules rules = { "EUR", set, 3 };
	struct arena *arena = arena_new();
	struct problem problem = PROBLEM_INIT;

	(void)state;
	assert_false(margin_rules_check(&rules, arena, &problem));
	assert_int_equal(problem.violation_count, 1);
	assert_string_equal(problem.violations[0].where, "#/rules/2/key");
	assert_int_equal(problem.violations[0].code, VIOLATION_not_unique);
	arena_free(arena);
}

/* An uplift is a rule with a period, half-open. */
static void uplifts_have_a_period(void **state)
{
	struct margin_rule uplift = { .key = "u",
		.name = "U",
		.delta_bps = 100,
		.valid_from_us = 100,
		.valid_until_us = 200 };
	struct margin_rules rules = { "EUR", &uplift, 1 };
	static const struct {
		int64_t now_us;
		enum rule_verdict verdict;
	} cases[] = { { 99, RULE_NOT_YET }, { 100, RULE_APPLIES }, { 199, RULE_APPLIES },
		{ 200, RULE_OVER } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct margin_facts facts = { .now_us = cases[i].now_us };
		struct margin_adjuster adjusters[MARGIN_MAX_RULES];
		struct rule_outcome outcomes[MARGIN_MAX_RULES];

		margin_rules_apply(&rules, &facts, adjusters, outcomes);
		assert_int_equal(outcomes[0].verdict, cases[i].verdict);
	}
}

/* Rules apply in the order in which they stand. */
static void adjusters_keep_the_order(void **state)
{
	struct margin_rule set[] = { { .key = "b", .name = "B", .delta_bps = 200 },
		{ .key = "a", .name = "A", .delta_bps = -100 } };
	struct margin_rules rules = { "EUR", set, 2 };
	struct margin_facts facts = { .now_us = 1 };
	struct margin_adjuster adjusters[MARGIN_MAX_RULES];
	struct rule_outcome outcomes[MARGIN_MAX_RULES];

	(void)state;
	assert_int_equal(margin_rules_apply(&rules, &facts, adjusters, outcomes), 2);
	assert_string_equal(adjusters[0].rule, "b");
	assert_int_equal(adjusters[1].delta_bps, -100);
	assert_string_equal(adjusters[1].detail, "A");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions_follow_the_cases),
		cmocka_unit_test(what_is_written_is_checked),
		cmocka_unit_test(keys_are_used_once),
		cmocka_unit_test(uplifts_have_a_period),
		cmocka_unit_test(adjusters_keep_the_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
