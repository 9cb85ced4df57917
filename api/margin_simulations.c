/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What if: the deals decided in a period, or baskets, under another rule set. Deals are judged with
 * the band and cap by which they were decided; baskets with those of now, and compared with the
 * rules in force. Nothing is kept. Beside it, what accelerators have earned a partner this year.
 */
#include <stdlib.h>
#include <string.h>

#include "base/money.h"
#include "http/app.h"
#include "margin.h"
#include "resources.h"

#define MAX_DEALS 1000

struct simulation {
	struct request *request;
	struct problem *problem;
	const struct rows *draft; /* margin_simulation_facts */
	json_t *rules;
	json_t *items;    /* one per deal or basket */
	json_t *partners; /* by "<partner> <currency>" */
	json_t *totals;   /* by currency */
};

/* What is compared, wherever it comes from. */
struct subject {
	const char *partner_id, *partner_name, *currency;
	int64_t amount_minor;
	struct margin_terms now;
};

static json_t *money_json(int64_t minor, const char *currency)
{
	return json_pack("{s:I, s:s}", "amount_minor", (json_int_t)minor, "currency", currency);
}

static json_t *terms_json(const struct margin_terms *terms, const char *currency)
{
	return json_pack("{s:I, s:o}", "margin_bps", (json_int_t)terms->margin_bps, "margin_amount",
		money_json(terms->margin_minor, currency));
}

static int64_t minor_of(const json_t *row, const char *member)
{
	return json_integer_value(json_object_get(json_object_get(row, member), "amount_minor"));
}

/* Sums of sums stay within money, or the simulation is refused as too large. */
static bool add_to(json_t *row, const char *member, int64_t minor, const char *currency)
{
	int64_t sum_minor;
	if (!money_add(minor_of(row, member), minor, &sum_minor))
		return false;
	json_object_set_new(row, member, money_json(sum_minor, currency));
	return true;
}

static bool count_in(json_t *groups, const char *key, const struct subject *subject,
	int64_t simulated_minor, json_t *blank)
{
	json_t *row = json_object_get(groups, key);
	if (row == NULL) {
		row = json_copy(blank);
		json_object_set_new(groups, key, row);
	}
	json_object_set_new(
		row, "count", json_integer(json_integer_value(json_object_get(row, "count")) + 1));
	return add_to(row, "current", subject->now.margin_minor, subject->currency) &&
	       add_to(row, "simulated", simulated_minor, subject->currency) &&
	       add_to(row, "difference", simulated_minor - subject->now.margin_minor,
		       subject->currency);
}

static bool count_subject(
	struct simulation *simulation, const struct subject *subject, int64_t simulated_minor)
{
	const char *key = arena_printf(
		simulation->request->arena, "%s %s", subject->partner_id, subject->currency);
	json_t *partner = json_pack("{s:s, s:s}", "partner_id", subject->partner_id, "partner_name",
		subject->partner_name);
	json_t *total = json_object();
	bool is_money =
		count_in(simulation->partners, key, subject, simulated_minor, partner) &&
		count_in(simulation->totals, subject->currency, subject, simulated_minor, total);
	json_decref(partner);
	json_decref(total);
	return is_money || problem_set(simulation->problem, PROBLEM_validation_failed,
				   "The sums are outside the range of money.");
}

static bool add_item(struct simulation *simulation, const struct subject *subject, json_t *item,
	const struct margin_work *work, const struct margin_input *input)
{
	struct margin_terms simulated;
	struct explanation explanation;
	json_array_append_new(simulation->items, item);
	if (!margin_decide(input, &simulated, &explanation, simulation->problem))
		return false;
	json_object_update_new(item,
		json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o}", "partner_id",
			subject->partner_id, "partner_name", subject->partner_name, "amount",
			money_json(subject->amount_minor, subject->currency), "current",
			terms_json(&subject->now, subject->currency), "simulated",
			terms_json(&simulated, subject->currency), "difference",
			money_json(simulated.margin_minor - subject->now.margin_minor,
				subject->currency),
			"steps", explanation_steps(&explanation), "rules", margin_trace(work)));
	return count_subject(simulation, subject, simulated.margin_minor);
}

