/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Deal registration. Registering and approving have rules of their own (src/domain/deal.c); every
 * other step is a row of the state machine plus what it sets, see deal_steps. A new step is a row
 * there, one in deal_transitions, one below and its operation in the contract.
 */
#include <string.h>
#include <strings.h>

#include "approvals.h"
#include "base/clock.h"
#include "base/money.h"
#include "custom_fields.h"
#include "deal_credit.h"
#include "deal_limits.h"
#include "deal_parts.h"
#include "deal_quotes.h"
#include "domain/deal.h"
#include "http/conversion.h"
#include "matching.h"
#include "resources.h"

const struct resource deal_resource = {
	.object = "deal",
	.shape = "deal_shape",
	.path = "/v1/deals/",
	.transitions = deal_transitions,
	.not_while_held = "submit approve reopen extend",
	.offers = deal_offers,
	.question = &deal_approval_question,
};

/* ---- registration ---- */

#define MAX_LINES 200

static size_t read_lines(const json_t *items, struct deal_line *lines)
{
	size_t count = json_array_size(items);
	for (size_t i = 0; i < count && i < MAX_LINES; i++) {
		const json_t *item = json_array_get(items, i);
		lines[i].quantity = json_integer_value(json_object_get(item, "quantity"));
		lines[i].unit_amount_minor =
			json_integer_value(json_object_get(item, "unit_amount_minor"));
	}
	return count < MAX_LINES ? count : MAX_LINES;
}

static bool check_currency(
	const json_t *amount, const char *where, struct arena *arena, struct problem *problem)
{
	const char *currency = json_string_value(json_object_get(amount, "currency"));
	if (currency == NULL || currency_exponent(currency, NULL))
		return true;
	problem_add(problem, arena, PLACE_POINTER, where, VIOLATION_invalid_choice,
		"'%s' is not an active ISO 4217 currency.", currency);
	return false;
}

/* A partner registers for itself; the vendor says for whom. */
static bool check_registrant(const struct command_input *in, struct problem *problem)
{
	struct arena *arena = in->request->arena;
	const char *named = command_body_text(in, "partner_id");
	const char *found = rows_text(in->facts, "partner_id");
	if (named == NULL && found == NULL)
		problem_add(problem, arena, PLACE_POINTER, "#/partner_id", VIOLATION_required,
			"Name the partner that the deal is registered for.");
	else if (found == NULL || (named != NULL && strcasecmp(named, found) != 0))
		problem_add(problem, arena, PLACE_POINTER, "#/partner_id",
			VIOLATION_reference_not_found, "There is no such partner.");
	return !problem->is_set;
}

static bool check_external_ids(const struct command_input *in, struct problem *problem)
{
	const char *existing = rows_text(in->facts, "existing_deal_id");
	if (existing == NULL)
		return true;
	problem->resource_id = existing;
	problem_set(problem, PROBLEM_already_exists,
		"A deal with one of these external ids is registered already.");
	problem_add(problem, in->request->arena, PLACE_POINTER, "#/external_ids",
		VIOLATION_not_unique, "One of them names another deal.");
	return false;
}

static void set_terms(const struct command_input *in, json_t *fields)
{
	json_object_set_new(fields, "terms",
		deal_terms_json(row_json(in->facts, "quote_terms", in->request->arena),
			json_object_get(in->body, "terms")));
}

static bool decide_register(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	struct deal_line lines[MAX_LINES];
	struct arena *arena = in->request->arena;
	if (!check_registrant(in, problem))
		return false;
	const json_t *amount = deal_quote_amount(in, out->fields, problem);
	if (amount == NULL || !check_currency(amount, "#/amount/currency", arena, problem))
		return false;
	bool draft = json_is_true(json_object_get(in->body, "draft"));
	if (!custom_fields_check(in, draft ? FIELDS_OPTIONAL : FIELDS_COMPLETE, problem))
		return false;
	const json_t *items = json_object_get(in->body, "line_items");
	const struct deal_facts facts = {
		.partner_status = rows_text(in->facts, "partner_status"),
		.amount_minor = json_integer_value(json_object_get(amount, "amount_minor")),
		.has_line_items = json_array_size(items) > 0,
	};
	if (!deal_register(&facts, lines, read_lines(items, lines), arena, problem) ||
		!check_external_ids(in, problem) || !deal_quote_fits(in, problem))
		return false;
	set_terms(in, out->fields);
	if (!draft && !deal_has_room(in, out, problem))
		return false;
	json_object_set_new(out->fields, "status", json_string(draft ? "draft" : "submitted"));
	json_object_set_new(
		out->fields, "partner_id", json_string(rows_text(in->facts, "partner_id")));
	out->event = draft ? "deal.created" : "deal.submitted";
	const json_t *customer =
		customer_registered(in, row_json(in->facts, "quote_product_ids", arena));
	json_object_set(out->fields, "product_ids", json_object_get(customer, "product_ids"));
	return deal_match(in, rows_text(in->facts, "partner_id"), customer, draft, out, problem);
}

