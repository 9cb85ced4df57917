/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules of margin: how they are judged. What may be written is in margin_rules_check.c; both read
 * the same two tables here, of facts and of comparisons.
 */
#include "domain/margin_rules.h"

#include <stdlib.h>
#include <string.h>

struct fact_row {
	const char *key, *text, *choices;
	enum fact_kind kind;
};

static const struct fact_row facts_table[] = {
#define MARGIN_FACT_ROW(name, kind, text, choices) { #name, text, choices, kind },
	MARGIN_FACTS(MARGIN_FACT_ROW)
#undef MARGIN_FACT_ROW
};

#define KIND(kind) (1U << (kind))
#define OF_TEXT    (KIND(FACT_TEXT) | KIND(FACT_WORDS))
#define OF_NUMBER  (KIND(FACT_MONEY) | KIND(FACT_BPS))

struct comparison_row {
	const char *name;
	unsigned int kinds;
};

static const struct comparison_row comparisons[COMPARISON_COUNT] = {
	[COMPARE_EQ] = { "eq", KIND(FACT_BOOLEAN) | OF_NUMBER | OF_TEXT },
	[COMPARE_NE] = { "ne", KIND(FACT_BOOLEAN) | OF_TEXT },
	[COMPARE_GTE] = { "gte", OF_NUMBER },
	[COMPARE_GT] = { "gt", OF_NUMBER },
	[COMPARE_LTE] = { "lte", OF_NUMBER },
	[COMPARE_LT] = { "lt", OF_NUMBER },
	[COMPARE_IN] = { "in", OF_TEXT },
	[COMPARE_NOT_IN] = { "not_in", OF_TEXT },
};

const char *margin_fact_key(enum margin_fact fact)
{
	return facts_table[fact].key;
}

const char *margin_fact_text(enum margin_fact fact)
{
	return facts_table[fact].text;
}

const char *margin_fact_choices(enum margin_fact fact)
{
	return facts_table[fact].choices;
}

enum fact_kind margin_fact_kind(enum margin_fact fact)
{
	return facts_table[fact].kind;
}

const char *fact_kind_text(enum fact_kind kind)
{
	static const char *const names[] = {
		[FACT_BOOLEAN] = "boolean",
		[FACT_BPS] = "bps",
		[FACT_MONEY] = "money",
		[FACT_TEXT] = "text",
		[FACT_WORDS] = "list",
	};

	return names[kind];
}

const char *comparison_text(enum comparison comparison)
{
	return comparisons[comparison].name;
}

bool fact_takes(enum fact_kind kind, enum comparison comparison)
{
	return comparisons[comparison].kinds & KIND(kind);
}

const char *rule_verdict_text(enum rule_verdict verdict)
{
	static const char *const names[] = {
		[RULE_APPLIES] = "applied",
		[RULE_NOT_YET] = "not_yet_valid",
		[RULE_OVER] = "no_longer_valid",
		[RULE_UNKNOWN] = "fact_unknown",
		[RULE_NOT_MET] = "condition_not_met",
	};

	return names[verdict];
}

bool margin_fact_parse(const char *key, enum margin_fact *ret_fact)
{
	for (int i = 0; i < MARGIN_FACT_COUNT; i++) {
		if (strcmp(facts_table[i].key, key) != 0)
			continue;
		*ret_fact = (enum margin_fact)i;
		return true;
	}
	return false;
}

bool comparison_parse(const char *name, enum comparison *ret_comparison)
{
	for (int i = 0; i < COMPARISON_COUNT; i++) {
		if (strcmp(comparisons[i].name, name) != 0)
			continue;
		*ret_comparison = (enum comparison)i;
		return true;
	}
	return false;
}

static bool shares_a_word(const struct margin_fact_value *fact, const struct margin_value *value)
{
	for (size_t i = 0; i < fact->word_count; i++)
		for (size_t j = 0; j < value->word_count; j++)
			if (strcmp(fact->words[i], value->words[j]) == 0)
				return true;
	return false;
}

static bool number_holds(int64_t number, enum comparison comparison, int64_t value)
{
	switch (comparison) {
	case COMPARE_GTE: return number >= value;
	case COMPARE_GT: return number > value;
	case COMPARE_LTE: return number <= value;
	case COMPARE_LT: return number < value;
	default: return number == value;
	}
}

static bool holds(enum fact_kind kind, const struct margin_fact_value *fact,
	enum comparison comparison, const struct margin_value *value)
{
	bool negative = comparison == COMPARE_NE || comparison == COMPARE_NOT_IN;

	if (kind == FACT_MONEY || kind == FACT_BPS)
		return number_holds(fact->number, comparison, value->number);
	if (kind == FACT_BOOLEAN)
		return (fact->truth == value->truth) != negative;
	return shares_a_word(fact, value) != negative;
}

/* Amounts of another currency are not compared: no rate is more right than another here. */
static bool is_comparable(
	enum margin_fact fact, const struct margin_rules *rules, const struct margin_facts *facts)
{
	const struct margin_fact_value *currency = &facts->values[MARGIN_FACT_currency];

	if (!facts->values[fact].is_known)
		return false;
	return margin_fact_kind(fact) != FACT_MONEY ||
	       (currency->word_count == 1 && strcmp(currency->words[0], rules->currency) == 0);
}

static enum rule_verdict judge_condition(const struct margin_condition *condition,
	const struct margin_rules *rules, const struct margin_facts *facts)
{
	enum margin_fact fact;
	enum comparison comparison;

	if (!margin_fact_parse(condition->fact, &fact) ||
		!comparison_parse(condition->comparison, &comparison))
		abort(); /* margin_rules_check() lets no such rule be stored */
	if (!is_comparable(fact, rules, facts))
		return RULE_UNKNOWN;
	const struct margin_fact_value *value = &facts->values[fact];
	if (value->is_partial && !shares_a_word(value, &condition->value))
		return RULE_UNKNOWN;
	return holds(margin_fact_kind(fact), value, comparison, &condition->value) ? RULE_APPLIES
										   : RULE_NOT_MET;
}

static struct rule_outcome judge(const struct margin_rule *rule, const struct margin_rules *rules,
	const struct margin_facts *facts)
{
	struct rule_outcome outcome = { RULE_APPLIES, 0 };

	if (rule->valid_from_us && facts->now_us < rule->valid_from_us)
		outcome.verdict = RULE_NOT_YET;
	if (rule->valid_until_us && facts->now_us >= rule->valid_until_us)
		outcome.verdict = RULE_OVER;
	for (size_t i = 0; i < rule->condition_count && outcome.verdict == RULE_APPLIES; i++) {
		outcome.condition = i;
		outcome.verdict = judge_condition(&rule->conditions[i], rules, facts);
	}
	return outcome;
}

size_t margin_rules_apply(const struct margin_rules *rules, const struct margin_facts *facts,
	struct margin_adjuster *ret_adjusters, struct rule_outcome *ret_outcomes)
{
	size_t count = 0;

	for (size_t i = 0; i < rules->count && i < MARGIN_MAX_RULES; i++) {
		const struct margin_rule *rule = &rules->rules[i];

		ret_outcomes[i] = judge(rule, rules, facts);
		if (ret_outcomes[i].verdict == RULE_APPLIES)
			ret_adjusters[count++] = (struct margin_adjuster){
				.rule = rule->key,
				.delta_bps = rule->delta_bps,
				.detail = rule->name,
			};
	}
	return count;
}
