/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What may be written into a rule set: faults are refused, oddities are told. A contradiction is
 * looked for between two conditions on one fact, which is how people write one by accident.
 */
#include "domain/margin_rules.h"

#include <string.h>

#include "base/country.h"
#include "base/money.h"

/* Where a condition stands, while it is judged. */
struct place {
	const struct margin_rules *rules;
	size_t rule, condition;
	const char *where; /* of the conditions of the rule: "#/rules/0/conditions" */
	struct arena *arena;
	struct problem *problem;
};

static void refuse(
	const struct place *place, const char *member, enum violation_code code, const char *detail)
{
	problem_add(place->problem, place->arena, PLACE_POINTER,
		arena_printf(place->arena, "%s/%zu/%s", place->where, place->condition, member),
		code, "%s", detail);
}

static bool is_listed(const char *words, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = words; *at;) {
		size_t here = strcspn(at, " ");

		if (here == length && memcmp(at, word, length) == 0)
			return true;
		at += here + strspn(at + here, " ");
	}
	return false;
}

static const char *comparisons_of(enum fact_kind kind, struct arena *arena)
{
	const char *list = "";

	for (int i = 0; i < COMPARISON_COUNT; i++)
		if (fact_takes(kind, (enum comparison)i))
			list = arena_printf(arena, "%s%s%s", list, *list ? ", " : "",
				comparison_text((enum comparison)i));
	return list;
}

static bool takes_list(enum comparison comparison)
{
	return comparison == COMPARE_IN || comparison == COMPARE_NOT_IN;
}

static enum value_kind value_kind_for(enum fact_kind kind, enum comparison comparison)
{
	if (kind == FACT_BOOLEAN)
		return VALUE_BOOLEAN;
	if (kind == FACT_MONEY || kind == FACT_BPS)
		return VALUE_NUMBER;
	return takes_list(comparison) ? VALUE_LIST : VALUE_TEXT;
}

/* Countries and currencies are those of the standards. */
static void check_code(const struct place *place, enum margin_fact fact, const char *word)
{
	bool is_country =
		fact == MARGIN_FACT_partner_country || fact == MARGIN_FACT_customer_country;

	if (is_country && !country_is_valid(word, strlen(word)))
		refuse(place, "value", VIOLATION_invalid_choice,
			"An alpha-2 code of ISO 3166-1, in capitals.");
	if (fact == MARGIN_FACT_currency && !currency_exponent(word, NULL))
		refuse(place, "value", VIOLATION_invalid_choice,
			"An active code of ISO 4217, in capitals.");
}

static void check_value(const struct place *place, enum margin_fact fact,
	enum comparison comparison, const struct margin_value *value)
{
	static const char *const wanted[] = {
		[VALUE_BOOLEAN] = "The value must be true or false.",
		[VALUE_NUMBER] = "The value must be a whole number.",
		[VALUE_TEXT] = "The value must be a text.",
		[VALUE_LIST] = "The value must be a list of texts.",
	};
	enum value_kind kind = value_kind_for(margin_fact_kind(fact), comparison);
	const char *choices = margin_fact_choices(fact);

	if (value->kind != kind) {
		refuse(place, "value", VIOLATION_wrong_type, wanted[kind]);
		return;
	}
	if (kind == VALUE_NUMBER && value->number < 0)
		refuse(place, "value", VIOLATION_too_small, "The value is not negative.");
	for (size_t i = 0; choices && i < value->word_count; i++)
		if (!is_listed(choices, value->words[i]))
			refuse(place, "value", VIOLATION_invalid_choice,
				arena_printf(place->arena, "One of these: %s.", choices));
	for (size_t i = 0; i < value->word_count; i++)
		check_code(place, fact, value->words[i]);
}

static void check_condition(const struct place *place, const struct margin_condition *condition)
{
	enum margin_fact fact;
	enum comparison comparison;
	bool fact_is_known = margin_fact_parse(condition->fact, &fact);
	bool comparison_is_known = comparison_parse(condition->comparison, &comparison);

	if (!fact_is_known)
		refuse(place, "fact", VIOLATION_invalid_choice,
			"There is no such fact; GET /v1/margin-facts lists them.");
	if (!comparison_is_known)
		refuse(place, "comparison", VIOLATION_invalid_choice,
			"There is no such comparison.");
	if (!fact_is_known || !comparison_is_known)
		return;
	if (!fact_takes(margin_fact_kind(fact), comparison))
		refuse(place, "comparison", VIOLATION_invalid_choice,
			arena_printf(place->arena, "This fact is compared by one of these: %s.",
				comparisons_of(margin_fact_kind(fact), place->arena)));
	else
		check_value(place, fact, comparison, &condition->value);
}

static void check_key(const struct place *place, const struct margin_rule *rule)
{
	for (size_t i = 0; i < place->rule; i++)
		if (strcmp(place->rules->rules[i].key, rule->key) == 0) {
			problem_add(place->problem, place->arena, PLACE_POINTER,
				arena_printf(place->arena, "#/rules/%zu/key", place->rule),
				VIOLATION_not_unique, "Another rule of the set has this key.");
			return;
		}
}

static void check_period(const struct place *place, const struct margin_rule *rule)
{
	if (rule->valid_from_us && rule->valid_until_us &&
		rule->valid_until_us <= rule->valid_from_us)
		problem_add(place->problem, place->arena, PLACE_POINTER,
			arena_printf(place->arena, "#/rules/%zu/valid_until", place->rule),
			VIOLATION_inconsistent, "The rule must end after it begins.");
}