/* ---- the deals of a period ---- */

static int64_t cell_int(const struct rows *rows, size_t row, const char *name)
{
	const char *text = rows_cell(rows, row, (size_t)rows_column(rows, name), NULL);
	return text != NULL ? strtoll(text, NULL, 10) : 0;
}

static const char *cell_text(const struct rows *rows, size_t row, const char *name)
{
	return rows_cell(rows, row, (size_t)rows_column(rows, name), NULL);
}

static bool simulate_deal(struct simulation *simulation, const struct rows *rows, size_t row)
{
	struct arena *arena = simulation->request->arena;
	const struct subject subject = {
		.partner_id = cell_text(rows, row, "partner_id"),
		.partner_name = cell_text(rows, row, "partner_name"),
		.currency = cell_text(rows, row, "currency"),
		.amount_minor = cell_int(rows, row, "amount_minor"),
		.now = { .margin_bps = cell_int(rows, row, "margin_bps"),
			.margin_minor = cell_int(rows, row, "margin_minor") },
	};
	json_t *facts = json_loads(cell_text(rows, row, "facts"), 0, NULL);
	struct margin_work *work = margin_work_new(simulation->rules,
		rows_text(simulation->draft, "rule_set_currency"), facts,
		cell_int(rows, row, "decided_us"), arena);
	json_decref(facts);
	const struct margin_input input = {
		.band = { cell_int(rows, row, "floor_bps"), cell_int(rows, row, "base_bps"),
			cell_int(rows, row, "cap_bps") },
		.program_cap_bps = cell_int(rows, row, "margin_cap_bps"),
		.amount_minor = subject.amount_minor,
		.adjusters = work->adjusters,
		.adjuster_count = work->adjuster_count,
	};
	json_t *item = json_pack("{s:s, s:s, s:n}", "deal_id", cell_text(rows, row, "deal_id"),
		"deal_number", cell_text(rows, row, "number"), "basket");
	return add_item(simulation, &subject, item, work, &input);
}

static struct db_call *add_call(
	struct simulation *simulation, struct db_batch *batch, const char *name, const char *body)
{
	struct db_call *call = db_add(batch, statement_find(name));
	call->params[0] = simulation->request->actor->program_id;
	call->params[1] = actor_partner(simulation->request->actor);
	call->params[3] = body;
	return call;
}

static const char *dumped(struct request *request, const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);
	arena_defer(request->arena, free, text);
	return text;
}

static bool simulate_deals(struct simulation *simulation)
{
	struct request *request = simulation->request;
	const json_t *period = json_object_get(request->body, "deals");
	struct db_batch batch = request_batch(request);
	if (period == NULL)
		return true;
	const struct db_call *call =
		add_call(simulation, &batch, "margin_simulation_deals", dumped(request, period));
	if (db_run(request->app->db, &batch, simulation->problem) != DB_NONE)
		return false;
	size_t count = rows_count(call->rows);
	if (count > MAX_DEALS) {
		problem_add(simulation->problem, request->arena, PLACE_POINTER, "#/deals",
			VIOLATION_too_large,
			"More than %d deals were decided in this period; take a shorter one.",
			MAX_DEALS);
		return false;
	}
	for (size_t row = 0; row < count; row++)
		if (!simulate_deal(simulation, call->rows, row))
			return false;
	return true;
}

/* ---- baskets ---- */

static const char *basket_fault(const struct rows *facts)
{
	const char *tier = rows_text(facts, "tier_status");
	if (rows_text(facts, "partner_id") == NULL)
		return "There is no such partner.";
	return tier == NULL || strcmp(tier, "published") != 0
		       ? "The partner has no tier that is published."
		       : NULL;
}

static struct margin_input input_of(
	const struct rows *facts, const struct basket *basket, const struct margin_work *work)
{
	return (struct margin_input){
		.band = { rows_int(facts, "floor_bps"), rows_int(facts, "base_bps"),
			rows_int(facts, "cap_bps") },
		.program_cap_bps = rows_int(facts, "margin_cap_bps"),
		.amount_minor = basket->net_minor,
		.adjusters = work->adjusters,
		.adjuster_count = work->adjuster_count,
	};
}

