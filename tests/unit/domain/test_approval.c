/* SPDX-License-Identifier: Apache-2.0 */
/* Whose step it is, and what may be written as a policy, by their files of cases. */
#include "domain/approval.h"

#include "tsv.h"

#define MAX_PEOPLE 4

/* Splits in place; NULL: nothing. */
static size_t words_of(char *text, const char *separator, const char **ret_words, size_t room)
{
	size_t count = 0;

	for (char *word = text ? strsep(&text, separator) : NULL; word;
		word = strsep(&text, separator)) {
		assert_true(count < room);
		if (*word)
			ret_words[count++] = word;
	}
	return count;
}

static char *copy_of(const struct tsv *tsv, const char *column, struct arena *arena)
{
	const char *text = tsv_text(tsv, column);

	return text ? arena_strdup(arena, text) : NULL;
}

/* "r:role", "r:role+person" or "u:person,person" */
static struct approvers approvers_of(char *text, struct arena *arena)
{
	const char **people = arena_zalloc(arena, MAX_PEOPLE * sizeof *people);
	struct approvers by = { .user_ids = people };

	if (text[0] == 'u') {
		by.user_count = words_of(text + 2, ",", people, MAX_PEOPLE);
		return by;
	}
	by.role = text + 2;
	char *plus = strchr(text, '+');
	if (plus) {
		*plus = '\0';
		by.user_count = words_of(plus + 1, ",", people, MAX_PEOPLE);
	}
	return by;
}

static struct approval_step *steps_of(const struct tsv *tsv, size_t *ret_count, struct arena *arena)
{
	const char *words[APPROVAL_MAX_STEPS];
	struct approval_step *steps = arena_zalloc(arena, APPROVAL_MAX_STEPS * sizeof *steps);

	*ret_count = words_of(copy_of(tsv, "steps", arena), " ", words, APPROVAL_MAX_STEPS);
	for (size_t i = 0; i < *ret_count; i++) {
		char *text = (char *)words[i], *equals = strchr(text, '=');
		size_t length = strlen(text);

		steps[i].name = arena_printf(arena, "step %zu", i);
		if (equals) {
			*equals = '\0';
			steps[i].name = text;
			length -= (size_t)(equals + 1 - text);
			text = equals + 1;
		}
		steps[i].four_eyes = text[length - 1] == '!';
		if (steps[i].four_eyes)
			text[length - 1] = '\0';
		steps[i].by = approvers_of(text, arena);
	}
	return steps;
}

static struct approval_policy policy_of(const struct tsv *tsv, struct arena *arena)
{
	char *escalation = copy_of(tsv, "escalation", arena);
	struct approval_policy policy = {
		.id = "policy",
		.version = 2,
		.currency = "EUR",
		.is_automatic = tsv_int(tsv, "auto"),
		.escalates = escalation != NULL,
	};

	policy.steps = steps_of(tsv, &policy.step_count, arena);
	if (escalation)
		policy.escalation = approvers_of(escalation, arena);
	return policy;
}

static struct margin_condition *condition_of(
	const char *fact, const char *comparison, int64_t number, struct arena *arena)
{
	struct margin_condition *condition = arena_zalloc(arena, sizeof *condition);

	*condition = (struct margin_condition){ fact, comparison,
		{ .kind = VALUE_NUMBER, .number = number } };
	return condition;
}

static void set_threshold(
	const struct tsv *tsv, struct approval_policy *policy, struct arena *arena)
{
	const char *when = tsv_text(tsv, "when");

	if (!when)
		return;
	bool is_below = when[0] == '<';
	policy->conditions = condition_of(
		"amount_minor", is_below ? "lt" : "gte", strtoll(when + is_below, NULL, 10), arena);
	policy->condition_count = 1;
}

static size_t given_of(const struct tsv *tsv, struct approval_given *ret_given, struct arena *arena)
{
	const char *people[APPROVAL_MAX_STEPS];
	size_t count = words_of(copy_of(tsv, "given", arena), " ", people, APPROVAL_MAX_STEPS);

	for (size_t i = 0; i < count; i++) {
		bool is_old = people[i][0] == '=';

		ret_given[i] =
			(struct approval_given){ "policy", is_old ? 1 : 2, i, people[i] + is_old };
	}
	return count;
}

static void set_caller(const struct tsv *tsv, struct approval_facts *facts, struct arena *arena)
{
	char *who = copy_of(tsv, "who", arena);

	facts->is_system = who && strcmp(who, "system") == 0;
	if (!who || facts->is_system)
		return;
	facts->user_id = strsep(&who, "/");
	facts->role = who;
}

