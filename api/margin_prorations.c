/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The margin of a billing period in which the rate may change (domain.md §5.10). Each day has the
 * rate that was in force when it began in the program's zone: the partner's tier, its terms and the
 * rules of margin; days in a row with the same rate and the same reasons are one segment. A deal
 * has the rate that was locked with it. Nothing is kept: what was in force cannot be changed
 * afterwards, so the same question has the same answer.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/money.h"
#include "domain/rates.h"
#include "http/app.h"
#include "margin.h"
#include "resources.h"

#define MOST_DAYS 366

struct proration {
	struct request *request;
	struct problem *problem;
	const struct rows *rows; /* margin_proration_facts */
	const char *currency;
	int64_t amount_minor, days;
	enum rate_at rate_at;
	struct dated_rate rates[MOST_DAYS];
	size_t rate_count;
	json_t *segments;
};

static const char *text_of(const json_t *object, const char *member)
{
	return json_string_value(json_object_get(object, member));
}

static int64_t int_of(const json_t *object, const char *member)
{
	return json_integer_value(json_object_get(object, member));
}

static void refuse(struct proration *proration, const char *where, enum violation_code code,
	const char *detail)
{
	problem_add(proration->problem, proration->request->arena, PLACE_POINTER, where, code, "%s",
		detail);
}

/* ---- the question ---- */

static bool read_facts(struct proration *proration)
{
	struct request *request = proration->request;
	struct db_batch batch = request_batch(request);
	struct db_call *call = db_add(&batch, statement_find("margin_proration_facts"));
	char *body = json_dumps(request->body, JSON_COMPACT);
	arena_defer(request->arena, free, body);
	call->params[0] = request->actor->program_id;
	call->params[1] = actor_partner(request->actor);
	call->params[3] = body;
	if (db_run(request->app->db, &batch, proration->problem) != DB_NONE)
		return false;
	proration->rows = call->rows;
	proration->days = rows_int(call->rows, "days");
	return rate_at_parse(rows_text(call->rows, "rate_at"), &proration->rate_at);
}

static void check_period(struct proration *proration)
{
	if (proration->days < 1)
		refuse(proration, "#/ends_on", VIOLATION_inconsistent,
			"The period ends after it starts: ends_on is the first day behind it.");
	else if (proration->days > MOST_DAYS)
		refuse(proration, "#/ends_on", VIOLATION_too_large,
			"A period has at most 366 days.");
	if (!currency_exponent(proration->currency, NULL))
		refuse(proration, "#/amount/currency", VIOLATION_invalid_choice,
			"Not an active currency of ISO 4217.");
}

static void check_partner(struct proration *proration)
{
	const char *named = text_of(proration->request->body, "partner_id");
	const char *found = rows_text(proration->rows, "partner_id");
	if (found == NULL && named == NULL)
		refuse(proration, "#/partner_id", VIOLATION_required,
			"Name the partner, or a deal of it.");
	else if (found == NULL || (named != NULL && strcasecmp(named, found) != 0))
		refuse(proration, "#/partner_id", VIOLATION_reference_not_found,
			"There is no such partner.");
}

static void check_deal(struct proration *proration)
{
	const struct rows *rows = proration->rows;
	if (text_of(proration->request->body, "deal_id") == NULL) {
		check_partner(proration);
		return;
	}
	if (rows_text(rows, "deal_id") == NULL) {
		refuse(proration, "#/deal_id", VIOLATION_reference_not_found,
			"There is no such deal.");
		return;
	}
	check_partner(proration);
	if (rows_text(rows, "deal_margin_bps") == NULL)
		refuse(proration, "#/deal_id", VIOLATION_inconsistent,
			"The deal has no margin: it is not approved, or earns commission.");
	if (strcmp(rows_text(rows, "deal_currency"), proration->currency) != 0)
		refuse(proration, "#/amount/currency", VIOLATION_inconsistent,
			"The deal is in another currency.");
}

static bool is_of_deal(const struct proration *proration)
{
	return rows_text(proration->rows, "deal_id") != NULL;
}