static json_t *basket_facts(const struct rows *rows, const json_t *asked,
	const struct basket *basket, struct arena *arena)
{
	json_t *facts = row_json(rows, "facts", arena);
	json_t *terms = deal_terms_json(NULL, json_object_get(asked, "terms"));
	json_object_update_new(facts, terms);
	json_object_update_new(
		facts, json_pack("{s:O?, s:O?, s:I, s:I, s:O, s:O}", "currency",
			       json_object_get(asked, "currency"), "rating",
			       json_object_get(asked, "rating"), "amount_minor",
			       (json_int_t)basket->net_minor, "discount_bps",
			       (json_int_t)basket_discount_bps(basket), "products",
			       basket->product_keys, "product_kinds", basket->product_kinds));
	return facts;
}

static bool simulate_basket(
	struct simulation *simulation, size_t index, const json_t *asked, const struct rows *rows)
{
	struct arena *arena = simulation->request->arena;
	const char *where = arena_printf(arena, "#/baskets/%zu", index);
	const char *fault = basket_fault(rows);
	struct basket basket;
	if (fault != NULL)
		problem_add(simulation->problem, arena, PLACE_POINTER,
			arena_printf(arena, "%s/partner_id", where), VIOLATION_reference_not_found,
			"%s", fault);
	if (!basket_price(json_object_get(asked, "lines"), row_json(rows, "products", arena),
		    arena_printf(arena, "%s/lines", where), arena, &basket, simulation->problem))
		return false;
	json_t *facts = basket_facts(rows, asked, &basket, arena);
	int64_t now_us = rows_time(rows, "now");
	struct margin_work *present = margin_work_new(row_json(rows, "rules", arena),
				   rows_text(rows, "rule_set_currency"), facts, now_us, arena),
			   *work = margin_work_new(simulation->rules,
				   rows_text(simulation->draft, "rule_set_currency"), facts, now_us,
				   arena);
	struct margin_input before = input_of(rows, &basket, present),
			    after = input_of(rows, &basket, work);
	struct explanation explanation;
	struct subject subject = {
		.partner_id = rows_text(rows, "partner_id"),
		.partner_name = rows_text(rows, "partner_name"),
		.currency = json_string_value(json_object_get(asked, "currency")),
		.amount_minor = basket.net_minor,
	};
	if (!margin_decide(&before, &subject.now, &explanation, simulation->problem))
		return false;
	return add_item(simulation, &subject,
		json_pack("{s:n, s:n, s:I}", "deal_id", "deal_number", "basket", (json_int_t)index),
		work, &after);
}

static bool simulate_baskets(struct simulation *simulation)
{
	struct request *request = simulation->request;
	size_t i;
	json_t *asked;
	json_array_foreach (json_object_get(request->body, "baskets"), i, asked) {
		struct db_batch batch = request_batch(request);
		const struct db_call *call =
			add_call(simulation, &batch, "margin_quote_facts", dumped(request, asked));
		if (db_run(request->app->db, &batch, simulation->problem) != DB_NONE ||
			!simulate_basket(simulation, i, asked, call->rows))
			return false;
	}
	return true;
}

/* ---- the answer ---- */

static json_t *values_of(const json_t *groups)
{
	json_t *list = json_array();
	const char *key;
	json_t *row;
	json_object_foreach ((json_t *)groups, key, row)
		json_array_append(list, row);
	return list;
}

static void decref(void *value)
{
	json_decref(value);
}

static json_t *own(struct arena *arena, json_t *value)
{
	arena_defer(arena, decref, value);
	return value;
}

