/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quotes: a basket priced for a partner by the price lists and rules of this moment. A quote is
 * kept as it was worked out; a deal that is registered with it gets its margin (deals.c).
 */
#include <string.h>
#include <strings.h>

#include "base/money.h"
#include "margin.h"
#include "resources.h"

static const struct resource quote_resource = {
	.object = "margin_quote",
	.shape = "margin_quote_shape",
	.path = "/v1/margin-quotes/",
};

static const struct filter quote_filters[] = {
	{ .parameter = "partner_id", .type = 'u' },
	{ .parameter = "status", .type = 't' },
	{ .parameter = "number", .type = 't' },
	{ .parameter = "created_at_gte", .sql = "s.created_at >= {}", .type = 'z' },
	{ .parameter = "created_at_lt", .sql = "s.created_at < {}", .type = 'z' },
	{ .parameter = "valid_until_lt", .sql = "s.valid_until < {}", .type = 'z' },
	{ 0 },
};

static const struct sort quote_sorts[] = {
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ .name = "valid_until", .column = "valid_until", .type = 'z' },
	{ .name = "net_amount_minor", .column = "\"net_amount.amount_minor\"", .type = 'i' },
	{ 0 },
};

static const struct list quote_list = {
	.resource = &quote_resource, .filters = quote_filters, .sorts = quote_sorts
};

/* A partner asks for itself; the vendor says for whom. The rating is the vendor's to know. */
static void check_asker(const struct command_input *in, struct problem *problem)
{
	struct arena *arena = in->request->arena;
	const char *named = command_body_text(in, "partner_id");
	const char *found = rows_text(in->facts, "partner_id");
	if (actor_side(in->actor) == SIDE_PARTNER && json_object_get(in->body, "rating") != NULL)
		problem_add(problem, arena, PLACE_POINTER, "#/rating", VIOLATION_unknown_field,
			"Unknown field.");
	if (named == NULL && found == NULL)
		problem_add(problem, arena, PLACE_POINTER, "#/partner_id", VIOLATION_required,
			"Name the partner that the quote is for.");
	else if (found == NULL || (named != NULL && strcasecmp(named, found) != 0))
		problem_add(problem, arena, PLACE_POINTER, "#/partner_id",
			VIOLATION_reference_not_found, "There is no such partner.");
}

static bool check_standing(const struct rows *facts, struct problem *problem)
{
	const char *status = rows_text(facts, "partner_status"),
		   *tier = rows_text(facts, "tier_status");
	if (strcmp(status, "active") != 0)
		return problem_set(problem, PROBLEM_partner_not_active,
			"Only an active partner gets quotes, and it is %s.", status);
	if (strcmp(rows_text(facts, "earns"), "commission") == 0)
		return problem_set(problem, PROBLEM_no_margin,
			"Partners of this type earn commission: there is no margin to quote.");
	if (tier == NULL || strcmp(tier, "published") != 0)
		return problem_set(problem, PROBLEM_tier_not_published,
			"The partner has no tier that is published, so there is no margin.");
	return true;
}

/* Facts of the rules, by their names. Kept as inputs of the decision. */
static void collect_facts(const struct command_input *in, const struct basket *basket,
	const json_t *terms, json_t *facts)
{
	json_object_update_new(
		facts, json_pack("{s:O?, s:O?}", "currency", json_object_get(in->body, "currency"),
			       "rating", json_object_get(in->body, "rating")));
	json_object_update(facts, (json_t *)terms);
	json_object_set_new(facts, "amount_minor", json_integer(basket->net_minor));
	json_object_set_new(facts, "discount_bps", json_integer(basket_discount_bps(basket)));
	json_object_set(facts, "products", basket->product_keys);
	json_object_set(facts, "product_kinds", basket->product_kinds);
}

static struct quote_input quote_input_of(
	const struct rows *facts, const struct basket *basket, const struct margin_work *work)
{
	return (struct quote_input){
		.margin = {
			.band = { rows_int(facts, "floor_bps"), rows_int(facts, "base_bps"),
				rows_int(facts, "cap_bps") },
			.program_cap_bps = rows_int(facts, "margin_cap_bps"),
			.amount_minor = basket->net_minor,
			.adjusters = work->adjusters,
			.adjuster_count = work->adjuster_count,
		},
		.list_minor = basket->list_minor,
		.override_bps = rows_text(facts, "distributor_id") != NULL
					? rows_int(facts, "override_bps")
					: 0,
		.channel_cap_bps = rows_int(facts, "channel_cap_bps"),
	};
}

static json_t *amount_json(const struct command_input *in, int64_t minor)
{
	return json_pack("{s:I, s:O}", "amount_minor", (json_int_t)minor, "currency",
		json_object_get(in->body, "currency"));
}

/* What the channel costs, what is left, and every rule with its verdict. */
static json_t *vendor_side_json(const struct command_input *in, const struct quote_terms *terms,
	const struct margin_work *work)
{
	const struct channel_cost *channel = &terms->channel;
	return json_pack("{s:s?, s:o, s:o, s:o, s:b, s:o, s:o}", "distributor_id",
		rows_text(in->facts, "distributor_id"), "distributor_override",
		amount_json(in, channel->override_minor), "override_clipped",
		amount_json(in, channel->clipped_minor), "channel_cost",
		amount_json(in, channel->total_minor), "exceeds_channel_cap", channel->exceeds_cap,
		"vendor_net", amount_json(in, terms->vendor_net_minor), "rules",
		margin_trace(work));
}

