/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applications to become a partner. Steps are rows of application_steps; approval makes the
 * partner and invites its first user in the same transaction (sql/functions/applications.sql).
 */
#include <string.h>

#include "domain/application.h"
#include "resources.h"

static const struct resource application_resource = {
	.object = "partner_application",
	.shape = "partner_application_shape",
	.path = "/v1/partner-applications/",
	.transitions = application_transitions,
};

static const struct resource duplicate_resource = {
	.object = "application_duplicate",
	.shape = "application_duplicate_shape",
};

static const struct filter application_filters[] = {
	{ .parameter = "status", .type = 't' },
	{ .parameter = "type", .type = 't' },
	{ .parameter = "country", .type = 't' },
	{ .parameter = "applicant_email", .sql = "s.applicant_email = lower({})", .type = 't' },
	{ .parameter = "partner_id", .type = 'u' },
	{ .parameter = "created_at_gte", .sql = "s.created_at >= {}", .type = 'z' },
	{ .parameter = "created_at_lt", .sql = "s.created_at < {}", .type = 'z' },
	{ 0 },
};

static const struct sort application_sorts[] = {
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ .name = "name", .column = "name", .type = 't' },
	{ 0 },
};

static const struct list application_list = {
	.resource = &application_resource,
	.filters = application_filters,
	.sorts = application_sorts,
};

static const struct filter duplicate_filters[] = {
	{ .parameter = "_application_id", .type = 'u', .from_path = true },
	{ 0 },
};

static const struct sort duplicate_sorts[] = {
	{ .name = "name", .column = "name", .type = 't' },
	{ 0 },
};

static const struct list duplicate_list = {
	.resource = &duplicate_resource,
	.filters = duplicate_filters,
	.sorts = duplicate_sorts,
	.parent = &application_resource,
};

static bool may_submit(const struct command_input *in, const char *status, struct problem *problem)
{
	const struct application_facts facts = {
		.status = status,
		.now_us = rows_time(in->facts, "now"),
		.waits_until_us = rows_time(in->facts, "waits_until"),
	};
	return application_submit(&facts, problem);
}

static bool decide_create(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	bool is_draft = json_is_true(json_object_get(in->body, "draft"));

	if (!is_draft && !may_submit(in, NULL, problem))
		return false;
	json_object_set_new(out->fields, "status", json_string(is_draft ? "draft" : "submitted"));
	out->event = is_draft ? "partner_application.created" : "partner_application.submitted";
	return true;
}

static bool decide_update(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	static const char *const plain[] = { "name", "legal_name", "type", "country", "website",
		"industries", "languages", "regions", "applicant_name", "applicant_email",
		"message", NULL };
	const char *status = command_before_text(in, "status");
	json_t *set = json_object();

	json_object_set_new(out->fields, "set", set);
	out->event = "partner_application.updated";
	if (!application_is_open(status))
		return problem_set(problem, PROBLEM_conflict,
			"An application that is %s cannot be changed any more.", status);
	patch_columns(in, set, plain);
	return patch_map(in, set, "external_ids", problem) &&
	       patch_map(in, set, "custom_fields", problem);
}

struct application_step {
	const char *action, *participle, *event;
	const char *member, *column; /* text of the body that goes into a column */
	const char *time;            /* column that takes the present time */
};

static const struct application_step application_steps[] = {
	{ "submit", "submitted", "partner_application.submitted", NULL, NULL, "submitted_at" },
	{ "start-review", "taken into review", "partner_application.review_started", NULL, NULL,
		NULL },
	{ "request-info", "sent back for information", "partner_application.info_requested",
		"message", "info_request", NULL },
	{ "reject", "rejected", "partner_application.rejected", "reason", "decision_comment",
		"decided_at" },
	{ "withdraw", "withdrawn", "partner_application.withdrawn", "reason", "decision_comment",
		"decided_at" },
};

static const struct application_step *step_of(const char *action)
{
	const struct application_step *step = application_steps;
	while (strcmp(step->action, action) != 0)
		step++;
	return step;
}

