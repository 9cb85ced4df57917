/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies of approval: the vendor's own data, judged when they are written, with every fault at
 * its place. A policy is changed in place; steps that were decided under an earlier version count
 * no more.
 */
#include "approvals.h"
#include "resources.h"

static const struct transition policy_transitions[] = {
	{ "retire", "active", "retired" },
	{ 0 },
};

static const struct resource policy_resource = {
	.object = "deal_approval_policy",
	.shape = "deal_approval_policy_shape",
	.path = "/v1/deal-approval-policies/",
	.transitions = policy_transitions,
};

static const struct filter policy_filters[] = {
	{ .parameter = "status", .type = 't' },
	{ 0 },
};

static const struct sort policy_sorts[] = {
	{ .name = "position", .column = "position", .type = 'i' },
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list policy_list = {
	.resource = &policy_resource, .filters = policy_filters, .sorts = policy_sorts
};

/* ---- reading ---- */

static const char *copy_text(const json_t *object, const char *name, struct arena *arena)
{
	const char *text = json_string_value(json_object_get(object, name));
	return text != NULL ? arena_strdup(arena, text) : NULL;
}

static struct approvers approvers_read(const json_t *written, struct arena *arena)
{
	const json_t *people = json_object_get(written, "user_ids");
	size_t i, count = json_array_size(people);
	const char **ids = arena_zalloc(arena, (count + 1) * sizeof *ids);
	for (i = 0; i < count; i++)
		ids[i] = arena_strdup(arena, json_string_value(json_array_get(people, i)));
	return (struct approvers){ copy_text(written, "role", arena), ids, count };
}

/* The machinery of margin rules reads conditions as part of a rule. */
static void conditions_read(
	const json_t *conditions, struct approval_policy *policy, struct arena *arena)
{
	json_t *rules = json_pack(
		"[{s:s, s:s, s:O}]", "key", "policy", "name", "policy", "conditions", conditions);
	const struct margin_rules read = margin_rules_read(rules, policy->currency, arena);
	policy->conditions = read.rules[0].conditions;
	policy->condition_count = read.rules[0].condition_count;
	json_decref(rules);
}

struct approval_policy approval_policy_read(const json_t *policy, struct arena *arena)
{
	const json_t *written = json_object_get(policy, "steps"),
		     *escalation = json_object_get(policy, "escalation");
	size_t i, count = json_array_size(written);
	struct approval_step *steps = arena_zalloc(arena, (count + 1) * sizeof *steps);
	for (i = 0; i < count; i++) {
		const json_t *step = json_array_get(written, i);
		steps[i] = (struct approval_step){
			.name = copy_text(step, "name", arena),
			.by = approvers_read(step, arena),
			.four_eyes = json_is_true(json_object_get(step, "four_eyes")),
		};
	}
	struct approval_policy out = {
		.id = copy_text(policy, "id", arena),
		.version = json_integer_value(json_object_get(policy, "version")),
		.currency = copy_text(policy, "currency", arena),
		.steps = steps,
		.step_count = count,
		.is_automatic = json_is_true(json_object_get(policy, "is_automatic")),
		.escalates = json_is_object(escalation),
		.escalation = approvers_read(escalation, arena),
	};
	conditions_read(json_object_get(policy, "conditions"), &out, arena);
	return out;
}

/* ---- writing ---- */

/* Members that are left out are there as null, empty or false, so that answers have them all. */
static json_t *approvers_json(const json_t *given)
{
	const json_t *role = json_object_get(given, "role"),
		     *people = json_object_get(given, "user_ids");
	return json_pack("{s:O, s:o}", "role", json_is_string(role) ? role : json_null(),
		"user_ids", json_is_array(people) ? json_copy((json_t *)people) : json_array());
}

static json_t *steps_json(const json_t *given)
{
	json_t *steps = json_array();
	size_t i;
	json_t *step;
	json_array_foreach (given, i, step) {
		json_t *whole = approvers_json(step);
		json_object_set(whole, "name", json_object_get(step, "name"));
		json_object_set_new(whole, "four_eyes",
			json_boolean(json_is_true(json_object_get(step, "four_eyes"))));
		json_array_append_new(steps, whole);
	}
	return steps;
}

/* What the policy will be: defaults, what is there, what the body says. */
static json_t *values_of(const struct command_input *in)
{
	static const char *const members[] = { "name", "position", "conditions", "steps",
		"is_automatic", "escalation", NULL };
	json_t *values = json_pack(
		"{s:[], s:[], s:b, s:n}", "conditions", "steps", "is_automatic", 0, "escalation");
	json_t *before = in->before != NULL ? json_loads(in->before, 0, NULL) : NULL;
	for (const char *const *name = members; *name != NULL; name++) {
		json_t *value = json_object_get(in->body, *name);
		if (value == NULL)
			value = json_object_get(before, *name);
		if (value != NULL)
			json_object_set(values, *name, value);
	}
	json_object_set_new(values, "steps", steps_json(json_object_get(values, "steps")));
	if (json_is_object(json_object_get(values, "escalation")))
		json_object_set_new(values, "escalation",
			approvers_json(json_object_get(values, "escalation")));
	json_decref(before);
	return values;
}

/* Places of people who are not there, or whose role cannot approve deals. */
static const int64_t *unknown_users(const struct command_input *in, size_t *ret_count)
{
	const json_t *approvers = row_json(in->facts, "approvers", in->request->arena);
	int64_t *places =
		arena_zalloc(in->request->arena, (json_array_size(approvers) + 1) * sizeof *places);
	size_t i;
	json_t *pair;
	*ret_count = 0;
	json_array_foreach (approvers, i, pair) {
		const char *role = json_string_value(json_array_get(pair, 1));
		if (role == NULL || !approval_role_fits(role))
			places[(*ret_count)++] = json_integer_value(json_array_get(pair, 0));
	}
	return places;
}

static bool decide_values(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	json_t *values = values_of(in);
	size_t count;
	const int64_t *unknown = unknown_users(in, &count);
	json_object_set_new(out->fields, "set", values);
	const char *currency = command_before_text(in, "currency");
	if (currency == NULL)
		currency = rows_text(in->facts, "currency");
	json_object_set_new(out->fields, "currency", json_string(currency));
	const struct approval_policy policy = approval_policy_read(values, in->request->arena);
	if (approval_policy_check(&policy, unknown, count, in->request->arena, problem))
		conditions_refuse_unknown(in->facts, false, in->request->arena, problem);
	return !problem->is_set;
}

static bool decide_create(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	out->event = "deal_approval_policy.created";
	return decide_values(in, out, problem);
}

static bool require_active(
	const struct command_input *in, const char *participle, struct problem *problem)
{
	return transition_require(policy_transitions, "policy", "retire", participle,
		       command_before_text(in, "status"), problem) != NULL;
}

static bool decide_update(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	out->event = "deal_approval_policy.updated";
	return decide_values(in, out, problem) && require_active(in, "edited", problem);
}

static bool decide_retire(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	out->event = "deal_approval_policy.retired";
	json_object_set_new(out->fields, "set", json_pack("{s:s}", "status", "retired"));
	return require_active(in, "retired", problem);
}

const struct endpoint deal_approval_policy_endpoints[] = {
	{ .operation_id = "listDealApprovalPolicies", .list = &policy_list },
	{ .operation_id = "getDealApprovalPolicy", .resource = &policy_resource, .get = true },
	{ .operation_id = "createDealApprovalPolicy",
		.resource = &policy_resource,
		.facts = "approval_policy_facts",
		.decide = decide_create,
		.write = "approval_policy_create",
		.creates = true },
	{ .operation_id = "updateDealApprovalPolicy",
		.resource = &policy_resource,
		.facts = "approval_policy_facts",
		.decide = decide_update,
		.write = "approval_policy_change" },
	{ .operation_id = "retireDealApprovalPolicy",
		.resource = &policy_resource,
		.decide = decide_retire,
		.write = "approval_policy_change" },
	{ 0 },
};