static void steps_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("approval.tsv");
	struct arena *arena = arena_new();

	(void)state;
	while (tsv_next(tsv)) {
		struct approval_policy policy = policy_of(tsv, arena);
		struct approval_given given[APPROVAL_MAX_STEPS];
		const char *currency = tsv_text(tsv, "currency");
		struct margin_facts known = { .now_us = 1 };
		struct approval_verdict verdict;
		struct problem problem = PROBLEM_INIT;
		struct approval_facts facts = {
			.policies = &policy,
			.policy_count = 1,
			.facts = &known,
			.given = given,
			.given_count = given_of(tsv, given, arena),
			.registered_by_id = tsv_text(tsv, "registered"),
			.is_overdue = tsv_int(tsv, "overdue"),
		};

		set_threshold(tsv, &policy, arena);
		set_caller(tsv, &facts, arena);
		known.values[MARGIN_FACT_amount_minor] =
			(struct margin_fact_value){ .is_known = true,
				.number = tsv_int(tsv, "amount") };
		known.values[MARGIN_FACT_currency] = (struct margin_fact_value){
			.is_known = true, .words = &currency, .word_count = 1
		};
		bool may = approval_decide(&facts, &verdict, &problem);
		tsv_expect_text(
			tsv, "code", problem.is_set ? problem_code_text(problem.code) : NULL);
		assert_int_equal(may, !problem.is_set);
		if (may) {
			tsv_expect_int(tsv, "last", verdict.is_last);
			tsv_expect_int(tsv, "step",
				verdict.step == APPROVAL_NONE ? 0 : (int64_t)verdict.step + 1);
		}
		arena_reset(arena);
	}
	arena_free(arena);
	tsv_close(tsv);
}

static const char *faults_of(const struct problem *problem, struct arena *arena)
{
	const char *list = NULL;

	for (size_t i = 0; i < problem->violation_count; i++) {
		assert_int_equal(problem->violations[i].where[0], '#');
		list = arena_printf(arena, "%s%s%s:%s", list ? list : "", list ? " " : "",
			problem->violations[i].where + 1,
			violation_code_text(problem->violations[i].code));
	}
	return list;
}

static void policies_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("approval_policy.tsv");
	struct arena *arena = arena_new();

	(void)state;
	while (tsv_next(tsv)) {
		struct approval_policy policy = policy_of(tsv, arena);
		const char *words[3], *places[3];
		int64_t unknown[3];
		struct problem problem = PROBLEM_INIT;
		size_t count = words_of(copy_of(tsv, "unknown", arena), " ", places, 3);

		for (size_t i = 0; i < count; i++)
			unknown[i] = strtoll(places[i], NULL, 10);
		if (words_of(copy_of(tsv, "when", arena), " ", words, 3) == 3) {
			policy.conditions = condition_of(
				words[0], words[1], strtoll(words[2], NULL, 10), arena);
			policy.condition_count = 1;
		}
		assert_int_equal(approval_policy_check(&policy, unknown, count, arena, &problem),
			tsv_text(tsv, "faults") == NULL);
		tsv_expect_text(tsv, "faults", faults_of(&problem, arena));
		arena_reset(arena);
	}
	arena_free(arena);
	tsv_close(tsv);
}

static void the_first_policy_that_applies_decides(void **state)
{
	const struct margin_condition from = { "amount_minor", "gte",
		{ .kind = VALUE_NUMBER, .number = 100 } };
	const struct approval_policy policies[] = {
		{ .currency = "EUR", .conditions = &from, .condition_count = 1 },
		{ .currency = "EUR" },
		{ .currency = "EUR", .is_automatic = true },
	};
	const char *currency = "EUR";
	struct margin_facts facts = { .now_us = 1 };

	(void)state;
	facts.values[MARGIN_FACT_currency] =
		(struct margin_fact_value){ .is_known = true, .words = &currency, .word_count = 1 };
	facts.values[MARGIN_FACT_amount_minor] =
		(struct margin_fact_value){ .is_known = true, .number = 100 };
	assert_int_equal(approval_policy_find(policies, 3, &facts), 0);
	facts.values[MARGIN_FACT_amount_minor].number = 99;
	assert_int_equal(approval_policy_find(policies, 3, &facts), 1);
	assert_int_equal(approval_policy_find(policies, 1, &facts), APPROVAL_NONE);
	assert_int_equal(approval_policy_find(policies, 0, &facts), APPROVAL_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_follow_the_cases),
		cmocka_unit_test(policies_follow_the_cases),
		cmocka_unit_test(the_first_policy_that_applies_decides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
