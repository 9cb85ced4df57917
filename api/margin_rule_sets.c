/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rule sets of margin: any number of drafts, and published ones of which the clock says which is in
 * force. A published set never changes; the vendor's side alone sees any.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/money.h"
#include "margin.h"
#include "resources.h"

static const struct transition rule_set_transitions[] = {
	{ "publish", "draft", "published" },
	{ "discard", "draft", "discarded" },
	{ 0 },
};

static const struct resource rule_set_resource = {
	.object = "margin_rule_set",
	.shape = "margin_rule_set_shape",
	.path = "/v1/margin-rule-sets/",
	.transitions = rule_set_transitions,
};

static const struct filter rule_set_filters[] = {
	{ .parameter = "status", .type = 't' },
	{ 0 },
};

static const struct sort rule_set_sorts[] = {
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list rule_set_list = {
	.resource = &rule_set_resource, .filters = rule_set_filters, .sorts = rule_set_sorts
};

/* ---- what is written ---- */

/* Members that are left out are there as null or empty, so that answers have them all. */
static json_t *complete(const json_t *list, const char *const *names)
{
	json_t *out = json_array();
	size_t i;
	json_t *given;
	json_array_foreach (list, i, given) {
		json_t *row = json_copy(given);
		for (const char *const *name = names; *name != NULL; name++)
			if (json_object_get(row, *name) == NULL)
				json_object_set_new(row, *name, json_null());
		json_array_append_new(out, row);
	}
	return out;
}

/* As answers show instants. */
static void normalize_time(json_t *rule, const char *name)
{
	const json_t *value = json_object_get(rule, name);
	char text[TIME_TEXT_BYTES];
	int64_t time_us;
	if (!json_is_string(value) ||
		!time_parse(json_string_value(value), json_string_length(value), &time_us))
		return;
	time_format(time_us, text);
	json_object_set_new(rule, name, json_string(text));
}

static json_t *rules_json(const json_t *rules)
{
	static const char *const names[] = { "valid_from", "valid_until", NULL };
	json_t *out = complete(rules, names);
	size_t i;
	json_t *rule;
	json_array_foreach (out, i, rule) {
		normalize_time(rule, "valid_from");
		normalize_time(rule, "valid_until");
		if (!json_is_array(json_object_get(rule, "conditions")))
			json_object_set_new(rule, "conditions", json_array());
	}
	return out;
}

static json_t *values_of(const struct command_input *in)
{
	static const char *const members[] = { "name", "currency", "rules", "accelerators",
		"quote_valid_days", "distributor_override_bps", "channel_cap_bps", NULL };
	json_t *values = json_pack("{s:s, s:[], s:[], s:i, s:i, s:n}", "currency",
		rows_text(in->facts, "currency"), "rules", "accelerators", "quote_valid_days", 30,
		"distributor_override_bps", 0, "channel_cap_bps");
	json_t *before = in->before != NULL ? json_loads(in->before, 0, NULL) : NULL;
	for (const char *const *name = members; *name != NULL; name++) {
		json_t *value = json_object_get(in->body, *name);
		if (value == NULL)
			value = json_object_get(before, *name);
		if (value != NULL)
			json_object_set(values, *name, value);
	}
	json_object_set_new(values, "rules", rules_json(json_object_get(values, "rules")));
	json_decref(before);
	return values;
}

static void check_accelerators(
	const json_t *accelerators, struct arena *arena, struct problem *problem)
{
	for (size_t i = 0; i < json_array_size(accelerators); i++) {
		const json_t *row = json_array_get(accelerators, i);
		const json_t *key = json_object_get(row, "key");
		for (size_t j = 0; j < i; j++)
			if (json_equal(
				    key, json_object_get(json_array_get(accelerators, j), "key")))
				problem_add(problem, arena, PLACE_POINTER,
					arena_printf(arena, "#/accelerators/%zu/key", i),
					VIOLATION_not_unique,
					"Another accelerator of the set has this key.");
		if (json_integer_value(json_object_get(row, "above_bps")) <
			json_integer_value(json_object_get(row, "rate_bps")))
			problem_add(problem, arena, PLACE_POINTER,
				arena_printf(arena, "#/accelerators/%zu/above_bps", i),
				VIOLATION_inconsistent,
				"Past the target the rate is not lower than before.");
	}
}

/* A distributor's share is inside what the channel may have altogether. */
static void check_channel(const json_t *values, struct arena *arena, struct problem *problem)
{
	const json_t *cap = json_object_get(values, "channel_cap_bps");
	if (json_is_integer(cap) && json_integer_value(json_object_get(values,
					    "distributor_override_bps")) > json_integer_value(cap))
		problem_add(problem, arena, PLACE_POINTER, "#/distributor_override_bps",
			VIOLATION_inconsistent,
			"The override is not above the cap of the channel.");
}

static json_t *warnings_json(const struct command_input *in, const struct margin_rules *rules)
{
	struct margin_warning found[MARGIN_MAX_RULES];
	size_t count = margin_rules_warnings(rules, rows_int(in->facts, "margin_cap_bps"),
		rows_time(in->facts, "now"), in->request->arena, found, MARGIN_MAX_RULES);
	json_t *warnings = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(
			warnings, json_pack("{s:s, s:s, s:s}", "pointer", found[i].where, "code",
					  found[i].code, "detail", found[i].detail));
	return warnings;
}

static bool check_values(const struct command_input *in, json_t *values, struct problem *problem)
{
	struct arena *arena = in->request->arena;
	const char *currency = json_string_value(json_object_get(values, "currency"));
	struct margin_rules rules =
		margin_rules_read(json_object_get(values, "rules"), currency, arena);
	if (!currency_exponent(currency, NULL))
		problem_add(problem, arena, PLACE_POINTER, "#/currency", VIOLATION_invalid_choice,
			"'%s' is not an active ISO 4217 currency.", currency);
	margin_rules_check(&rules, arena, problem);
	if (!problem->is_set)
		conditions_refuse_unknown(in->facts, true, arena, problem);
	check_accelerators(json_object_get(values, "accelerators"), arena, problem);
	check_channel(values, arena, problem);
	if (problem->is_set)
		return false;
	json_object_set_new(values, "warnings", warnings_json(in, &rules));
	return true;
}

static bool decide_create(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	json_t *values = values_of(in);
	json_object_set_new(out->fields, "set", values);
	out->event = "margin_rule_set.created";
	return check_values(in, values, problem);
}

/* ---- the state machine ---- */

static bool require_draft(
	const struct command_input *in, const char *participle, struct problem *problem)
{
	const char *status = command_before_text(in, "status");
	if (strcmp(status, "draft") == 0)
		return true;
	snprintf(problem->from, sizeof problem->from, "%s", status);
	return problem_set(problem, PROBLEM_invalid_transition,
		"Only a draft can be %s, and this rule set is %s.", participle,
		strcmp(status, "discarded") == 0 ? "discarded" : "published");
}

static bool decide_update(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	out->event = "margin_rule_set.updated";
	json_t *values = values_of(in);
	json_object_set_new(out->fields, "set", values);
	return check_values(in, values, problem) && require_draft(in, "edited", problem);
}

static bool decide_publish(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const char *asked = command_body_text(in, "effective_at");
	int64_t asked_us = 0;
	out->event = "margin_rule_set.published";
	if (asked != NULL && (!time_parse(asked, strlen(asked), &asked_us) ||
				     asked_us < rows_time(in->facts, "now")))
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/effective_at",
			VIOLATION_too_small, "Rules take effect now or later.");
	if (problem->is_set || !require_draft(in, "published", problem))
		return false;
	json_object_set_new(out->fields, "effective_at",
		json_string(asked != NULL ? asked : rows_text(in->facts, "now")));
	return true;
}