static bool check(struct proration *proration)
{
	check_period(proration);
	check_deal(proration);
	if (proration->problem->is_set)
		return false;
	return is_of_deal(proration) ||
	       strcmp(rows_text(proration->rows, "earns"), "commission") != 0 ||
	       problem_set(proration->problem, PROBLEM_no_margin,
		       "Partners of this type earn commission.");
}

/* ---- the rates ---- */

static bool same_member(const json_t *a, const json_t *b, const char *member)
{
	return json_equal(json_object_get(a, member), json_object_get(b, member)) == 1;
}

/* Another day of the segment before, or the first of another. */
static void add_day(struct proration *proration, int64_t day, int64_t rate_bps, json_t *segment)
{
	static const char *const reasons[] = { "margin_bps", "tier_id", "terms_version",
		"rule_set_version", "steps" };
	json_t *last =
		json_array_get(proration->segments, json_array_size(proration->segments) - 1);
	bool is_same = last != NULL;
	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0] && is_same; i++)
		is_same = same_member(last, segment, reasons[i]);
	if (is_same) {
		json_object_set_new(last, "days", json_integer(int_of(last, "days") + 1));
		json_decref(segment);
		return;
	}
	proration->rates[proration->rate_count++] = (struct dated_rate){ day, rate_bps };
	json_object_set_new(segment, "days", json_integer(1));
	json_array_append_new(proration->segments, segment);
}

static struct margin_work *work_of(struct proration *proration, const json_t *day)
{
	struct arena *arena = proration->request->arena;
	json_t *facts = row_json(proration->rows, "facts", arena);
	const char *rule_set_id = text_of(day, "rule_set_id");
	const json_t *rule_sets = row_json(proration->rows, "rule_sets", arena);
	const json_t *rule_set =
		rule_set_id != NULL ? json_object_get(rule_sets, rule_set_id) : NULL;
	json_t *terms = deal_terms_json(NULL, json_object_get(proration->request->body, "terms"));
	json_object_update(facts, terms);
	json_decref(terms);
	json_object_set(facts, "tier", json_object_get(day, "tier_key"));
	json_object_set_new(facts, "currency", json_string(proration->currency));
	json_object_set_new(facts, "amount_minor", json_integer(proration->amount_minor));
	return margin_work_new(json_object_get(rule_set, "rules"), text_of(rule_set, "currency"),
		facts, int_of(day, "at_us"), arena);
}

static json_t *rule_set_version(const struct proration *proration, const json_t *day)
{
	const char *id = text_of(day, "rule_set_id");
	const json_t *rule_sets = row_json(proration->rows, "rule_sets", proration->request->arena);
	return json_integer(id != NULL ? int_of(json_object_get(rule_sets, id), "version") : 0);
}

static bool rate_day(struct proration *proration, size_t index, const json_t *day)
{
	struct explanation explanation;
	struct margin_terms terms;
	if (json_is_null(json_object_get(day, "tier_id"))) {
		refuse(proration, "#/starts_on", VIOLATION_inconsistent,
			arena_printf(proration->request->arena,
				"The partner had no tier with terms on %s.", text_of(day, "day")));
		return false;
	}
	const struct margin_work *work = work_of(proration, day);
	const struct margin_input input = {
		.band = { int_of(day, "floor_bps"), int_of(day, "base_bps"),
			int_of(day, "cap_bps") },
		.program_cap_bps = rows_int(proration->rows, "margin_cap_bps"),
		.amount_minor = proration->amount_minor,
		.adjusters = work->adjusters,
		.adjuster_count = work->adjuster_count,
	};
	if (!margin_decide(&input, &terms, &explanation, proration->problem))
		return false;
	add_day(proration, (int64_t)index, terms.margin_bps,
		json_pack("{s:O, s:I, s:O, s:O, s:O, s:o, s:o}", "from_on",
			json_object_get(day, "day"), "margin_bps", (json_int_t)terms.margin_bps,
			"tier_id", json_object_get(day, "tier_id"), "tier_key",
			json_object_get(day, "tier_key"), "terms_version",
			json_object_get(day, "terms_version"), "rule_set_version",
			rule_set_version(proration, day), "steps",
			explanation_steps(&explanation)));
	return true;
}

