/* SPDX-License-Identifier: Apache-2.0 */
/* Margins between JSON and the rules: shared by rule sets, quotes, deals and simulations. */
#ifndef PARTNERD_API_MARGIN_H
#define PARTNERD_API_MARGIN_H

#include <jansson.h>

#include "domain/margin_rules.h"
#include "domain/price.h"
#include "domain/quote.h"
#include "http/endpoint.h"

/* Texts are copied onto the arena; the JSON may go. */
struct margin_rules margin_rules_read(
	const json_t *rules, const char *currency, struct arena *arena);

/* Members by the names of MARGIN_FACTS; what is null or missing is not known, in a list neither. */
struct margin_facts margin_facts_read(const json_t *facts, int64_t now_us, struct arena *arena);

/* A margin on its way from rules and facts to adjusters. */
struct margin_work {
	struct margin_rules rules;
	struct margin_facts facts;
	struct margin_adjuster adjusters[MARGIN_MAX_RULES];
	struct rule_outcome outcomes[MARGIN_MAX_RULES];
	size_t adjuster_count;
};

/* `rules` NULL: no rule set is in force. */
struct margin_work *margin_work_new(const json_t *rules, const char *currency, const json_t *facts,
	int64_t now_us, struct arena *arena);

/* Every rule with whether it applied and, if not, why: for the vendor. */
json_t *margin_trace(const struct margin_work *work);

/*
 * Conditions whose value names a tier, partner type, region or product that is not there, from the
 * column unknown_keys of the facts: pairs of rule and condition. `has_rules`: the body has a list
 * of rules, else the conditions of one.
 */
void conditions_refuse_unknown(
	const struct rows *facts, bool has_rules, struct arena *arena, struct problem *problem);

/* A jsonb column of facts, parsed; released with the arena. NULL for null. */
json_t *row_json(const struct rows *rows, const char *column, struct arena *arena);

/* The terms of a deal or a quote: defaults, what is there, what the body says. A new reference. */
json_t *deal_terms_json(const json_t *before, const json_t *patch);

/* As prices are stored and sent: {"unit_amount_minor", "volume_mode", "volume_bands"}. */
struct price price_read(int64_t unit_amount_minor, const char *mode, const json_t *bands);

/* A basket, priced. */
struct basket {
	json_t *lines; /* as a quote shows them */
	int64_t list_minor, net_minor;
	json_t *product_keys, *product_kinds; /* facts of the basket */
};

/* `products` as margin_quote_facts gives them. Unknown or retired products, products without a
 * price in the currency and amounts beyond money are violations below `where`. */
bool basket_price(const json_t *lines, const json_t *products, const char *where,
	struct arena *arena, struct basket *ret_basket, struct problem *problem);

/* What its volume takes off the list price. */
int64_t basket_discount_bps(const struct basket *basket);

#endif
