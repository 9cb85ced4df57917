/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identity providers that the program trusts, and the links of their subjects to users. Whoever may
 * write here says who may sign in as whom, so it takes an admin of the vendor, never a machine.
 */
#include <string.h>

#include "domain/federation.h"
#include "http/app.h"
#include "resources.h"

/* ---- providers ---- */

static const struct transition provider_transitions[] = {
	{ "enable", "disabled", "active" },
	{ "disable", "active", "disabled" },
	{ 0 },
};

static const struct resource provider_resource = {
	.object = "identity_provider",
	.shape = "identity_provider_shape",
	.path = "/v1/identity-providers/",
	.transitions = provider_transitions,
};

static const struct filter provider_filters[] = {
	{ .parameter = "status", .type = 't' },
	{ 0 },
};

static const struct sort provider_sorts[] = {
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list provider_list = {
	.resource = &provider_resource,
	.filters = provider_filters,
	.sorts = provider_sorts,
};

/* What can be told to a provider, and what it is when nobody says so. */
static json_t *provider_defaults(void)
{
	return json_pack("{s:b, s:b, s:b, s:b, s:b, s:n, s:[], s:n, s:n, s:n}", "accepts_plain_jwt",
		0, "uses_token_scopes", 1, "asserts_second_factor", 0, "matches_verified_email", 0,
		"creates_users", 0, "role_claim", "role_rules", "default_role", "partner_id",
		"partner_claim");
}

/* The values that result: defaults, what is there, what the body says. */
static json_t *provider_values(const struct command_input *in)
{
	json_t *values = provider_defaults();
	json_t *before = in->before != NULL ? json_loads(in->before, 0, NULL) : NULL;
	const char *name;
	json_t *value;
	json_object_update_existing(values, before);
	json_object_foreach ((json_t *)in->body, name, value)
		json_object_set(values, name, value);
	if (before != NULL && json_object_get(values, "issuer") == NULL)
		json_object_set(values, "issuer", json_object_get(before, "issuer"));
	if (before != NULL && json_object_get(values, "audience") == NULL)
		json_object_set(values, "audience", json_object_get(before, "audience"));
	json_decref(before);
	return values;
}

static bool has_text(const json_t *values, const char *name)
{
	return json_is_string(json_object_get(values, name));
}

/* Roles come from an enum of the contract, so each is one. */
static void read_roles(const json_t *values, struct provider_facts *facts)
{
	size_t index;
	json_t *rule;
	json_array_foreach (json_object_get(values, "role_rules"), index, rule) {
		const char *role = json_string_value(json_object_get(rule, "role"));
		if (facts->rule_count < PROVIDER_MAX_RULES &&
			role_parse(role, &facts->rule_roles[facts->rule_count]))
			facts->rule_count++;
	}
	const char *role = json_string_value(json_object_get(values, "default_role"));
	facts->has_default_role = role != NULL && role_parse(role, &facts->default_role);
}

static bool check_values(
	const struct command_input *in, const json_t *values, struct problem *problem)
{
	const struct app *app = in->request->app;
	struct arena *arena = in->request->arena;
	struct provider_facts facts = {
		.issuer = json_string_value(json_object_get(values, "issuer")),
		.own_issuer = app->issuer,
		.may_be_plain = app->settings->outbound_networks[0] != '\0',
		.audience = json_string_value(json_object_get(values, "audience")),
		.own_audience = arena_printf(
			arena, "%s/programs/%s", app->issuer, rows_text(in->facts, "slug")),
		.creates_users = json_is_true(json_object_get(values, "creates_users")),
		.has_role_claim = has_text(values, "role_claim"),
		.has_partner = has_text(values, "partner_id"),
		.has_partner_claim = has_text(values, "partner_claim"),
	};
	read_roles(values, &facts);
	return provider_check(&facts, arena, problem);
}

static bool decide_write(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	json_t *values = provider_values(in);
	if (json_object_get(values, "audience") == NULL)
		json_object_set_new(values, "audience",
			json_sprintf("%s/programs/%s", in->request->app->issuer,
				rows_text(in->facts, "slug")));
	json_object_set_new(out->fields, "set", values);
	return check_values(in, values, problem);
}

static bool decide_create(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	out->event = "identity_provider.created";
	return decide_write(in, out, problem);
}

static bool decide_update(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	out->event = "identity_provider.updated";
	return decide_write(in, out, problem);
}

static bool decide_switch(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const char *action = command_action(in);
	bool is_enable = strcmp(action, "enable") == 0;
	const struct transition *move = transition_require(provider_transitions,
		"identity provider", action, is_enable ? "enabled" : "disabled",
		command_before_text(in, "status"), problem);
	if (move == NULL)
		return false;
	json_object_set_new(out->fields, "set", json_pack("{s:s}", "status", move->to));
	out->event = is_enable ? "identity_provider.enabled" : "identity_provider.disabled";
	return true;
}

/* ---- links ---- */

static const struct transition identity_transitions[] = {
	{ "unlink", "linked", "unlinked" },
	{ 0 },
};

static const struct resource identity_resource = {
	.object = "user_identity",
	.shape = "user_identity_shape",
	.path = "/v1/user-identities/",
	.transitions = identity_transitions,
};

static const struct filter identity_filters[] = {
	{ .parameter = "user_id", .type = 'u' },
	{ .parameter = "provider_id", .type = 'u' },
	{ .parameter = "subject", .type = 't' },
	{ .parameter = "status", .type = 't' },
	{ 0 },
};

static const struct sort identity_sorts[] = {
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list identity_list = {
	.resource = &identity_resource,
	.filters = identity_filters,
	.sorts = identity_sorts,
};

static void require_reference(const struct command_input *in, const char *column, const char *where,
	const char *detail, struct problem *problem)
{
	if (rows_text(in->facts, column) == NULL)
		problem_add(problem, in->request->arena, PLACE_POINTER, where,
			VIOLATION_reference_not_found, "%s", detail);
}

/* A provider that is for one partner speaks for that partner's people only. */
static bool decide_link(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	out->event = "user_identity.linked";
	require_reference(in, "user_id", "#/user_id", "There is no such user.", problem);
	require_reference(
		in, "provider_id", "#/provider_id", "There is no such identity provider.", problem);
	if (problem->is_set)
		return false;
	const char *partner = rows_text(in->facts, "provider_partner_id"),
		   *own = rows_text(in->facts, "user_partner_id");
	if (partner != NULL && (own == NULL || strcmp(partner, own) != 0))
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/user_id",
			VIOLATION_inconsistent,
			"The provider is for the people of another partner.");
	return !problem->is_set;
}

static bool decide_unlink(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	out->event = "user_identity.unlinked";
	return transition_require(identity_transitions, "link", "unlink", "unlinked",
		       command_before_text(in, "status"), problem) != NULL;
}

const struct endpoint identity_provider_endpoints[] = {
	{ .operation_id = "listIdentityProviders", .list = &provider_list },
	{ .operation_id = "getIdentityProvider", .resource = &provider_resource, .get = true },
	{ .operation_id = "createIdentityProvider",
		.resource = &provider_resource,
		.facts = "identity_provider_facts",
		.decide = decide_create,
		.write = "identity_provider_create",
		.creates = true },
	{ .operation_id = "updateIdentityProvider",
		.resource = &provider_resource,
		.facts = "identity_provider_facts",
		.decide = decide_update,
		.write = "identity_provider_change" },
	{ .operation_id = "enableIdentityProvider",
		.resource = &provider_resource,
		.decide = decide_switch,
		.write = "identity_provider_change" },
	{ .operation_id = "disableIdentityProvider",
		.resource = &provider_resource,
		.decide = decide_switch,
		.write = "identity_provider_change" },
	{ .operation_id = "listUserIdentities", .list = &identity_list },
	{ .operation_id = "getUserIdentity", .resource = &identity_resource, .get = true },
	{ .operation_id = "linkUserIdentity",
		.resource = &identity_resource,
		.facts = "user_identity_facts",
		.decide = decide_link,
		.write = "user_identity_link",
		.creates = true },
	{ .operation_id = "unlinkUserIdentity",
		.resource = &identity_resource,
		.decide = decide_unlink,
		.write = "user_identity_unlink" },
	{ 0 },
};
