/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules by which a program adjusts the margin, as data: a rule adds its delta when all its
 * conditions hold, in the order in which the rules stand. A condition compares a fact of the
 * catalogue with a value. A fact that is not known, and an amount in another currency than the rule
 * set's, fulfils no condition, not even a negative one. Of several words of which some are not
 * known, those that are known decide when one of them is asked for.
 *
 * A new fact is a row of MARGIN_FACTS and what fills it in api/margin_facts.c.
 */
#ifndef PARTNERD_DOMAIN_MARGIN_RULES_H
#define PARTNERD_DOMAIN_MARGIN_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/problem.h"
#include "domain/margin.h"

#define MARGIN_MAX_RULES      50
#define MARGIN_MAX_CONDITIONS 10

enum fact_kind {
	FACT_BOOLEAN,
	FACT_BPS,   /* basis points */
	FACT_MONEY, /* minor units of the rule set's currency */
	FACT_TEXT,
	FACT_WORDS, /* several texts at once: a comparison asks whether one is among them */
};

/* clang-format off: a table */
#define MARGIN_FACTS(X)                                                                        \
	X(amount_minor, FACT_MONEY, "Net amount of the deal, volume discount taken off", NULL) \
	X(discount_bps, FACT_BPS, "Volume discount, of the list price", NULL)                  \
	X(currency, FACT_TEXT, "Currency of the deal", NULL)                                   \
	X(first_line_support, FACT_BOOLEAN, "The partner gives first-line support", NULL)      \
	X(onboarding_delivered, FACT_BOOLEAN, "The partner delivers the onboarding", NULL)     \
	X(white_label, FACT_BOOLEAN, "Sold under the partner's own brand", NULL)               \
	X(course_bundle, FACT_BOOLEAN, "Sold together with courses of the partner", NULL)      \
	X(annual_commitment_minor, FACT_MONEY, "What the customer commits to per year", NULL)  \
	X(rating, FACT_TEXT, "Rating of the partner", "green amber red")                       \
	X(partner_type, FACT_TEXT, "Type of the partner", NULL)                                \
	X(tier, FACT_TEXT, "Key of the partner's tier", NULL)                                  \
	X(partner_country, FACT_TEXT, "Country of the partner", NULL)                          \
	X(customer_country, FACT_TEXT, "Country of the customer", NULL)                        \
	X(regions, FACT_WORDS, "Keys of the regions the customer is in", NULL)                 \
	X(products, FACT_WORDS, "Keys of the products in the deal", NULL)                      \
	X(product_kinds, FACT_WORDS, "Kinds of the products in the deal", "licence content service")
/* clang-format on */

enum margin_fact {
#define MARGIN_FACT_ENUM(name, kind, text, choices) MARGIN_FACT_##name,
	MARGIN_FACTS(MARGIN_FACT_ENUM)
#undef MARGIN_FACT_ENUM
		MARGIN_FACT_COUNT
};

enum comparison {
	COMPARE_EQ,
	COMPARE_NE,
	COMPARE_GTE,
	COMPARE_GT,
	COMPARE_LTE,
	COMPARE_LT,
	COMPARE_IN,
	COMPARE_NOT_IN,
	COMPARISON_COUNT
};

enum value_kind { VALUE_BOOLEAN, VALUE_NUMBER, VALUE_TEXT, VALUE_LIST };

struct margin_value {
	enum value_kind kind;
	bool truth;
	int64_t number;
	const char *const *words; /* text: one; list: several */
	size_t word_count;
};

/* As it is written; margin_rules_check() has seen that fact, comparison and value fit. */
struct margin_condition {
	const char *fact;
	const char *comparison;
	struct margin_value value;
};

struct margin_rule {
	const char *key, *name;
	int64_t delta_bps;
	int64_t valid_from_us, valid_until_us; /* [from, until); 0: without end on that side */
	const struct margin_condition *conditions;
	size_t condition_count;
};

struct margin_rules {
	const char *currency;
	const struct margin_rule *rules;
	size_t count;
};

struct margin_fact_value {
	bool is_known;
	bool is_partial; /* of words: there are others that are not known */
	bool truth;
	int64_t number;
	const char *const *words;
	size_t word_count;
};

struct margin_facts {
	struct margin_fact_value values[MARGIN_FACT_COUNT];
	int64_t now_us;
};

/* Why a rule counted or did not. */
enum rule_verdict { RULE_APPLIES, RULE_NOT_YET, RULE_OVER, RULE_UNKNOWN, RULE_NOT_MET };

struct rule_outcome {
	enum rule_verdict verdict;
	size_t condition; /* the first that failed: RULE_UNKNOWN, RULE_NOT_MET */
};

/* What was configured and is odd, though not wrong. */
struct margin_warning {
	const char *where, *code, *detail;
};

bool margin_fact_parse(const char *key, enum margin_fact *ret_fact);
bool comparison_parse(const char *name, enum comparison *ret_comparison);
const char *margin_fact_key(enum margin_fact fact);
const char *margin_fact_text(enum margin_fact fact);
/* Words separated by spaces, or NULL when every text is one. */
const char *margin_fact_choices(enum margin_fact fact);
enum fact_kind margin_fact_kind(enum margin_fact fact);
const char *fact_kind_text(enum fact_kind kind);
const char *comparison_text(enum comparison comparison);
bool fact_takes(enum fact_kind kind, enum comparison comparison);
const char *rule_verdict_text(enum rule_verdict verdict);

/* Unknown facts, comparisons and values that do not fit, keys used twice, periods that end before
 * they begin: all at once, each at its pointer. */
bool margin_rules_check(
	const struct margin_rules *rules, struct arena *arena, struct problem *problem);

/* The same of conditions that stand elsewhere: `where` is their list's pointer. */
void margin_conditions_check(const struct margin_condition *conditions, size_t count,
	const char *where, struct arena *arena, struct problem *problem);

/*
 * Rules that never apply, because their conditions contradict each other or their period is over,
 * and rules whose delta is nothing or more than the band of every tier and the program's cap can
 * give. Returns how many were written.
 */
size_t margin_rules_warnings(const struct margin_rules *rules, int64_t program_cap_bps,
	int64_t now_us, struct arena *arena, struct margin_warning *ret_warnings, size_t room);

/*
 * The adjusters of the rules that apply, in order; `ret_outcomes` has one entry per rule. Both have
 * room for MARGIN_MAX_RULES. Returns the number of adjusters.
 */
size_t margin_rules_apply(const struct margin_rules *rules, const struct margin_facts *facts,
	struct margin_adjuster *ret_adjusters, struct rule_outcome *ret_outcomes);

#endif
