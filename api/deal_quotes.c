/* SPDX-License-Identifier: Apache-2.0 */
/* A deal beside the quote it is registered with. */
#include "deal_quotes.h"

#include <string.h>

#include "margin.h"
#include "resources.h"

void deal_quote_refuse(const struct command_input *in, enum violation_code code, const char *where,
	const char *detail, struct problem *problem)
{
	problem_add(problem, in->request->arena, PLACE_POINTER, where, code, "%s", detail);
}

/* An amount that is given is what was quoted, and so are the terms. */
static bool matches_quote(const struct command_input *in, struct problem *problem)
{
	const json_t *amount = json_object_get(in->body, "amount"),
		     *terms = json_object_get(in->body, "terms");
	json_t *quoted = row_json(in->facts, "quote_terms", in->request->arena);
	if (amount != NULL && (json_integer_value(json_object_get(amount, "amount_minor")) !=
					      rows_int(in->facts, "quote_net_minor") ||
				      strcmp(json_string_value(json_object_get(amount, "currency")),
					      rows_text(in->facts, "quote_currency")) != 0))
		deal_quote_refuse(in, VIOLATION_inconsistent, "#/amount",
			"The amount must be the net amount of the quote.", problem);
	const char *name;
	json_t *value;
	json_object_foreach ((json_t *)terms, name, value)
		if (!json_equal(value, json_object_get(quoted, name)))
			deal_quote_refuse(in, VIOLATION_inconsistent,
				arena_printf(in->request->arena, "#/terms/%s", name),
				"The quote was made for other terms.", problem);
	return !problem->is_set;
}

bool deal_quote_fits(const struct command_input *in, struct problem *problem)
{
	if (command_body_text(in, "quote_id") == NULL)
		return true;
	if (rows_text(in->facts, "quote_id") == NULL) {
		deal_quote_refuse(in, VIOLATION_reference_not_found, "#/quote_id",
			"The partner has no such quote.", problem);
		return false;
	}
	const char *used_by = rows_text(in->facts, "quote_deal_id");
	if (used_by != NULL) {
		problem->resource_id = used_by;
		problem_set(problem, PROBLEM_already_exists,
			"A deal was registered with this quote already.");
		deal_quote_refuse(
			in, VIOLATION_not_unique, "#/quote_id", "A quote is used once.", problem);
		return false;
	}
	if (rows_time(in->facts, "quote_valid_until") <= rows_time(in->facts, "now")) {
		deal_quote_refuse(in, VIOLATION_inconsistent, "#/quote_id",
			"The quote is not valid any more; ask for a new one.", problem);
		return false;
	}
	return matches_quote(in, problem);
}

const json_t *deal_quote_amount(
	const struct command_input *in, json_t *fields, struct problem *problem)
{
	json_t *amount = json_object_get(in->body, "amount");
	if (amount != NULL)
		json_object_set(fields, "amount", amount);
	else if (rows_text(in->facts, "quote_id") != NULL)
		json_object_set_new(fields, "amount",
			json_pack("{s:I, s:s}", "amount_minor",
				(json_int_t)rows_int(in->facts, "quote_net_minor"), "currency",
				rows_text(in->facts, "quote_currency")));
	else if (deal_quote_fits(in, problem))
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/amount",
			VIOLATION_required, "Give the amount, or the quote that has it.");
	return json_object_get(fields, "amount");
}

bool deal_quote_is_in_time(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	json_object_set_new(out->fields, "needs_quote", json_true());
	if (rows_text(in->facts, "quote_id") == NULL ||
		rows_time(in->facts, "quote_valid_until") > rows_time(in->facts, "now"))
		return true;
	deal_quote_refuse(in, VIOLATION_inconsistent, "#/quote_id",
		"The quote is not valid any more; withdraw the draft and register with a new one.",
		problem);
	return false;
}