static bool rate_partner(struct proration *proration)
{
	const json_t *days = row_json(proration->rows, "rate_days", proration->request->arena);
	size_t count = proration->rate_at == RATE_AT_INVOICE ? 1 : json_array_size(days);
	for (size_t i = 0; i < count; i++)
		if (!rate_day(proration, i, json_array_get(days, i)))
			return false;
	return true;
}

/* What was locked with the deal holds for all of the period. */
static void rate_deal(struct proration *proration)
{
	struct explanation explanation = { 0 };
	int64_t margin_bps = rows_int(proration->rows, "deal_margin_bps");
	explain_add(&explanation, "locked", "bps", 0, margin_bps,
		"The margin was locked when the deal was approved.");
	add_day(proration, 0, margin_bps,
		json_pack("{s:O, s:I, s:s?, s:n, s:n, s:n, s:o}", "from_on",
			json_object_get(proration->request->body, "starts_on"), "margin_bps",
			(json_int_t)margin_bps, "tier_id",
			rows_text(proration->rows, "deal_tier_id"), "tier_key", "terms_version",
			"rule_set_version", "steps", explanation_steps(&explanation)));
}

/* ---- the answer ---- */

static json_t *money_json(const struct proration *proration, int64_t minor)
{
	return json_pack(
		"{s:I, s:s}", "amount_minor", (json_int_t)minor, "currency", proration->currency);
}

static json_t *answer_json(const struct proration *proration, int64_t margin_minor)
{
	const json_t *body = proration->request->body;
	const struct rows *rows = proration->rows;
	return json_pack("{s:s, s:s, s:s, s:s?, s:O, s:O, s:I, s:s, s:s, s:o, s:o, s:o, s:O}",
		"object", "margin_proration", "partner_id", rows_text(rows, "partner_id"),
		"partner_name", rows_text(rows, "partner_name"), "deal_id",
		rows_text(rows, "deal_id"), "starts_on", json_object_get(body, "starts_on"),
		"ends_on", json_object_get(body, "ends_on"), "days", (json_int_t)proration->days,
		"zone", rows_text(rows, "zone"), "rate_at", rows_text(rows, "rate_at"), "amount",
		money_json(proration, proration->amount_minor), "margin_amount",
		money_json(proration, margin_minor), "partner_price",
		money_json(proration, proration->amount_minor - margin_minor), "segments",
		proration->segments);
}

/* Under invoice the first rate stands for all days, whatever comes later. */
static void stretch_first(struct proration *proration)
{
	if (proration->rate_at == RATE_AT_INVOICE || is_of_deal(proration))
		json_object_set_new(json_array_get(proration->segments, 0), "days",
			json_integer(proration->days));
}

static bool run_proration(
	struct request *request, struct response *response, struct problem *problem)
{
	if (request->body_problem.is_set) {
		*problem = request->body_problem;
		return false;
	}
	const json_t *amount = json_object_get(request->body, "amount");
	struct proration proration = {
		.request = request,
		.problem = problem,
		.currency = text_of(amount, "currency"),
		.amount_minor = int_of(amount, "amount_minor"),
		.segments = json_array(),
	};
	int64_t margin_minor;
	arena_defer(request->arena, (void (*)(void *))json_decref, proration.segments);
	if (!read_facts(&proration) || !check(&proration))
		return false;
	if (is_of_deal(&proration))
		rate_deal(&proration);
	else if (!rate_partner(&proration))
		return false;
	stretch_first(&proration);
	if (!prorate(proration.amount_minor, proration.days, proration.rates, proration.rate_count,
		    proration.rate_at, &margin_minor))
		return problem_set(problem, PROBLEM_validation_failed,
			"The amount is outside the range of money.");
	response->cache = CACHE_PRIVATE;
	response_json(response, 200, answer_json(&proration, margin_minor));
	return true;
}

const struct endpoint margin_proration_endpoints[] = {
	{ .operation_id = "prorateMargin", .run = run_proration },
	{ 0 },
};
