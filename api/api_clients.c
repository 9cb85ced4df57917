/* SPDX-License-Identifier: Apache-2.0 */
/* Machine credentials. A client never has a scope its creator lacks; its secret is shown once and
 * kept as a hash. */
#include <string.h>

#include "domain/access.h"
#include "http/secrets.h"
#include "resources.h"

static const struct resource api_client_resource = {
	.object = "api_client",
	.shape = "api_client_shape",
	.path = "/v1/api-clients/",
};

static const struct transition api_client_transitions[] = {
	{ "revoke", "active", "revoked" },
	{ 0 },
};

static const struct filter api_client_filters[] = {
	{ .parameter = "status",
		.sql = "s.status = {}",
		.sql_many = "s.status = any({})",
		.type = 't' },
	{ .parameter = "partner_id",
		.sql = "s.partner_id = {}",
		.sql_many = "s.partner_id = any({}::uuid[])",
		.type = 'u' },
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

/* Every scope asked for is one that such a client may have and that the creator has. */
static bool check_scopes(const struct command_input *in, struct problem *problem)
{
	bool is_partner = rows_text(in->facts, "partner_id") != NULL;
	scope_set most = client_scopes(is_partner ? SIDE_PARTNER : SIDE_VENDOR) & in->actor->scopes;
	size_t index;
	json_t *value;
	json_array_foreach (json_object_get(in->body, "scopes"), index, value) {
		enum scope scope;
		if (!scope_parse(json_string_value(value), json_string_length(value), &scope) ||
			(most & (UINT64_C(1) << scope)) == 0)
			problem_add(problem, in->request->arena, PLACE_POINTER,
				arena_printf(in->request->arena, "#/scopes/%zu", index),
				VIOLATION_invalid_choice,
				"You cannot give this scope to this client.");
	}
	return !problem->is_set;
}

static bool decide_create(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	struct arena *arena = in->request->arena;
	if (!decide_principal_partner(in, out, problem) || !check_scopes(in, problem))
		return false;
	const char *secret = secret_make(SECRET_PREFIX_CLIENT, arena);
	json_object_set_new(out->fields, "secret_hash", json_string(secret_hash(secret, arena)));
	json_object_set(out->fields, "scopes", json_object_get(in->body, "scopes"));
	out->reveal = json_pack("{s:s}", "client_secret", secret);
	out->event = "api_client.created";
	return true;
}

static bool decide_revoke(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const char *status = command_before_text(in, "status");
	out->event = "api_client.revoked";
	return transition_require(api_client_transitions, "client", "revoke", "revoked", status,
		       problem) != NULL;
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
	{ .operation_id = "revokeApiClient",
		.resource = &api_client_resource,
		.decide = decide_revoke,
		.write = "api_client_revoke" },
	{ 0 },
};