/* ---- update ---- */

/* States in which the partner may still change what it registered. */
static bool is_open_for_partner(const char *status)
{
	return strcmp(status, "draft") == 0 || strcmp(status, "submitted") == 0 ||
	       strcmp(status, "info_requested") == 0;
}

/* The note is the vendor's: for partners there is no such member. */
static bool check_members(const struct command_input *in, struct problem *problem)
{
	if (actor_side(in->actor) == SIDE_VENDOR ||
		json_object_get(in->body, "review_note") == NULL)
		return true;
	problem_add(problem, in->request->arena, PLACE_POINTER, "#/review_note",
		VIOLATION_unknown_field, "Unknown field.");
	return false;
}

/* What the vendor notes for itself is noted at any time. */
static bool is_vendors_own(const json_t *body)
{
	const char *name;
	json_t *value;
	json_object_foreach ((json_t *)body, name, value)
		if (strcmp(name, "review_note") != 0 && strcmp(name, "vendor_custom_fields") != 0)
			return false;
	return json_object_size(body) > 0;
}

static bool check_open(const struct command_input *in, struct problem *problem)
{
	const char *status = command_before_text(in, "status");
	bool in_review = strcmp(status, "in_review") == 0 && actor_side(in->actor) == SIDE_VENDOR;
	bool is_worked = deal_is_progress(in->body) &&
			 (strcmp(status, "in_review") == 0 || strcmp(status, "approved") == 0 ||
				 strcmp(status, "conflict_hold") == 0);
	if (is_vendors_own(in->body) || in_review || is_worked || is_open_for_partner(status))
		return true;
	return problem_set(
		problem, PROBLEM_deal_not_open, "A deal in the state %s cannot be edited.", status);
}

/* Members of the amount that are absent keep their value; the sum of the lines is checked against
 * what results. */
static bool patch_amount(const struct command_input *in, json_t *set, struct problem *problem)
{
	struct deal_line lines[MAX_LINES];
	struct arena *arena = in->request->arena;
	const json_t *amount = json_object_get(in->body, "amount"),
		     *items = json_object_get(in->body, "line_items");
	if (!check_currency(amount, "#/amount/currency", arena, problem))
		return false;
	const json_t *minor = json_object_get(amount, "amount_minor"),
		     *currency = json_object_get(amount, "currency");
	if (minor != NULL)
		json_object_set(set, "amount_minor", (json_t *)minor);
	if (currency != NULL)
		json_object_set(set, "currency", (json_t *)currency);
	if (amount == NULL && items == NULL)
		return true;
	json_t *before = json_loads(in->before, 0, NULL);
	arena_defer(arena, (void (*)(void *))json_decref, before);
	const json_t *sum = minor != NULL ? minor : json_object_get(before, "amount.amount_minor");
	const json_t *kept = items != NULL ? items : json_object_get(before, "line_items");
	const struct deal_facts facts = {
		.partner_status = "active", /* an open registration may be corrected whatever became
					       of the partner */
		.amount_minor = json_integer_value(sum),
		.has_line_items = json_array_size(kept) > 0,
	};
	return deal_register(&facts, lines, read_lines(kept, lines), arena, problem);
}

/* What a quote has fixed stays; other terms are merged. */
static bool patch_terms(const struct command_input *in, json_t *set, struct problem *problem)
{
	struct arena *arena = in->request->arena;
	bool is_quoted = rows_text(in->facts, "quote_id") != NULL;
	const json_t *minor = json_object_get(set, "amount_minor"),
		     *currency = json_object_get(set, "currency"),
		     *patch = json_object_get(in->body, "terms");
	if (is_quoted &&
		((minor != NULL &&
			 json_integer_value(minor) != rows_int(in->facts, "amount_minor")) ||
			(currency != NULL && strcmp(json_string_value(currency),
						     rows_text(in->facts, "currency")) != 0)))
		deal_quote_refuse(in, VIOLATION_inconsistent, "#/amount",
			"The amount must stay the net amount of the quote.", problem);
	if (patch == NULL)
		return !problem->is_set;
	json_t *row = json_loads(in->before, 0, NULL);
	arena_defer(arena, (void (*)(void *))json_decref, row);
	const json_t *before = json_object_get(row, "terms");
	json_t *terms = deal_terms_json(before, patch);
	json_object_set_new(set, "terms", terms);
	if (is_quoted && !json_equal(terms, before))
		deal_quote_refuse(in, VIOLATION_inconsistent, "#/terms",
			"The quote was made for other terms.", problem);
	return !problem->is_set;
}

