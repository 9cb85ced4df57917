/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who has part in a deal. The vendor agrees the shares with the partners and sets them as a whole,
 * so that they add up at any time; approval freezes them. A partner sees its own part and neither
 * the others' nor, unless the deal is its own, the deal.
 */
#include "deal_credit.h"

#include <string.h>

#include "base/money.h"
#include "domain/credit.h"
#include "domain/deal.h"
#include "margin.h"
#include "resources.h"

#define CREDIT_RULES_VERSION 1

static const struct resource collaborator_resource = {
	.object = "deal_collaborator",
	.shape = "deal_collaborator_shape",
	.path = "/v1/deal-collaborators/",
};

static const struct filter collaborator_filters[] = {
	{ .parameter = "deal_id", .type = 'u' },
	{ .parameter = "partner_id", .type = 'u' },
	{ .parameter = "contribution", .type = 't' },
	{ .parameter = "is_credited", .sql = "(s.credited_at is not null) = {}", .type = 'b' },
	{ 0 },
};

static const struct sort collaborator_sorts[] = {
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list collaborator_list = {
	.resource = &collaborator_resource,
	.filters = collaborator_filters,
	.sorts = collaborator_sorts,
};

static bool is_sourced(const json_t *share)
{
	const char *contribution = json_string_value(json_object_get(share, "contribution"));
	return contribution != NULL && strcmp(contribution, "sourced") == 0;
}

static int64_t member_int(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

/* ---- agreeing ---- */

/* Days compare as their texts do; how many lie between does not matter here. */
static int64_t days_ago(const char *engaged_on, const char *today)
{
	return engaged_on != NULL && strcmp(engaged_on, today) > 0 ? -1 : 0;
}

static size_t read_split(
	const struct command_input *in, struct credit_share shares[static CREDIT_MAX_SHARES])
{
	const json_t *list = json_object_get(in->body, "collaborators"), *item;
	const json_t *known = row_json(in->facts, "known", in->request->arena);
	size_t index, count = 0;
	json_array_foreach (list, index, item) {
		if (count == CREDIT_MAX_SHARES)
			break;
		const char *partner_id = json_string_value(json_object_get(item, "partner_id"));
		char *lower = arena_strdup(in->request->arena, partner_id);
		for (char *byte = lower; *byte != '\0'; byte++)
			*byte = *byte >= 'A' && *byte <= 'Z' ? (char)(*byte | 32) : *byte;
		shares[count++] = (struct credit_share){
			.partner_id = lower,
			.is_sourced = is_sourced(item),
			.share_bps = member_int(item, "share_bps"),
			.days_ago = days_ago(json_string_value(json_object_get(item, "engaged_on")),
				rows_text(in->facts, "today")),
			.partner_status = json_string_value(json_object_get(known, lower)),
		};
	}
	return count;
}

/* As it is stored: with the day, where it was left out. */
static json_t *split_json(const struct command_input *in)
{
	json_t *shares = json_deep_copy(json_object_get(in->body, "collaborators")), *item;
	size_t index;
	json_array_foreach (shares, index, item)
		if (json_object_get(item, "engaged_on") == NULL)
			json_object_set_new(
				item, "engaged_on", json_string(rows_text(in->facts, "today")));
	return shares;
}

static bool decide_split(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	struct credit_share shares[CREDIT_MAX_SHARES];
	const char *status = deal_status_at(rows_text(in->facts, "status"),
		rows_time(in->facts, "protected_until"), rows_time(in->facts, "now"));
	size_t count = read_split(in, shares);
	if (!credit_split_check(shares, count, in->request->arena, problem) ||
		transition_require(
			deal_transitions, "deal", "split-credit", "split", status, problem) == NULL)
		return false;
	json_object_set_new(out->fields, "shares", split_json(in));
	json_object_set_new(out->inputs, "shares", split_json(in));
	out->explanation.rule_set = "deal_credit";
	out->explanation.rule_set_version = CREDIT_RULES_VERSION;
	out->is_kept = true;
	out->event = "deal.credit_split";
	return true;
}

/* ---- freezing ---- */

static size_t read_shares(const json_t *list, struct credit_share shares[static CREDIT_MAX_SHARES])
{
	const json_t *item;
	size_t index, count = 0;
	json_array_foreach (list, index, item)
		if (count < CREDIT_MAX_SHARES)
			shares[count++] = (struct credit_share){
				.is_sourced = is_sourced(item),
				.share_bps = member_int(item, "share_bps"),
				.days_ago = member_int(item, "days_ago"),
				.partner_status =
					json_string_value(json_object_get(item, "partner_status")),
			};
	return count;
}

bool deal_credit_freeze(const struct command_input *in, int64_t amount_minor, struct decision *out,
	struct problem *problem)
{
	struct credit_share shares[CREDIT_MAX_SHARES];
	int64_t bps[CREDIT_MAX_SHARES], parts[CREDIT_MAX_SHARES];
	const char *model = rows_text(in->facts, "attribution_model");
	struct credit_policy policy = { .window_days =
						rows_int(in->facts, "attribution_window_days") };
	json_t *list = json_deep_copy(row_json(in->facts, "shares", in->request->arena));
	size_t count = read_shares(list, shares);
	json_t *credit = json_pack("{s:s, s:I, s:o}", "model", model, "window_days",
		(json_int_t)policy.window_days, "shares", list);
	json_object_set_new(out->fields, "credit", credit);
	if (!credit_freeze_check(shares, count, problem))
		return false;
	if (!credit_model_parse(model, &policy.model) ||
		!credit_attribute(&policy, shares, count, bps) ||
		!money_split(amount_minor, bps, count, parts))
		return problem_set(problem, PROBLEM_internal, "Shares that were checked.");
	for (size_t i = 0; i < count; i++)
		json_object_update_new(json_array_get(list, i),
			json_pack("{s:I, s:I, s:b}", "credited_bps", (json_int_t)bps[i],
				"credited_minor", (json_int_t)parts[i], "counts",
				credit_counts(&policy, &shares[i])));
	json_object_set(out->inputs, "credit", credit);
	return true;
}

void deal_credit_win(const struct command_input *in, int64_t won_minor, struct decision *out)
{
	int64_t bps[CREDIT_MAX_SHARES], parts[CREDIT_MAX_SHARES];
	const json_t *list = row_json(in->facts, "shares", in->request->arena);
	size_t count = json_array_size(list);
	json_t *shares = json_array();
	for (size_t i = 0; i < count && i < CREDIT_MAX_SHARES; i++)
		bps[i] = member_int(json_array_get(list, i), "credited_bps");
	json_object_set_new(out->fields, "credit", json_pack("{s:o}", "shares", shares));
	if (count > CREDIT_MAX_SHARES || !money_split(won_minor, bps, count, parts))
		return; /* approved before there was credit */
	for (size_t i = 0; i < count; i++)
		json_array_append_new(shares,
			json_pack("{s:O, s:O, s:I, s:I}", "partner_id",
				json_object_get(json_array_get(list, i), "partner_id"),
				"contribution",
				json_object_get(json_array_get(list, i), "contribution"),
				"share_bps",
				(json_int_t)member_int(json_array_get(list, i), "share_bps"),
				"won_minor", (json_int_t)parts[i]));
}

const struct endpoint deal_credit_endpoints[] = {
	{ .operation_id = "listDealCollaborators", .list = &collaborator_list },
	{ .operation_id = "getDealCollaborator", .resource = &collaborator_resource, .get = true },
	{ .operation_id = "splitDealCredit",
		.resource = &deal_resource,
		.facts = "deal_split_facts",
		.decide = decide_split,
		.write = "deal_split" },
	{ 0 },
};