static bool decide_discard(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	out->event = "margin_rule_set.discarded";
	json_object_set_new(out->fields, "set", json_pack("{s:s}", "status", "discarded"));
	return require_draft(in, "discarded", problem);
}

/* ---- the catalogue ---- */

static json_t *words_json(const char *words)
{
	json_t *list = json_array();
	for (const char *at = words; at != NULL && *at != '\0';) {
		size_t length = strcspn(at, " ");
		json_array_append_new(list, json_stringn(at, length));
		at += length + strspn(at + length, " ");
	}
	return list;
}

static json_t *fact_json(enum margin_fact fact)
{
	enum fact_kind kind = margin_fact_kind(fact);
	json_t *comparisons = json_array();
	for (int i = 0; i < COMPARISON_COUNT; i++)
		if (fact_takes(kind, (enum comparison)i))
			json_array_append_new(
				comparisons, json_string(comparison_text((enum comparison)i)));
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:o}", "key", margin_fact_key(fact), "object",
		"margin_fact", "kind", fact_kind_text(kind), "description", margin_fact_text(fact),
		"comparisons", comparisons, "choices", words_json(margin_fact_choices(fact)));
}

static bool list_facts(struct request *request, struct response *response, struct problem *problem)
{
	json_t *facts = json_array();
	(void)request;
	(void)problem;
	for (int i = 0; i < MARGIN_FACT_COUNT; i++)
		json_array_append_new(facts, fact_json((enum margin_fact)i));
	response->cache = CACHE_PRIVATE;
	response_json(response, 200, json_pack("{s:o}", "data", facts));
	return true;
}

const struct endpoint margin_rule_set_endpoints[] = {
	{ .operation_id = "listMarginRuleSets", .list = &rule_set_list },
	{ .operation_id = "getMarginRuleSet", .resource = &rule_set_resource, .get = true },
	{ .operation_id = "createMarginRuleSet",
		.resource = &rule_set_resource,
		.facts = "margin_rule_set_facts",
		.decide = decide_create,
		.write = "margin_rule_set_create",
		.creates = true },
	{ .operation_id = "updateMarginRuleSet",
		.resource = &rule_set_resource,
		.facts = "margin_rule_set_facts",
		.decide = decide_update,
		.write = "margin_rule_set_change" },
	{ .operation_id = "publishMarginRuleSet",
		.resource = &rule_set_resource,
		.facts = "margin_rule_set_facts",
		.decide = decide_publish,
		.write = "margin_rule_set_publish" },
	{ .operation_id = "discardMarginRuleSet",
		.resource = &rule_set_resource,
		.decide = decide_discard,
		.write = "margin_rule_set_change" },
	{ .operation_id = "listMarginFacts", .run = list_facts },
	{ 0 },
};