static bool decide_update(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	static const char *const plain[] = { "customer_name", "customer_country",
		"customer_website", "customer_tax_id", "customer_duns", "customer_contact_name",
		"customer_contact_email", "expected_close_on", "description", "product_ids",
		"line_items", "review_note", NULL };
	json_t *set = json_object();
	json_object_set_new(out->fields, "set", set);
	out->event = "deal.updated";
	const char *status = command_before_text(in, "status");
	enum field_duty duty = strcmp(status, "draft") == 0 ? FIELDS_OPTIONAL : FIELDS_KEPT;
	if (!check_members(in, problem) || !custom_fields_check(in, duty, problem) ||
		!patch_amount(in, set, problem) || !patch_terms(in, set, problem) ||
		!check_open(in, problem) || !check_external_ids(in, problem) ||
		!deal_patch_progress(in, set, problem))
		return false;
	patch_columns(in, set, plain);
	bool is_draft = strcmp(command_before_text(in, "status"), "draft") == 0;
	if (patch_matters_to_match(in->body) &&
		!deal_match(in, command_before_text(in, "partner_id"), customer_patched(in),
			is_draft, out, problem))
		return false;
	return patch_map(in, set, "external_ids", problem) &&
	       patch_map(in, set, "custom_fields", problem) &&
	       patch_map(in, set, "vendor_custom_fields", problem);
}

/* ---- the state machine ---- */

/* What a step sets beside the status. */
struct deal_step {
	const char *action, *participle, *event;
	const char *member, *column; /* text of the body that goes into a column */
	const char *time;            /* column that takes the present time */
	bool needs_partner, needs_protection, closes;
};

static const struct deal_step deal_steps[] = {
	{ .action = "submit",
		.participle = "submitted",
		.event = "deal.submitted",
		.time = "submitted_at",
		.needs_partner = true },
	{ .action = "start-review",
		.participle = "taken into review",
		.event = "deal.review_started" },
	{ .action = "request-info",
		.participle = "sent back for information",
		.event = "deal.info_requested",
		.member = "message",
		.column = "info_request" },
	{ .action = "reject",
		.participle = "rejected",
		.event = "deal.rejected",
		.member = "reason",
		.column = "decision_comment",
		.time = "decided_at" },
	{ .action = "withdraw",
		.participle = "withdrawn",
		.event = "deal.withdrawn",
		.member = "reason",
		.column = "decision_comment",
		.time = "decided_at" },
	{ .action = "win",
		.participle = "won",
		.event = "deal.won",
		.needs_protection = true,
		.closes = true },
	{ .action = "lose",
		.participle = "lost",
		.event = "deal.lost",
		.member = "reason",
		.column = "lost_reason",
		.needs_protection = true,
		.closes = true },
	{ .action = "cancel",
		.participle = "cancelled",
		.event = "deal.cancelled",
		.member = "reason",
		.column = "decision_comment",
		.needs_protection = true,
		.closes = true },
};

static const struct deal_step *step_of(const char *action)
{
	for (size_t i = 0; i < sizeof deal_steps / sizeof deal_steps[0]; i++)
		if (strcmp(deal_steps[i].action, action) == 0)
			return &deal_steps[i];
	return NULL;
}

/* By the clock, whatever is stored. */
static const char *status_now(const struct rows *facts)
{
	return deal_status_at(rows_text(facts, "status"), rows_time(facts, "protected_until"),
		rows_time(facts, "now"));
}

/* A deal is not closed on a day that is still to come, in the program's zone. */
static bool check_closed_on(const struct command_input *in, struct problem *problem)
{
	const char *closed_on = command_body_text(in, "closed_on");
	if (closed_on == NULL || strcmp(closed_on, rows_text(in->facts, "today")) <= 0)
		return true;
	problem_add(problem, in->request->arena, PLACE_POINTER, "#/closed_on", VIOLATION_too_large,
		"That day is still to come.");
	return false;
}

