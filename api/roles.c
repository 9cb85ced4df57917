/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each role may do, and at most each side's machine clients: the table of domain/access.h,
 * which tokens are made from and requests judged by, written out as it is.
 */
#include "domain/access.h"
#include "resources.h"

json_t *scopes_json(scope_set scopes)
{
	json_t *list = json_array();

	for (int scope = 0; scope < SCOPE_COUNT; scope++)
		if (scopes & UINT64_C(1) << scope)
			json_array_append_new(list, json_string(scope_text((enum scope)scope)));
	return list;
}

static json_t *role_json(enum role role)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:o}", "name", role_text(role), "object", "role",
		"side", side_text(role_side(role)), "description", role_description(role), "scopes",
		scopes_json(role_scopes(role)));
}

static json_t *client_json(enum side side)
{
	return json_pack(
		"{s:s, s:o}", "side", side_text(side), "scopes", scopes_json(client_scopes(side)));
}

static bool list_roles(struct request *request, struct response *response, struct problem *problem)
{
	json_t *roles = json_array(), *clients = json_array();

	(void)request;
	(void)problem;
	for (int role = 0; role < ROLE_COUNT; role++)
		json_array_append_new(roles, role_json((enum role)role));
	for (int side = 0; side < SIDE_COUNT; side++)
		json_array_append_new(clients, client_json((enum side)side));
	response->cache = CACHE_PRIVATE;
	response_json(response, 200, json_pack("{s:o, s:o}", "data", roles, "clients", clients));
	return true;
}

const struct endpoint role_endpoints[] = {
	{ .operation_id = "listRoles", .run = list_roles },
	{ 0 },
};
