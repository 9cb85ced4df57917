/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Machine credentials. A client never has a scope its editor lacks; a secret is shown once and kept
 * as a hash, and the next one may overlap it. Whenever the terms become narrower the tokens of the
 * client are cut, by the grant they were given under (src/domain/client.h).
 */
#include <string.h>

#include "base/clock.h"
#include "domain/client.h"
#include "http/secrets.h"
#include "resources.h"

#define DEFAULT_OVERLAP_S 86400

static const struct resource api_client_resource = {
	.object = "api_client",
	.shape = "api_client_shape",
	.path = "/v1/api-clients/",
	.transitions = client_transitions,
};

static const struct filter api_client_filters[] = {
	{ .parameter = "status", .type = 't' },
	{ .parameter = "partner_id", .type = 'u' },
	{ 0 },
};

static const struct sort api_client_sorts[] = {
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ .name = "name", .column = "name", .type = 't' },
	{ 0 },
};

static const struct list api_client_list = {
	.resource = &api_client_resource,
	.filters = api_client_filters,
	.sorts = api_client_sorts,
};

/* ---- terms ---- */

static bool has_scope(scope_set scopes, const json_t *name)
{
	enum scope scope;

	return scope_parse(json_string_value(name), json_string_length(name), &scope) &&
	       (scopes & (UINT64_C(1) << scope)) != 0;
}

/* Every scope asked for is one that such a client may have and that the editor has. */
static bool check_scopes(const struct command_input *in, bool is_partner, struct problem *problem)
{
	scope_set most = client_scopes(is_partner ? SIDE_PARTNER : SIDE_VENDOR) & in->actor->scopes;
	size_t index;
	json_t *value;

	json_array_foreach (json_object_get(in->body, "scopes"), index, value)
		if (!has_scope(most, value))
			problem_add(problem, in->request->arena, PLACE_POINTER,
				arena_printf(in->request->arena, "#/scopes/%zu", index),
				VIOLATION_invalid_choice,
				"You cannot give this scope to this client.");
	return !problem->is_set;
}

/* Sets the network's one spelling, so that nothing is in the list twice. */
static bool check_network(const struct command_input *in, json_t *set, size_t index,
	const char *text, struct problem *problem)
{
	struct arena *arena = in->request->arena;
	const char *where = arena_printf(arena, "#/allowed_networks/%zu", index);
	struct network network;
	char canonical[NETWORK_TEXT_BYTES];

	if (!network_parse(text, &network)) {
		problem_add(problem, arena, PLACE_POINTER, where, VIOLATION_invalid_format,
			"An address or a network, such as 192.0.2.0/24 or 2001:db8::/32.");
		return false;
	}
	bool is_exact = network_trim(&network);
	network_format(&network, canonical);
	if (!is_exact)
		problem_add(problem, arena, PLACE_POINTER, where, VIOLATION_inconsistent,
			"The address has bits behind its prefix; the network is %s.", canonical);
	for (size_t i = 0; i < json_array_size(set); i++)
		if (strcmp(json_string_value(json_array_get(set, i)), canonical) == 0)
			problem_add(problem, arena, PLACE_POINTER, where, VIOLATION_not_unique,
				"The network %s is in the list already.", canonical);
	json_array_append_new(set, json_string(canonical));
	return is_exact;
}

static bool check_networks(const struct command_input *in, json_t *set, struct problem *problem)
{
	json_t *networks = json_object_get(in->body, "allowed_networks");
	size_t index;
	json_t *value;

	if (!json_is_array(networks)) {
		if (networks != NULL)
			json_object_set(set, "allowed_networks", networks);
		return true;
	}
	json_t *canonical = json_array();
	json_object_set_new(set, "allowed_networks", canonical);
	json_array_foreach (networks, index, value)
		check_network(in, canonical, index, json_string_value(value), problem);
	return !problem->is_set;
}

static int64_t instant_of(const json_t *value)
{
	int64_t time_us = 0;

	if (json_is_string(value))
		time_parse(json_string_value(value), json_string_length(value), &time_us);
	return time_us;
}

static bool check_expiry(const struct command_input *in, json_t *set, struct problem *problem)
{
	json_t *value = json_object_get(in->body, "expires_at");

	if (value == NULL)
		return true;
	json_object_set(set, "expires_at", value);
	if (json_is_null(value) || instant_of(value) > rows_time(in->facts, "now"))
		return true;
	problem_add(problem, in->request->arena, PLACE_POINTER, "#/expires_at", VIOLATION_too_small,
		"The end must be in the future.");
	return false;
}

/* Reports everything that is wrong, not the first of it. */
static bool check_terms(
	const struct command_input *in, bool is_partner, json_t *set, struct problem *problem)
{
	bool is_good = check_scopes(in, is_partner, problem);

	is_good = check_networks(in, set, problem) && is_good;
	return check_expiry(in, set, problem) && is_good;
}

/* The terms in `row`, members of the API's client. */
static void read_terms(const json_t *row, struct client_terms *terms)
{
	size_t index;
	json_t *value;
	enum scope scope;

	json_array_foreach (json_object_get(row, "scopes"), index, value)
		if (scope_parse(json_string_value(value), json_string_length(value), &scope))
			terms->scopes |= UINT64_C(1) << scope;
	json_array_foreach (json_object_get(row, "allowed_networks"), index, value)
		if (terms->network_count < CLIENT_MAX_NETWORKS &&
			network_parse(
				json_string_value(value), &terms->networks[terms->network_count]))
			terms->network_count++;
	terms->expires_at_us = instant_of(json_object_get(row, "expires_at"));
}

