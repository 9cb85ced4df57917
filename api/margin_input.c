/* SPDX-License-Identifier: Apache-2.0 */
/* Rules, facts and baskets from JSON, and back. Bodies were checked by the contract, rows by us. */
#include <string.h>

#include "base/clock.h"
#include "base/money.h"
#include "margin.h"

static void decref(void *value)
{
	json_decref(value);
}

static const char *text_member(const json_t *object, const char *name, struct arena *arena)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text != NULL ? arena_strdup(arena, text) : NULL;
}

static int64_t time_member(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);
	int64_t time_us = 0;
	if (json_is_string(value))
		(void)time_parse(json_string_value(value), json_string_length(value), &time_us);
	return time_us;
}

/* A text is a list of one; what is no text is left out. */
static const char *const *words_of(const json_t *value, struct arena *arena, size_t *ret_count)
{
	size_t count = json_is_array(value) ? json_array_size(value) : 1;
	const char **words = arena_zalloc(arena, (count + 1) * sizeof *words);
	*ret_count = 0;
	for (size_t i = 0; i < count; i++) {
		const char *word =
			json_string_value(json_is_array(value) ? json_array_get(value, i) : value);
		if (word != NULL)
			words[(*ret_count)++] = arena_strdup(arena, word);
	}
	return words;
}

static struct margin_value value_read(const json_t *value, struct arena *arena)
{
	struct margin_value out = { .truth = json_is_true(value),
		.number = json_integer_value(value) };
	if (json_is_boolean(value))
		out.kind = VALUE_BOOLEAN;
	else if (json_is_integer(value))
		out.kind = VALUE_NUMBER;
	else
		out.kind = json_is_string(value) ? VALUE_TEXT : VALUE_LIST;
	out.words = words_of(value, arena, &out.word_count);
	return out;
}

static struct margin_rule rule_read(const json_t *rule, struct arena *arena)
{
	const json_t *written = json_object_get(rule, "conditions");
	size_t count = json_array_size(written);
	struct margin_condition *conditions = arena_zalloc(arena, (count + 1) * sizeof *conditions);
	for (size_t i = 0; i < count; i++) {
		const json_t *condition = json_array_get(written, i);
		conditions[i].fact = text_member(condition, "fact", arena);
		conditions[i].comparison = text_member(condition, "comparison", arena);
		conditions[i].value = value_read(json_object_get(condition, "value"), arena);
	}
	return (struct margin_rule){
		.key = text_member(rule, "key", arena),
		.name = text_member(rule, "name", arena),
		.delta_bps = json_integer_value(json_object_get(rule, "delta_bps")),
		.valid_from_us = time_member(rule, "valid_from"),
		.valid_until_us = time_member(rule, "valid_until"),
		.conditions = conditions,
		.condition_count = count,
	};
}

struct margin_rules margin_rules_read(
	const json_t *rules, const char *currency, struct arena *arena)
{
	size_t count = json_array_size(rules);
	struct margin_rule *list = arena_zalloc(arena, (count + 1) * sizeof *list);
	for (size_t i = 0; i < count; i++)
		list[i] = rule_read(json_array_get(rules, i), arena);
	return (struct margin_rules){
		.currency = currency != NULL ? arena_strdup(arena, currency) : "",
		.rules = list,
		.count = count,
	};
}

struct margin_facts margin_facts_read(const json_t *facts, int64_t now_us, struct arena *arena)
{
	struct margin_facts out = { .now_us = now_us };
	for (int i = 0; i < MARGIN_FACT_COUNT; i++) {
		const json_t *value = json_object_get(facts, margin_fact_key((enum margin_fact)i));
		struct margin_fact_value *fact = &out.values[i];
		if (value == NULL || json_is_null(value))
			continue;
		fact->is_known = true;
		fact->truth = json_is_true(value);
		fact->number = json_integer_value(value);
		fact->words = words_of(value, arena, &fact->word_count);
		fact->is_partial = json_array_size(value) > fact->word_count;
	}
	return out;
}