void margin_conditions_check(const struct margin_condition *conditions, size_t count,
	const char *where, struct arena *arena, struct problem *problem)
{
	struct place place = { .where = where, .arena = arena, .problem = problem };

	for (; place.condition < count; place.condition++)
		check_condition(&place, &conditions[place.condition]);
}

bool margin_rules_check(
	const struct margin_rules *rules, struct arena *arena, struct problem *problem)
{
	struct place place = { .rules = rules, .arena = arena, .problem = problem };
	size_t before = problem->violation_count;

	for (; place.rule < rules->count; place.rule++) {
		const struct margin_rule *rule = &rules->rules[place.rule];

		check_key(&place, rule);
		check_period(&place, rule);
		margin_conditions_check(rule->conditions, rule->condition_count,
			arena_printf(arena, "#/rules/%zu/conditions", place.rule), arena, problem);
	}
	return problem->violation_count == before;
}

/* ---- oddities ---- */

/* What a condition leaves of all amounts. */
struct range {
	int64_t least, most;
};

static struct range narrowed(struct range range, const struct margin_condition *condition)
{
	int64_t value = condition->value.number;
	enum comparison comparison;

	if (!comparison_parse(condition->comparison, &comparison))
		return range;
	if (comparison == COMPARE_GT || comparison == COMPARE_GTE || comparison == COMPARE_EQ) {
		int64_t least = comparison == COMPARE_GT ? value + 1 : value;

		range.least = least > range.least ? least : range.least;
	}
	if (comparison == COMPARE_LT || comparison == COMPARE_LTE || comparison == COMPARE_EQ) {
		int64_t most = comparison == COMPARE_LT ? value - 1 : value;

		range.most = most < range.most ? most : range.most;
	}
	return range;
}

static bool admits(const struct margin_condition *condition, const char *word)
{
	bool negative = strcmp(condition->comparison, "ne") == 0 ||
			strcmp(condition->comparison, "not_in") == 0;
	bool found = false;

	for (size_t i = 0; i < condition->value.word_count; i++)
		found = found || strcmp(condition->value.words[i], word) == 0;
	return found != negative;
}

/* A positive condition on one text leaves these words; does the other leave any of them? */
static bool texts_exclude(const struct margin_condition *a, const struct margin_condition *b)
{
	if (strcmp(a->comparison, "eq") != 0 && strcmp(a->comparison, "in") != 0)
		return false;
	for (size_t i = 0; i < a->value.word_count; i++)
		if (admits(b, a->value.words[i]))
			return false;
	return true;
}

static bool truths_exclude(const struct margin_condition *a, const struct margin_condition *b)
{
	bool a_wants = a->value.truth == (strcmp(a->comparison, "eq") == 0);
	bool b_wants = b->value.truth == (strcmp(b->comparison, "eq") == 0);

	return a_wants != b_wants;
}

static bool exclude_each_other(const struct margin_condition *a, const struct margin_condition *b)
{
	enum margin_fact fact;
	struct range range = { 0, INT64_MAX };

	if (strcmp(a->fact, b->fact) != 0 || !margin_fact_parse(a->fact, &fact))
		return false;
	switch (margin_fact_kind(fact)) {
	case FACT_BOOLEAN: return truths_exclude(a, b);
	case FACT_TEXT: return texts_exclude(a, b) || texts_exclude(b, a);
	case FACT_WORDS: return false; /* a deal may have both */
	case FACT_BPS:
	case FACT_MONEY: range = narrowed(narrowed(range, a), b); break;
	}
	return range.least > range.most;
}

/* The condition that contradicts one before it, or itself; the number of conditions when none. */
static size_t contradiction(const struct margin_rule *rule)
{
	for (size_t j = 0; j < rule->condition_count; j++)
		for (size_t i = 0; i <= j; i++)
			if (exclude_each_other(&rule->conditions[i], &rule->conditions[j]))
				return j;
	return rule->condition_count;
}

static bool warn_of(const struct margin_rule *rule, size_t index, int64_t program_cap_bps,
	int64_t now_us, struct arena *arena, struct margin_warning *out)
{
	size_t at = contradiction(rule);
	int64_t size_bps = rule->delta_bps < 0 ? -rule->delta_bps : rule->delta_bps;

	*out = (struct margin_warning){ .where = arena_printf(arena, "#/rules/%zu", index) };
	if (at < rule->condition_count) {
		out->where = arena_printf(arena, "#/rules/%zu/conditions/%zu", index, at);
		out->code = "never_applies";
		out->detail = "No deal can fulfil this condition and the ones before it.";
	} else if (rule->valid_until_us && rule->valid_until_us <= now_us) {
		out->where = arena_printf(arena, "#/rules/%zu/valid_until", index);
		out->code = "never_applies";
		out->detail = "The rule has ended already.";
	} else if (rule->delta_bps == 0) {
		out->where = arena_printf(arena, "#/rules/%zu/delta_bps", index);
		out->code = "changes_nothing";
		out->detail = "A delta of 0 changes no margin.";
	} else if (size_bps > program_cap_bps) {
		out->where = arena_printf(arena, "#/rules/%zu/delta_bps", index);
		out->code = "never_in_full";
		out->detail = "The delta is more than the whole margin the program allows.";
	}
	return out->code;
}

size_t margin_rules_warnings(const struct margin_rules *rules, int64_t program_cap_bps,
	int64_t now_us, struct arena *arena, struct margin_warning *ret_warnings, size_t room)
{
	size_t count = 0;

	for (size_t i = 0; i < rules->count && count < room; i++)
		count += warn_of(
			&rules->rules[i], i, program_cap_bps, now_us, arena, &ret_warnings[count]);
	return count;
}