static bool check_actual_amount(const struct command_input *in, struct problem *problem)
{
	const json_t *actual = json_object_get(in->body, "actual_amount");
	const char *currency = json_string_value(json_object_get(actual, "currency"));
	const char *of_deal = rows_text(in->facts, "currency");
	if (currency == NULL || strcmp(currency, of_deal) == 0)
		return true;
	problem_add(problem, in->request->arena, PLACE_POINTER, "#/actual_amount/currency",
		VIOLATION_inconsistent, "The deal is in %s.", of_deal);
	return false;
}

static void set_closing(const struct command_input *in, const char *action, json_t *set)
{
	const char *closed_on = command_body_text(in, "closed_on");
	const json_t *actual = json_object_get(in->body, "actual_amount");
	if (closed_on == NULL)
		closed_on = rows_text(in->facts, "today");
	json_object_set_new(set, "closed_on", json_string(closed_on));
	json_object_set_new(set, "closed_at", json_string(rows_text(in->facts, "now")));
	if (strcmp(action, "win") != 0)
		return;
	json_int_t won = json_is_object(actual)
				 ? json_integer_value(json_object_get(actual, "amount_minor"))
				 : rows_int(in->facts, "amount_minor");
	json_object_set_new(set, "actual_amount_minor", json_integer(won));
	json_object_update_new(
		set, deal_worth_json(row_json(in->facts, "worth_facts", in->request->arena), won));
}

static bool draft_is_ready(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	return custom_fields_are_complete(in, problem) && deal_quote_is_in_time(in, out, problem) &&
	       deal_has_room(in, out, problem);
}

static bool decide_step(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const struct deal_step *step = step_of(command_action(in));
	const char *status = status_now(in->facts);
	json_t *set = json_object();
	json_object_set_new(out->fields, "set", set);
	if (step->closes && (!check_closed_on(in, problem) || !check_actual_amount(in, problem)))
		return false;
	if (strcmp(step->action, "lose") == 0 && !deal_lost_reason(in, set, problem))
		return false;
	const struct transition *move = transition_require(
		deal_transitions, "deal", step->action, step->participle, status, problem);
	if (move == NULL)
		return false;
	if (step->needs_partner && strcmp(rows_text(in->facts, "partner_status"), "active") != 0)
		return problem_set(problem, PROBLEM_partner_not_active,
			"Only an active partner can submit a deal.");
	if (strcmp(status, "draft") == 0 && strcmp(step->action, "submit") == 0 &&
		!draft_is_ready(in, out, problem))
		return false;
	json_object_set_new(set, "status", json_string(move->to));
	if (step->column != NULL && command_body_text(in, step->member) != NULL)
		json_object_set_new(
			set, step->column, json_string(command_body_text(in, step->member)));
	if (step->time != NULL)
		json_object_set_new(set, step->time, json_string(rows_text(in->facts, "now")));
	if (step->needs_partner)
		json_object_set_new(out->fields, "needs_partner",
			json_string(rows_text(in->facts, "partner_id")));
	json_object_set_new(out->fields, "needs_protection", json_boolean(step->needs_protection));
	if (step->closes)
		set_closing(in, step->action, set);
	if (strcmp(step->action, "win") == 0)
		deal_credit_win(
			in, json_integer_value(json_object_get(set, "actual_amount_minor")), out);
	out->event = step->event;
	return strcmp(step->action, "submit") != 0 ||
	       deal_match(in, rows_text(in->facts, "partner_id"), customer_patched(in), false, out,
		       problem);
}

/* ---- approval ---- */

static struct margin_work *approval_rules(const struct command_input *in)
{
	struct arena *arena = in->request->arena;
	return margin_work_new(row_json(in->facts, "rules", arena),
		rows_text(in->facts, "rule_set_currency"), row_json(in->facts, "facts", arena),
		rows_time(in->facts, "now"), arena);
}

static struct deal_facts approval_facts(
	const struct rows *facts, const struct margin_work *work, const struct margin_terms *quoted)
{
	return (struct deal_facts){
		.adjusters = work->adjusters,
		.adjuster_count = work->adjuster_count,
		.quoted = rows_text(facts, "quote_id") != NULL ? quoted : NULL,
		.status = status_now(facts),
		.partner_status = rows_text(facts, "partner_status"),
		.tier_status = rows_text(facts, "tier_status"),
		.band = { rows_int(facts, "floor_bps"), rows_int(facts, "base_bps"),
			rows_int(facts, "cap_bps") },
		.program_cap_bps = rows_int(facts, "margin_cap_bps"),
		.amount_minor = rows_int(facts, "amount_minor"),
		.currency = rows_text(facts, "currency"),
		.earns = rows_text(facts, "earns"),
		.commission_bps = rows_int(facts, "commission_bps"),
		.override_bps = rows_text(facts, "distributor_id") != NULL
					? rows_int(facts, "override_bps")
					: 0,
		.channel_cap_bps = rows_int(facts, "channel_cap_bps"),
		.protection_days = rows_int(facts, "protection_days"),
		.now_us = rows_time(facts, "now"),
		.protection_ends_us = rows_time(facts, "protection_ends_at"),
	};
}