struct margin_work *margin_work_new(const json_t *rules, const char *currency, const json_t *facts,
	int64_t now_us, struct arena *arena)
{
	struct margin_work *work = arena_zalloc(arena, sizeof *work);
	work->rules = margin_rules_read(rules, currency, arena);
	work->facts = margin_facts_read(facts, now_us, arena);
	work->adjuster_count =
		margin_rules_apply(&work->rules, &work->facts, work->adjusters, work->outcomes);
	return work;
}

json_t *margin_trace(const struct margin_work *work)
{
	json_t *trace = json_array();
	for (size_t i = 0; i < work->rules.count; i++) {
		const struct margin_rule *rule = &work->rules.rules[i];
		const struct rule_outcome *outcome = &work->outcomes[i];
		bool failed = outcome->verdict == RULE_UNKNOWN || outcome->verdict == RULE_NOT_MET;
		json_array_append_new(
			trace, json_pack("{s:s, s:s, s:I, s:s, s:s?}", "key", rule->key, "name",
				       rule->name, "delta_bps", (json_int_t)rule->delta_bps,
				       "verdict", rule_verdict_text(outcome->verdict), "fact",
				       failed ? rule->conditions[outcome->condition].fact : NULL));
	}
	return trace;
}

json_t *row_json(const struct rows *rows, const char *column, struct arena *arena)
{
	const char *text = rows_text(rows, column);
	json_t *value = text != NULL ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
	if (value != NULL)
		arena_defer(arena, decref, value);
	return value;
}

json_t *deal_terms_json(const json_t *before, const json_t *patch)
{
	json_t *terms = json_pack("{s:b, s:b, s:b, s:b, s:n}", "first_line_support", 0,
		"onboarding_delivered", 0, "white_label", 0, "course_bundle", 0,
		"annual_commitment_minor");
	json_object_update_existing(terms, (json_t *)before);
	json_object_update_existing(terms, (json_t *)patch);
	return terms;
}

struct price price_read(int64_t unit_amount_minor, const char *mode, const json_t *bands)
{
	struct price price = { .unit_amount_minor = unit_amount_minor };
	size_t i;
	json_t *band;
	if (mode != NULL)
		(void)volume_mode_parse(mode, &price.mode);
	json_array_foreach (bands, i, band) {
		const json_t *amount = json_object_get(band, "unit_amount_minor"),
			     *discount = json_object_get(band, "discount_bps");
		if (i == PRICE_MAX_BANDS)
			break;
		price.bands[price.band_count++] = (struct price_band){
			.from_quantity = json_integer_value(json_object_get(band, "from_quantity")),
			.has_amount = json_is_integer(amount),
			.has_discount = json_is_integer(discount),
			.unit_amount_minor = json_integer_value(amount),
			.discount_bps = json_integer_value(discount),
		};
	}
	return price;
}

/* ---- baskets ---- */

static json_t *money_json(int64_t minor, const char *currency)
{
	return json_pack("{s:I, s:s}", "amount_minor", (json_int_t)minor, "currency", currency);
}

static const char *why_not(const json_t *product)
{
	const char *status = json_string_value(json_object_get(product, "status"));
	if (status == NULL)
		return "There is no such product.";
	if (strcmp(status, "active") != 0)
		return "The product is not sold any more.";
	if (!json_is_object(json_object_get(product, "price")))
		return "The product has no price in this currency now.";
	return NULL;
}