/* The tokens of the present grant end with it; those of the next begin with this change. */
static void cut_tokens(const struct command_input *in, struct decision *out, json_t *set)
{
	char grant_id[UUID_TEXT_BYTES];

	uuid_v7(grant_id);
	json_object_set_new(set, "grant_id", json_string(grant_id));
	json_object_set_new(
		out->fields, "cut_grant_id", json_string(rows_text(in->facts, "grant_id")));
}

static void new_secret(struct decision *out, struct arena *arena)
{
	const char *secret = secret_make(SECRET_PREFIX_CLIENT, arena);
	char id[UUID_TEXT_BYTES];

	uuid_v7(id);
	json_object_set_new(out->fields, "secret_id", json_string(id));
	json_object_set_new(out->fields, "secret_hash", json_string(secret_hash(secret, arena)));
	json_object_set_new(out->fields, "secret_hint", json_string(secret_hint(secret)));
	out->reveal = json_pack("{s:s}", "client_secret", secret);
}

/* ---- rules ---- */

static bool decide_create(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	if (!decide_principal_partner(in, out, problem))
		return false;
	bool is_partner = rows_text(in->facts, "partner_id") != NULL;
	if (!check_terms(in, is_partner, out->fields, problem))
		return false;
	json_object_set(out->fields, "scopes", json_object_get(in->body, "scopes"));
	new_secret(out, in->request->arena);
	out->event = "api_client.created";
	return true;
}

/* A revoked client is only looked at. */
static bool require_open(const struct command_input *in, const char *action, const char *participle,
	struct problem *problem)
{
	return transition_require(client_transitions, "client", action, participle,
		       command_before_text(in, "status"), problem) != NULL;
}

static bool decide_update(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	static const char *const members[] = { "name", "scopes", NULL };
	struct client_terms before = { 0 }, after = { 0 };
	json_t *set = json_object();
	bool is_partner = command_before_text(in, "partner_id") != NULL;

	json_object_set_new(out->fields, "set", set);
	patch_columns(in, set, members);
	if (!check_terms(in, is_partner, set, problem) ||
		!require_open(in, "rotate-secret", "changed", problem))
		return false;
	json_t *row = json_loads(in->before, 0, NULL);
	read_terms(row, &before);
	json_object_update(row, set);
	read_terms(row, &after);
	json_decref(row);
	if (client_is_narrowed(&before, &after))
		cut_tokens(in, out, set);
	out->event = "api_client.updated";
	return true;
}

/* Whoever gets the secret can do what the client can: it takes all of its scopes to be given it. */
static bool may_have_secret(const struct command_input *in, struct problem *problem)
{
	struct client_terms terms = { 0 };
	json_t *row = json_loads(in->before, 0, NULL);

	read_terms(row, &terms);
	json_decref(row);
	return (terms.scopes & ~in->actor->scopes) == 0 ||
	       problem_set(problem, PROBLEM_forbidden,
		       "The client has scopes that you do not have, so you cannot have its "
		       "secret.");
}

static bool decide_rotate(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	int64_t overlap_s = command_body_int(in, "overlap_seconds", DEFAULT_OVERLAP_S);
	json_t *set = json_object();

	json_object_set_new(out->fields, "set", set);
	if (!may_have_secret(in, problem) || !require_open(in, "rotate-secret", "used", problem))
		return false;
	if (!client_may_rotate(rows_int(in->facts, "live_secrets"), overlap_s))
		return problem_set(problem, PROBLEM_conflict,
			"%d secrets of the client are good at present. Wait until one of them has "
			"ended, or rotate without overlap, which ends them all.",
			CLIENT_MAX_SECRETS);
	json_object_set_new(out->fields, "overlap_s", json_integer(overlap_s));
	new_secret(out, in->request->arena);
	if (overlap_s == 0)
		cut_tokens(in, out, set);
	out->event = "api_client.secret_rotated";
	return true;
}

static bool decide_revoke(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	out->event = "api_client.revoked";
	return require_open(in, "revoke", "revoked", problem);
}

const struct endpoint api_client_endpoints[] = {
	{ .operation_id = "listApiClients", .list = &api_client_list },
	{ .operation_id = "getApiClient", .resource = &api_client_resource, .get = true },
	{ .operation_id = "createApiClient",
		.resource = &api_client_resource,
		.facts = "principal_facts",
		.decide = decide_create,
		.write = "api_client_create",
		.creates = true },
	{ .operation_id = "updateApiClient",
		.resource = &api_client_resource,
		.facts = "api_client_facts",
		.decide = decide_update,
		.write = "api_client_update" },
	{ .operation_id = "rotateApiClientSecret",
		.resource = &api_client_resource,
		.facts = "api_client_facts",
		.decide = decide_rotate,
		.write = "api_client_rotate",
		.reveals = true },
	{ .operation_id = "revokeApiClient",
		.resource = &api_client_resource,
		.decide = decide_revoke,
		.write = "api_client_revoke" },
	{ 0 },
};