static bool earns_margin(const struct deal_approval *approval)
{
	return strcmp(approval->earns, "commission") != 0;
}

static bool earns_commission(const struct deal_approval *approval)
{
	return strcmp(approval->earns, "margin") != 0;
}

/* What the decision looked at, for the vendor, and what came out, for everybody. */
static void keep_approval(const struct command_input *in, const struct deal_facts *facts,
	const struct deal_approval *approval, struct decision *out)
{
	json_object_update_new(out->inputs,
		json_pack("{s:s, s:I, s:s, s:{s:s?, s:s?, s:I, s:I, s:I, s:I}, s:I, s:I, s:s}",
			"status", facts->status, "amount_minor", (json_int_t)facts->amount_minor,
			"currency", facts->currency, "tier", "id", rows_text(in->facts, "tier_id"),
			"key", rows_text(in->facts, "tier_key"), "terms_version",
			(json_int_t)rows_int(in->facts, "terms_version"), "floor_bps",
			(json_int_t)facts->band.floor_bps, "base_bps",
			(json_int_t)facts->band.base_bps, "cap_bps",
			(json_int_t)facts->band.cap_bps, "margin_cap_bps",
			(json_int_t)facts->program_cap_bps, "protection_days",
			(json_int_t)facts->protection_days, "zone", rows_text(in->facts, "zone")));
	char expires_at[TIME_TEXT_BYTES];
	time_format(approval->protection_ends_us, expires_at);
	json_object_update_new(out->outcome, json_pack("{s:s, s:s}", "earns", approval->earns,
						     "protection_expires_at", expires_at));
	if (earns_margin(approval))
		json_object_update_new(out->outcome,
			json_pack("{s:I, s:{s:I, s:s}, s:I}", "margin_bps",
				(json_int_t)approval->margin.margin_bps, "margin_amount",
				"amount_minor", (json_int_t)approval->margin.margin_minor,
				"currency", facts->currency, "clipped_bps",
				(json_int_t)approval->margin.clipped_bps));
	if (earns_commission(approval))
		json_object_set_new(
			out->outcome, "commission_bps", json_integer(approval->commission_bps));
	out->is_kept = true;
}

/* Which rules decided, and what each made of the deal: for the vendor. */
static void keep_rules(
	const struct command_input *in, const struct margin_work *work, struct decision *out)
{
	json_object_update_new(
		out->inputs, json_pack("{s:{s:s?, s:I}, s:o, s:O?, s:s?}", "margin_rule_set", "id",
				     rows_text(in->facts, "rule_set_id"), "version",
				     (json_int_t)rows_int(in->facts, "rule_set_version"), "rules",
				     margin_trace(work), "facts",
				     row_json(in->facts, "facts", in->request->arena), "quote_id",
				     rows_text(in->facts, "quote_id")));
	json_object_set_new(out->outcome, "rule_set_version",
		json_integer(rows_int(in->facts, "rule_set_version")));
}

/* What the distributor gets, and what the channel costs in sum: for the vendor. */
static void keep_channel(const struct command_input *in, const struct deal_facts *facts,
	const struct deal_approval *approval, struct decision *out)
{
	const struct channel_cost *channel = &approval->channel;
	const char *distributor = rows_text(in->facts, "distributor_id");
	json_object_set_new(out->inputs, "channel",
		json_pack("{s:s?, s:I, s:I, s:I, s:I, s:I, s:b}", "distributor_id", distributor,
			"override_bps", (json_int_t)facts->override_bps, "cap_bps",
			(json_int_t)facts->channel_cap_bps, "override_minor",
			(json_int_t)channel->override_minor, "clipped_minor",
			(json_int_t)channel->clipped_minor, "total_minor",
			(json_int_t)channel->total_minor, "exceeds_cap", channel->exceeds_cap));
	json_object_set_new(out->fields, "needs_distributor", json_pack("s?", distributor));
	if (distributor == NULL)
		return;
	json_object_update_new(json_object_get(out->fields, "set"),
		json_pack("{s:s, s:I}", "distributor_id", distributor, "distributor_override_minor",
			(json_int_t)channel->override_minor));
	json_object_set_new(out->fields, "needs_rule_set",
		json_pack("s?", rows_text(in->facts, "rule_set_id")));
}