static json_t *line_json(
	const json_t *line, const json_t *product, int64_t periods, const struct price_line *priced)
{
	const json_t *price = json_object_get(product, "price");
	const char *currency = json_string_value(json_object_get(price, "currency"));
	return json_pack("{s:O, s:O, s:O, s:O, s:O, s:O, s:I, s:O, s:O, s:o, s:o, s:o, s:o}",
		"product_id", json_object_get(product, "id"), "product_key",
		json_object_get(product, "key"), "product_name", json_object_get(product, "name"),
		"kind", json_object_get(product, "kind"), "unit", json_object_get(product, "unit"),
		"quantity", json_object_get(line, "quantity"), "periods", (json_int_t)periods,
		"price_id", json_object_get(price, "id"), "volume_mode",
		json_object_get(price, "volume_mode"), "unit_amount",
		money_json(
			json_integer_value(json_object_get(price, "unit_amount_minor")), currency),
		"list_amount", money_json(priced->list_minor, currency), "volume_discount",
		money_json(priced->discount_minor, currency), "net_amount",
		money_json(priced->net_minor, currency));
}

static bool add_line(const json_t *line, const json_t *product, struct basket *basket)
{
	const json_t *price = json_object_get(product, "price"),
		     *given = json_object_get(line, "periods");
	int64_t periods = json_is_integer(given) ? json_integer_value(given) : 1;
	struct price of_product =
		price_read(json_integer_value(json_object_get(price, "unit_amount_minor")),
			json_string_value(json_object_get(price, "volume_mode")),
			json_object_get(price, "volume_bands"));
	struct price_line priced;
	if (!price_line(&of_product, json_integer_value(json_object_get(line, "quantity")), periods,
		    &priced) ||
		!money_add(basket->list_minor, priced.list_minor, &basket->list_minor) ||
		!money_add(basket->net_minor, priced.net_minor, &basket->net_minor))
		return false;
	json_array_append_new(basket->lines, line_json(line, product, periods, &priced));
	json_array_append(basket->product_keys, json_object_get(product, "key"));
	json_array_append(basket->product_kinds, json_object_get(product, "kind"));
	return true;
}

static json_t *own_array(struct arena *arena)
{
	json_t *array = json_array();
	arena_defer(arena, decref, array);
	return array;
}

bool basket_price(const json_t *lines, const json_t *products, const char *where,
	struct arena *arena, struct basket *ret_basket, struct problem *problem)
{
	size_t i;
	json_t *line;
	*ret_basket = (struct basket){ .lines = own_array(arena),
		.product_keys = own_array(arena),
		.product_kinds = own_array(arena) };
	json_array_foreach (lines, i, line) {
		const char *asked = json_string_value(json_object_get(line, "product_id"));
		const json_t *product = json_object_get(products, asked);
		const char *fault = why_not(product);
		if (fault != NULL)
			problem_add(problem, arena, PLACE_POINTER,
				arena_printf(arena, "%s/%zu/product_id", where, i),
				product == NULL ? VIOLATION_reference_not_found
						: VIOLATION_inconsistent,
				"%s", fault);
		else if (!add_line(line, product, ret_basket))
			problem_add(problem, arena, PLACE_POINTER,
				arena_printf(arena, "%s/%zu", where, i), VIOLATION_too_large,
				"The lines come to more than an amount can be.");
	}
	return !problem->is_set;
}

int64_t basket_discount_bps(const struct basket *basket)
{
	int64_t bps = 0;
	(void)money_ratio(basket->list_minor - basket->net_minor, 10000, basket->list_minor, &bps);
	return bps;
}

void conditions_refuse_unknown(
	const struct rows *facts, bool has_rules, struct arena *arena, struct problem *problem)
{
	const json_t *unknown = row_json(facts, "unknown_keys", arena);
	size_t i;
	json_t *pair;
	json_array_foreach (unknown, i, pair) {
		json_int_t rule = json_integer_value(json_array_get(pair, 0)),
			   condition = json_integer_value(json_array_get(pair, 1));
		const char *where =
			has_rules ? arena_printf(arena, "#/rules/%lld/conditions/%lld/value",
					    (long long)rule, (long long)condition)
				  : arena_printf(
					    arena, "#/conditions/%lld/value", (long long)condition);
		problem_add(problem, arena, PLACE_POINTER, where, VIOLATION_reference_not_found,
			"The program has nothing of this key.");
	}
}