static void set_step(const struct command_input *in, const struct application_step *step,
	const struct transition *move, json_t *set)
{
	json_object_set_new(set, "status", json_string(move->to));
	if (step->column != NULL && command_body_text(in, step->member) != NULL)
		json_object_set_new(
			set, step->column, json_string(command_body_text(in, step->member)));
	if (step->time != NULL)
		json_object_set_new(set, step->time, json_string(rows_text(in->facts, "now")));
	if (strcmp(step->action, "reject") == 0)
		json_object_set_new(
			set, "reapply_from_at", json_string(rows_text(in->facts, "reapply_from")));
}

static bool decide_step(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const struct application_step *step = step_of(command_action(in));
	const char *status = command_before_text(in, "status");
	bool submits = strcmp(step->action, "submit") == 0;

	if (submits && !may_submit(in, status, problem))
		return false;
	const struct transition *move = transition_require(application_transitions, "application",
		step->action, step->participle, status, problem);
	if (move == NULL)
		return false;
	json_t *set = json_object();
	json_object_set_new(out->fields, "set", set);
	json_object_set_new(out->fields, "waits", json_boolean(submits));
	set_step(in, step, move, set);
	out->event = step->event;
	return true;
}

/* Whoever became a user is erased as one; what is open is withdrawn or decided first. */
static bool decide_erase(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const char *erased_at = command_before_text(in, "erased_at");
	const char *status = erased_at != NULL ? "erased" : command_before_text(in, "status");
	char erasure_id[UUID_TEXT_BYTES];

	uuid_v7(erasure_id);
	json_object_set_new(out->fields, "erasure_id", json_string(erasure_id));
	out->event = "partner_application.erased";
	return transition_require(application_transitions, "application", "erase", "erased", status,
		       problem) != NULL;
}

/* Ids of what the approval makes. */
static void set_new_id(struct decision *out, const char *name)
{
	char id[UUID_TEXT_BYTES];
	uuid_v7(id);
	json_object_set_new(out->fields, name, json_string(id));
}

static bool decide_approve(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	static const char *const made[] = { "partner_id", "user_id", "tier_change_id",
		"partner_event_id", "user_event_id" };
	const char *status = command_before_text(in, "status"),
		   *tier = rows_text(in->facts, "tier_id"),
		   *comment = command_body_text(in, "comment");

	if (!partner_tier_is_open(in, problem) ||
		transition_require(application_transitions, "application", "approve", "approved",
			status, problem) == NULL)
		return false;
	if (rows_bool(in->facts, "is_known"))
		return problem_set(problem, PROBLEM_already_exists,
			"The applicant's address is that of a user already; give the "
			"application another one.");
	for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
		set_new_id(out, made[i]);
	json_object_set_new(out->fields, "tier_id", tier != NULL ? json_string(tier) : json_null());
	json_object_set_new(out->fields, "comment", json_pack("s?", comment));
	invite_person(in, out, command_before_text(in, "applicant_name"));
	out->event = "partner_application.approved";
	return true;
}

#define STEP(operation)                                                                            \
	{                                                                                          \
		.operation_id = (operation), .resource = &application_resource,                    \
		.facts = "application_facts", .decide = decide_step, .write = "application_change" \
	}

const struct endpoint partner_application_endpoints[] = {
	{ .operation_id = "listPartnerApplications", .list = &application_list },
	{ .operation_id = "getPartnerApplication", .resource = &application_resource, .get = true },
	{ .operation_id = "createPartnerApplication",
		.resource = &application_resource,
		.facts = "application_facts",
		.decide = decide_create,
		.write = "application_create",
		.creates = true },
	{ .operation_id = "updatePartnerApplication",
		.resource = &application_resource,
		.decide = decide_update,
		.write = "application_change" },
	{ .operation_id = "approvePartnerApplication",
		.resource = &application_resource,
		.facts = "application_review_facts",
		.decide = decide_approve,
		.write = "application_approve",
		.reveals = true },
	STEP("submitPartnerApplication"),
	STEP("startPartnerApplicationReview"),
	STEP("requestPartnerApplicationInfo"),
	STEP("rejectPartnerApplication"),
	STEP("withdrawPartnerApplication"),
	{ .operation_id = "erasePartnerApplication",
		.resource = &application_resource,
		.decide = decide_erase,
		.write = "application_erase" },
	{ .operation_id = "listPartnerApplicationDuplicates", .list = &duplicate_list },
	{ 0 },
};