static bool read_draft(struct simulation *simulation)
{
	struct request *request = simulation->request;
	struct db_batch batch = request_batch(request);
	const struct db_call *call = add_call(
		simulation, &batch, "margin_simulation_facts", dumped(request, request->body));
	if (db_run(request->app->db, &batch, simulation->problem) != DB_NONE)
		return false;
	if (rows_count(call->rows) == 0) {
		problem_add(simulation->problem, request->arena, PLACE_POINTER, "#/rule_set_id",
			VIOLATION_reference_not_found, "There is no such rule set.");
		return false;
	}
	simulation->draft = call->rows;
	simulation->rules = row_json(call->rows, "rules", request->arena);
	return true;
}

static bool run_simulation(
	struct request *request, struct response *response, struct problem *problem)
{
	struct arena *arena = request->arena;
	if (request->body_problem.is_set) {
		*problem = request->body_problem;
		return false;
	}
	struct simulation simulation = {
		.request = request,
		.problem = problem,
		.items = own(arena, json_array()),
		.partners = own(arena, json_object()),
		.totals = own(arena, json_object()),
	};
	if (!read_draft(&simulation) || !simulate_baskets(&simulation) ||
		!simulate_deals(&simulation))
		return false;
	response->cache = CACHE_PRIVATE;
	response_json(response, 200,
		json_pack("{s:s, s:I, s:O, s:o, s:o}", "rule_set_id",
			rows_text(simulation.draft, "rule_set_id"), "rule_set_version",
			(json_int_t)rows_int(simulation.draft, "rule_set_version"), "items",
			simulation.items, "partners", values_of(simulation.partners), "totals",
			values_of(simulation.totals)));
	return true;
}

/* ---- accelerators ---- */

static json_t *accelerator_json(const json_t *row, int64_t won_minor, const char *currency)
{
	struct accelerator accelerator = {
		.target_minor = json_integer_value(json_object_get(row, "target_minor")),
		.rate_bps = json_integer_value(json_object_get(row, "rate_bps")),
		.above_bps = json_integer_value(json_object_get(row, "above_bps")),
	};
	int64_t earned_minor = 0;
	int64_t missing_minor = accelerator.target_minor - won_minor;
	(void)accelerator_mode_parse(
		json_string_value(json_object_get(row, "mode")), &accelerator.mode);
	if (!accelerator_earn(&accelerator, won_minor, &earned_minor))
		return NULL;
	return json_pack("{s:O, s:O, s:O, s:O, s:O, s:o, s:o, s:o, s:b, s:o}", "key",
		json_object_get(row, "key"), "name", json_object_get(row, "name"), "mode",
		json_object_get(row, "mode"), "rate_bps", json_object_get(row, "rate_bps"),
		"above_bps", json_object_get(row, "above_bps"), "target",
		money_json(accelerator.target_minor, currency), "won",
		money_json(won_minor, currency), "missing",
		money_json(missing_minor > 0 ? missing_minor : 0, currency), "is_accelerated",
		won_minor > accelerator.target_minor, "earned", money_json(earned_minor, currency));
}

static bool run_accelerators(
	struct request *request, struct response *response, struct problem *problem)
{
	const struct rows *rows = request_row(
		request, "partner_accelerators", NULL, "There is no such partner.", problem);
	if (rows == NULL)
		return false;
	const json_t *accelerators = row_json(rows, "accelerators", request->arena);
	json_t *list = json_array();
	for (size_t i = 0; i < json_array_size(accelerators); i++) {
		json_t *row = accelerator_json(json_array_get(accelerators, i),
			rows_int(rows, "won_minor"), rows_text(rows, "currency"));
		if (row != NULL)
			json_array_append_new(list, row);
	}
	response->cache = CACHE_PRIVATE;
	response_json(response, 200,
		json_pack("{s:s, s:I, s:s, s:o}", "partner_id", rows_text(rows, "partner_id"),
			"rule_set_version", (json_int_t)rows_int(rows, "rule_set_version"),
			"fiscal_year_starts_on", rows_text(rows, "starts_on"), "accelerators",
			list));
	return true;
}

const struct endpoint margin_simulation_endpoints[] = {
	{ .operation_id = "simulateMargins", .run = run_simulation },
	{ .operation_id = "getPartnerAccelerators", .run = run_accelerators },
	{ 0 },
};
