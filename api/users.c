/* SPDX-License-Identifier: Apache-2.0 */
/*
 * People who sign in: the vendor's staff and the partners'. A new user is invited: a token that is
 * good once lets the person choose a password (api/passwords.c). Every change of what somebody may
 * do cuts off what they hold at once.
 */
#include <string.h>
#include <strings.h>

#include "domain/access.h"
#include "http/app.h"
#include "http/mail.h"
#include "http/secrets.h"
#include "resources.h"

static const struct resource user_resource = {
	.object = "user",
	.shape = "user_shape",
	.path = "/v1/users/",
	.transitions = user_transitions,
};

/* A part of a name is looked for on the way: a program has thousands of people, a partner a few. */
static const struct filter user_filters[] = {
	{ .parameter = "q",
		.sql = "' ' || lower(s.name) || ' ' || s.email like deal_search_pattern({})",
		.type = 't' },
	{ .parameter = "status", .type = 't' },
	{ .parameter = "role", .type = 't' },
	{ .parameter = "partner_id", .type = 'u' },
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

void invite_person(const struct command_input *in, struct decision *out, const char *person_name)
{
	const struct app *app = in->request->app;
	struct arena *arena = in->request->arena;
	const char *token = secret_make(SECRET_PREFIX_INVITATION, arena);
	json_object_set_new(out->fields, "token_hash", json_string(secret_hash(token, arena)));
	json_object_set_new(out->fields, "life_s", json_integer(INVITATION_LIFE_S));
	const struct mail_draft draft = { MAIL_INVITATION, rows_text(in->facts, "program_name"),
		person_name, token };
	json_object_set_new(
		out->fields, "mail", mail_compose(app->settings, app->vault, arena, &draft));
	const bool is_told = !mail_is_sent(app->settings) && !in->request->dry_run;
	out->reveal = json_pack("{s:s?}", "invitation_token", is_told ? token : NULL);
}

static bool decide_create(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	if (!decide_principal_partner(in, out, problem) || !check_role(in, problem))
		return false;
	invite_person(in, out, command_body_text(in, "name"));
	out->event = "user.invited";
	return true;
}

/* Refuses what the state does not allow. */
static bool may_move(
	const struct command_input *in, const char *participle, struct problem *problem)
{
	return transition_require(user_transitions, "user", command_action(in), participle,
		       command_before_text(in, "status"), problem) != NULL;
}

/* Nobody takes away the last admin who can sign in, and nobody their own access by mistake. */
static bool may_lose_power(
	const struct command_input *in, const char *own_refusal, struct problem *problem)
{
	if (strcmp(in->id, in->actor->id) == 0)
		return problem_set(problem, PROBLEM_conflict, "%s", own_refusal);
	if (strcmp(command_before_text(in, "role"), role_text(ROLE_admin)) != 0 ||
		strcmp(command_before_text(in, "status"), "active") != 0 ||
		rows_bool(in->facts, "has_another_admin"))
		return true;
	return problem_set(problem, PROBLEM_conflict,
		"This is the program's last active admin; make another one first.");
}

static bool decide_resend_invite(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	if (!may_move(in, "invited again", problem))
		return false;
	invite_person(in, out, command_before_text(in, "name"));
	out->event = "user.invitation_resent";
	return true;
}

static bool decide_deactivate(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	out->event = "user.deactivated";
	return may_move(in, "deactivated", problem) &&
	       may_lose_power(in, "Somebody else has to deactivate you.", problem);
}

/* For somebody who has lost it. Whoever has it takes it away with a code. */
static bool decide_reset_second_factor(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	out->event = "user.second_factor_reset";
	if (strcmp(in->id, in->actor->id) == 0)
		return problem_set(problem, PROBLEM_conflict, "Somebody else has to reset yours.");
	return rows_bool(in->facts, "has_second_factor") ||
	       problem_set(problem, PROBLEM_conflict, "The user has no second factor.");
}

static bool decide_erase(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	char erasure_id[UUID_TEXT_BYTES];
	uuid_v7(erasure_id);
	json_object_set_new(out->fields, "erasure_id", json_string(erasure_id));
	out->event = "user.erased";
	return may_move(in, "erased", problem) &&
	       may_lose_power(in, "Somebody else has to erase you.", problem);
}

static bool decide_reactivate(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	out->event = "user.reactivated";
	return may_move(in, "reactivated", problem);
}

static bool decide_change_role(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const char *role = command_body_text(in, "role");
	out->event = "user.role_changed";
	if (!check_role(in, problem) || !may_move(in, "given another role", problem))
		return false;
	if (strcmp(role, command_before_text(in, "role")) == 0)
		return problem_set(problem, PROBLEM_conflict, "The user has this role already.");
	return may_lose_power(in, "Somebody else has to change your role.", problem);
}

static bool decide_update(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	static const char *const columns[] = { "name", NULL };
	json_t *set = json_object();
	json_object_set_new(out->fields, "set", set);
	if (strcmp(command_before_text(in, "status"), "erased") == 0)
		return problem_set(problem, PROBLEM_conflict, "Of this user only the id is left.");
	patch_columns(in, set, columns);
	out->event = "user.updated";
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
	{ .operation_id = "updateUser",
		.resource = &user_resource,
		.decide = decide_update,
		.write = "user_change" },
	{ .operation_id = "updateMe",
		.resource = &user_resource,
		.decide = decide_update,
		.write = "user_change",
		.self = SELF_USER },
	{ .operation_id = "resendInvitation",
		.resource = &user_resource,
		.facts = "user_facts",
		.decide = decide_resend_invite,
		.write = "user_reinvite",
		.reveals = true },
	{ .operation_id = "deactivateUser",
		.resource = &user_resource,
		.facts = "user_facts",
		.decide = decide_deactivate,
		.write = "user_deactivate" },
	{ .operation_id = "resetSecondFactor",
		.resource = &user_resource,
		.facts = "user_facts",
		.decide = decide_reset_second_factor,
		.write = "user_reset_second_factor" },
	{ .operation_id = "eraseUser",
		.resource = &user_resource,
		.facts = "user_facts",
		.decide = decide_erase,
		.write = "user_erase" },
	{ .operation_id = "reactivateUser",
		.resource = &user_resource,
		.decide = decide_reactivate,
		.write = "user_reactivate" },
	{ .operation_id = "changeUserRole",
		.resource = &user_resource,
		.facts = "user_facts",
		.decide = decide_change_role,
		.write = "user_change_role" },
	{ 0 },
};
