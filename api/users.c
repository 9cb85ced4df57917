/* SPDX-License-Identifier: Apache-2.0 */
/*
 * People who sign in: the vendor's staff and the partners'. A new user is invited: a token that is
 * good once lets the person choose a password (api/passwords.c). Every change of what somebody may
 * do cuts off what they hold at once.
 */
#include <string.h>
#include <strings.h>

#include "domain/access.h"
#include "http/secrets.h"
#include "resources.h"

#define INVITATION_LIFE_S (7 * 86400)

static const struct resource user_resource = {
	.object = "user",
	.shape = "user_shape",
	.path = "/v1/users/",
	.transitions = user_transitions,
};

static const struct filter user_filters[] = {
	{ .parameter = "status",
		.sql = "s.status = {}",
		.sql_many = "s.status = any({})",
		.type = 't' },
	{ .parameter = "role", .sql = "s.role = {}", .sql_many = "s.role = any({})", .type = 't' },
	{ .parameter = "partner_id",
		.sql = "s.partner_id = {}",
		.sql_many = "s.partner_id = any({}::uuid[])",
		.type = 'u' },
	{ .parameter = "email", .sql = "s.email = lower({})", .type = 't' },
	{ 0 },
};

static const struct sort user_sorts[] = {
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ .name = "email", .column = "email", .type = 't' },
	{ 0 },
};

static const struct list user_list = {
	.resource = &user_resource, .filters = user_filters, .sorts = user_sorts
};

bool decide_principal_partner(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const char *named = command_body_text(in, "partner_id"),
		   *found = rows_text(in->facts, "partner_id");
	if (named != NULL && (found == NULL || strcasecmp(named, found) != 0)) {
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/partner_id",
			VIOLATION_reference_not_found, "There is no such partner.");
		return false;
	}
	if (found != NULL && strcmp(rows_text(in->facts, "partner_status"), "terminated") == 0)
		return problem_set(
			problem, PROBLEM_partner_not_active, "The partner's agreement has ended.");
	json_object_set_new(
		out->fields, "partner_id", found != NULL ? json_string(found) : json_null());
	return true;
}

/* Partner roles for a partner's people, vendor roles for the vendor's. */
static bool check_role(const struct command_input *in, struct problem *problem)
{
	enum role role;
	bool is_partner = rows_text(in->facts, "partner_id") != NULL;
	if (role_parse(command_body_text(in, "role"), &role) &&
		(role_side(role) == SIDE_PARTNER) == is_partner)
		return true;
	problem_add(problem, in->request->arena, PLACE_POINTER, "#/role", VIOLATION_inconsistent,
		"%s",
		is_partner ? "A partner's user is partner_admin or partner_member."
			   : "A user of the vendor needs one of its roles.");
	return false;
}

static bool decide_create(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	if (!decide_principal_partner(in, out, problem) || !check_role(in, problem))
		return false;
	const char *token = secret_make(SECRET_PREFIX_INVITATION, in->request->arena);
	json_object_set_new(
		out->fields, "token_hash", json_string(secret_hash(token, in->request->arena)));
	json_object_set_new(out->fields, "life_s", json_integer(INVITATION_LIFE_S));
	out->reveal = json_pack("{s:s}", "invitation_token", token);
	out->event = "user.invited";
	return true;
}

static bool decide_deactivate(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const char *status = command_before_text(in, "status");
	if (transition_require(
		    user_transitions, "user", "deactivate", "deactivated", status, problem) == NULL)
		return false;
	if (strcmp(in->id, in->actor->id) == 0)
		return problem_set(
			problem, PROBLEM_conflict, "Somebody else has to deactivate you.");
	out->event = "user.deactivated";
	return true;
}

const struct endpoint user_endpoints[] = {
	{ .operation_id = "listUsers", .list = &user_list },
	{ .operation_id = "getUser", .resource = &user_resource, .get = true },
	{ .operation_id = "createUser",
		.resource = &user_resource,
		.facts = "principal_facts",
		.decide = decide_create,
		.write = "user_create",
		.creates = true },
	{ .operation_id = "deactivateUser",
		.resource = &user_resource,
		.decide = decide_deactivate,
		.write = "user_deactivate" },
	{ 0 },
};