static void set_earnings(const struct deal_approval *approval, json_t *set)
{
	if (earns_margin(approval))
		json_object_update_new(
			set, json_pack("{s:I, s:I}", "margin_bps",
				     (json_int_t)approval->margin.margin_bps, "margin_minor",
				     (json_int_t)approval->margin.margin_minor));
	if (earns_commission(approval))
		json_object_set_new(set, "commission_bps", json_integer(approval->commission_bps));
}

/* What has to be so still when it is written. */
static void need_earnings(const struct command_input *in, const struct deal_facts *facts,
	const struct deal_approval *approval, json_t *fields)
{
	const struct rows *rows = in->facts;
	json_object_update_new(
		fields, json_pack("{s:s, s:s, s:o}", "needs_partner", rows_text(rows, "partner_id"),
				"needs_earns", facts->earns, "needs_commission_bps",
				rows_text(rows, "commission_bps") != NULL
					? json_integer(facts->commission_bps)
					: json_null()));
	if (!earns_margin(approval))
		return;
	json_object_update_new(
		fields, json_pack("{s:s, s:I, s:I}", "needs_tier", rows_text(rows, "tier_id"),
				"terms_version", (json_int_t)rows_int(rows, "terms_version"),
				"program_version", (json_int_t)rows_int(rows, "program_version")));
	if (facts->quoted == NULL)
		json_object_set_new(
			fields, "needs_rule_set", json_pack("s?", rows_text(rows, "rule_set_id")));
}

bool deal_decide_approval(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const struct margin_work *work = approval_rules(in);
	const struct margin_terms quoted = { rows_int(in->facts, "quote_margin_bps"),
		rows_int(in->facts, "quote_margin_minor"),
		rows_int(in->facts, "quote_clipped_bps") };
	struct deal_facts facts = approval_facts(in->facts, work, &quoted);
	struct deal_approval approval;
	if (!deal_special_price(in, &facts, out->fields, problem))
		return false;
	if (!deal_approve(&facts, &approval, &out->explanation, problem))
		return false;
	const char *now = rows_text(in->facts, "now"), *comment = command_body_text(in, "comment");
	json_t *set = json_pack("{s:s, s:s?, s:s, s:s, s:s, s:s?, s:s, s:s}", "status", "approved",
		"tier_id", rows_text(in->facts, "tier_id"), "earns", approval.earns,
		"margin_decision_id", out->id, "decided_at", now, "decision_comment", comment,
		"protection_starts_at", now, "protection_expires_at",
		rows_text(in->facts, "protection_ends_at"));
	json_object_set_new(out->fields, "set", set);
	set_earnings(&approval, set);
	need_earnings(in, &facts, &approval, out->fields);
	keep_channel(in, &facts, &approval, out);
	out->event = "deal.approved";
	keep_rules(in, work, out);
	keep_approval(in, &facts, &approval, out);
	return deal_credit_freeze(in, facts.amount_minor, out, problem);
}

#define STEP(operation)                                                                         \
	{                                                                                       \
		.operation_id = (operation), .resource = &deal_resource, .facts = "deal_facts", \
		.decide = decide_step, .write = "deal_change"                                   \
	}

const struct endpoint deal_endpoints[] = {
	{ .operation_id = "listDeals", .list = &deal_list },
	{ .operation_id = "getDeal", .resource = &deal_resource, .get = true },
	{ .operation_id = "registerDeal",
		.resource = &deal_resource,
		.facts = "deal_register_facts",
		.decide = decide_register,
		.write = "deal_register",
		.creates = true,
		.is_rationed_dry = true },
	{ .operation_id = "updateDeal",
		.resource = &deal_resource,
		.facts = "deal_update_facts",
		.decide = decide_update,
		.write = "deal_change" },
	STEP("submitDeal"),
	STEP("startDealReview"),
	STEP("requestDealInfo"),
	STEP("rejectDeal"),
	STEP("withdrawDeal"),
	STEP("winDeal"),
	STEP("loseDeal"),
	STEP("cancelDeal"),
	{ .operation_id = "getDealTimeline", .list = &deal_timeline_list },
	{ 0 },
};
