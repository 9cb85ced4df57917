/* SPDX-License-Identifier: Apache-2.0 */
/* Exchange rates as dated records, and what an amount is worth by them at a time. */
#include <stdlib.h>
#include <string.h>

#include "base/money.h"
#include "domain/fx.h"
#include "http/app.h"
#include "http/conversion.h"
#include "margin.h"
#include "resources.h"

/* ---- rates ---- */

static const struct transition rate_transitions[] = {
	{ "withdraw", "active", "withdrawn" },
	{ 0 },
};

static const struct resource rate_resource = {
	.object = "fx_rate",
	.shape = "fx_rate_shape",
	.path = "/v1/fx-rates/",
	.shared = true,
	.transitions = rate_transitions,
};

static const struct filter rate_filters[] = {
	{ .parameter = "status", .type = 't' },
	{ .parameter = "base", .type = 't' },
	{ .parameter = "quote", .type = 't' },
	{ .parameter = "source", .type = 't' },
	{ .parameter = "valid_from_gte", .sql = "s.valid_from >= {}", .type = 'z' },
	{ .parameter = "valid_from_lt", .sql = "s.valid_from < {}", .type = 'z' },
	{ 0 },
};

static const struct sort rate_sorts[] = {
	{ .name = "valid_from", .column = "valid_from", .type = 'z' },
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list rate_list = {
	.resource = &rate_resource,
	.filters = rate_filters,
	.sorts = rate_sorts,
};

static void check_currency(
	const struct command_input *in, const char *member, struct problem *problem)
{
	struct arena *arena = in->request->arena;
	if (!currency_exponent(command_body_text(in, member), NULL))
		problem_add(problem, arena, PLACE_POINTER, arena_printf(arena, "#/%s", member),
			VIOLATION_invalid_choice, "Not an active currency of ISO 4217.");
}

static bool check_taken(const struct command_input *in, struct problem *problem)
{
	struct arena *arena = in->request->arena;
	const char *taken_by = rows_text(in->facts, "taken_by_id");
	if (taken_by == NULL)
		return true;
	problem_set(problem, PROBLEM_already_exists,
		"The pair has a rate from this instant already; withdraw it first.");
	problem_add(problem, arena, PLACE_POINTER, "#/valid_from", VIOLATION_not_unique,
		"The pair has a rate from this instant already.");
	problem->resource_id = arena_strdup(arena, taken_by);
	return false;
}

static bool decide_create(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	struct arena *arena = in->request->arena;
	struct fx_decimal rate;
	char text[FX_RATE_TEXT_BYTES];
	check_currency(in, "base", problem);
	check_currency(in, "quote", problem);
	if (strcmp(command_body_text(in, "base"), command_body_text(in, "quote")) == 0)
		problem_add(problem, arena, PLACE_POINTER, "#/quote", VIOLATION_inconsistent,
			"A currency has no rate to itself.");
	if (!fx_decimal_parse(command_body_text(in, "rate"), &rate))
		problem_add(problem, arena, PLACE_POINTER, "#/rate", VIOLATION_invalid_format,
			"A decimal above zero with at most %d significant digits.", FX_MOST_DIGITS);
	if (problem->is_set || !check_taken(in, problem))
		return false;
	fx_decimal_format(&rate, text);
	json_object_set_new(out->fields, "rate", json_string(text));
	out->event = "fx_rate.created";
	return true;
}

static bool decide_withdraw(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	out->event = "fx_rate.withdrawn";
	return transition_require(rate_transitions, "rate", "withdraw", "withdrawn",
		       command_before_text(in, "status"), problem) != NULL;
}

/* ---- conversion ---- */

static bool refuse_currency(const char *name, struct request *request, struct problem *problem)
{
	problem_set(problem, PROBLEM_invalid_parameter, "A parameter is not valid.");
	problem_add(problem, request->arena, PLACE_PARAMETER, name, VIOLATION_invalid_choice,
		"Not an active currency of ISO 4217.");
	return false;
}

static bool read_query(
	struct conversion *conversion, struct request *request, struct problem *problem)
{
	conversion->from = request_query(request, "from");
	conversion->to = request_query(request, "to");
	conversion->amount_minor = strtoll(request_query(request, "amount_minor"), NULL, 10);
	if (!currency_exponent(conversion->from, NULL))
		return refuse_currency("from", request, problem);
	return currency_exponent(conversion->to, NULL) || refuse_currency("to", request, problem);
}

/* One row, or NULL when it failed. */
static const struct rows *find_rates(
	const struct conversion *conversion, struct request *request, struct problem *problem)
{
	const char *at = request_query(request, "at");
	struct text body = TEXT_INIT;
	struct db_batch batch = request_batch(request);
	struct db_call *call = db_add(&batch, statement_find("fx_rates_at"));
	text_appendf(&body, "{\"from\":\"%s\",\"to\":\"%s\"", conversion->from, conversion->to);
	if (at != NULL) {
		text_append_string(&body, ",\"at\":");
		text_append_json(&body, at, strlen(at));
	}
	text_append_char(&body, '}');
	call->params[0] = request->actor->program_id;
	call->params[1] = actor_partner(request->actor);
	call->params[3] = arena_strndup(request->arena, body.bytes, body.length);
	text_release(&body);
	return db_run(request->app->db, &batch, problem) == DB_NONE ? call->rows : NULL;
}

static json_t *money_json(int64_t amount_minor, const char *currency)
{
	return json_pack(
		"{s:I, s:s}", "amount_minor", (json_int_t)amount_minor, "currency", currency);
}

static bool refuse_outcome(enum conversion_outcome outcome, const struct conversion *conversion,
	struct problem *problem)
{
	if (outcome == NO_WAY)
		return problem_set(problem, PROBLEM_rate_missing,
			"No rate leads from %s to %s at that time.", conversion->from,
			conversion->to);
	return problem_set(
		problem, PROBLEM_validation_failed, "The result is outside the range of money.");
}

static bool get_conversion(
	struct request *request, struct response *response, struct problem *problem)
{
	struct conversion conversion = { 0 };
	int64_t converted_minor;
	json_t *answer;
	if (!read_query(&conversion, request, problem))
		return false;
	const struct rows *rows = find_rates(&conversion, request, problem);
	if (rows == NULL)
		return false;
	conversion.pivot = rows_text(rows, "pivot");
	conversion.rates = row_json(rows, "rates", request->arena);
	enum conversion_outcome outcome = money_convert(&conversion, &converted_minor, &answer);
	if (outcome != CONVERTED)
		return refuse_outcome(outcome, &conversion, problem);
	json_object_update_new(
		answer, json_pack("{s:s, s:s, s:o, s:o}", "object", "fx_conversion", "at",
				rows_text(rows, "at"), "amount",
				money_json(conversion.amount_minor, conversion.from), "converted",
				money_json(converted_minor, conversion.to)));
	response->cache = CACHE_PRIVATE;
	response_json(response, 200, answer);
	return true;
}

const struct endpoint fx_endpoints[] = {
	{ .operation_id = "listFxRates", .list = &rate_list },
	{ .operation_id = "getFxRate", .resource = &rate_resource, .get = true },
	{ .operation_id = "createFxRate",
		.resource = &rate_resource,
		.facts = "fx_rate_facts",
		.decide = decide_create,
		.write = "fx_rate_create",
		.creates = true },
	{ .operation_id = "withdrawFxRate",
		.resource = &rate_resource,
		.decide = decide_withdraw,
		.write = "fx_rate_withdraw" },
	{ .operation_id = "convertMoney", .run = get_conversion },
	{ 0 },
};