static json_t *kept_quote(const struct command_input *in, const struct decision *out,
	const struct basket *basket, const json_t *terms, const struct quote_terms *quote)
{
	return json_pack(
		"{s:s?, s:s?, s:O, s:O, s:s?, s:O, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:s, "
		"s:s?, s:I, s:s, s:s}",
		"customer_name", command_body_text(in, "customer_name"), "customer_country",
		command_body_text(in, "customer_country"), "currency",
		json_object_get(in->body, "currency"), "terms", terms, "rating",
		command_body_text(in, "rating"), "lines", basket->lines, "list_minor",
		(json_int_t)basket->list_minor, "discount_minor",
		(json_int_t)(basket->list_minor - basket->net_minor), "net_minor",
		(json_int_t)basket->net_minor, "margin_bps", (json_int_t)quote->margin.margin_bps,
		"margin_minor", (json_int_t)quote->margin.margin_minor, "clipped_bps",
		(json_int_t)quote->margin.clipped_bps, "steps",
		explanation_steps(&out->explanation), "tier_id", rows_text(in->facts, "tier_id"),
		"rule_set_id", rows_text(in->facts, "rule_set_id"), "rule_set_version",
		(json_int_t)rows_int(in->facts, "rule_set_version"), "decision_id", out->id,
		"valid_until", rows_text(in->facts, "valid_until"));
}

static void keep_reasons(const struct command_input *in, const struct quote_input *input,
	const struct quote_terms *quote, const json_t *facts, json_t *vendor_side,
	struct decision *out)
{
	json_object_update_new(out->inputs,
		json_pack("{s:O, s:{s:s, s:s, s:I, s:I, s:I, s:I}, s:I, s:{s:s?, s:I}, s:O}",
			"facts", facts, "tier", "id", rows_text(in->facts, "tier_id"), "key",
			rows_text(in->facts, "tier_key"), "terms_version",
			(json_int_t)rows_int(in->facts, "terms_version"), "floor_bps",
			(json_int_t)input->margin.band.floor_bps, "base_bps",
			(json_int_t)input->margin.band.base_bps, "cap_bps",
			(json_int_t)input->margin.band.cap_bps, "margin_cap_bps",
			(json_int_t)input->margin.program_cap_bps, "margin_rule_set", "id",
			rows_text(in->facts, "rule_set_id"), "version",
			(json_int_t)rows_int(in->facts, "rule_set_version"), "vendor_side",
			vendor_side));
	json_object_update_new(
		out->outcome, json_pack("{s:I, s:o, s:o, s:I, s:I}", "margin_bps",
				      (json_int_t)quote->margin.margin_bps, "margin_amount",
				      amount_json(in, quote->margin.margin_minor), "partner_price",
				      amount_json(in, quote->partner_price_minor), "clipped_bps",
				      (json_int_t)quote->margin.clipped_bps, "rule_set_version",
				      (json_int_t)rows_int(in->facts, "rule_set_version")));
	out->is_kept = true;
}

static bool work_out(const struct command_input *in, const struct basket *basket,
	struct decision *out, struct problem *problem)
{
	struct arena *arena = in->request->arena;
	json_t *facts = row_json(in->facts, "facts", arena);
	json_t *terms = deal_terms_json(NULL, json_object_get(in->body, "terms"));
	collect_facts(in, basket, terms, facts);
	struct margin_work *work = margin_work_new(row_json(in->facts, "rules", arena),
		rows_text(in->facts, "rule_set_currency"), facts, rows_time(in->facts, "now"),
		arena);
	struct quote_input input = quote_input_of(in->facts, basket, work);
	struct quote_terms quote;
	bool is_money = quote_decide(&input, &quote, &out->explanation, problem);
	if (is_money) {
		json_t *vendor_side = vendor_side_json(in, &quote, work);
		json_t *set = kept_quote(in, out, basket, terms, &quote);
		json_object_set(set, "vendor_side", vendor_side);
		json_object_set_new(out->fields, "set", set);
		keep_reasons(in, &input, &quote, facts, vendor_side, out);
		json_decref(vendor_side);
	}
	json_decref(terms);
	return is_money;
}

static bool decide_quote(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	struct arena *arena = in->request->arena;
	const char *currency = command_body_text(in, "currency");
	struct basket basket;
	out->event = "margin_quote.created";
	check_asker(in, problem);
	if (!currency_exponent(currency, NULL))
		problem_add(problem, arena, PLACE_POINTER, "#/currency", VIOLATION_invalid_choice,
			"'%s' is not an active ISO 4217 currency.", currency);
	if (!basket_price(json_object_get(in->body, "lines"),
		    row_json(in->facts, "products", arena), "#/lines", arena, &basket, problem) ||
		!check_standing(in->facts, problem) || !work_out(in, &basket, out, problem))
		return false;
	json_object_update_new(out->fields,
		json_pack("{s:s, s:I, s:I}", "partner_id", rows_text(in->facts, "partner_id"),
			"terms_version", (json_int_t)rows_int(in->facts, "terms_version"),
			"program_version", (json_int_t)rows_int(in->facts, "program_version")));
	return true;
}

const struct endpoint margin_quote_endpoints[] = {
	{ .operation_id = "listMarginQuotes", .list = &quote_list },
	{ .operation_id = "getMarginQuote", .resource = &quote_resource, .get = true },
	{ .operation_id = "createMarginQuote",
		.resource = &quote_resource,
		.facts = "margin_quote_facts",
		.decide = decide_quote,
		.write = "margin_quote_create",
		.creates = true },
	{ 0 },
};
