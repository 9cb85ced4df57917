/* SPDX-License-Identifier: Apache-2.0 */
/* People of a partner whom the vendor talks to, users or not. Both sides keep them; who asks to be
 * forgotten is erased like a user, with what feed and ledger say. */
#include "resources.h"

static const struct resource contact_resource = {
	.object = "partner_contact",
	.shape = "partner_contact_shape",
	.path = "/v1/partner-contacts/",
	.transitions = contact_transitions,
};

static const struct filter contact_filters[] = {
	{ .parameter = "partner_id", .type = 'u' },
	{ .parameter = "purpose",
		.sql = "s.purposes ? {}",
		.sql_many = "s.purposes ?| {}",
		.type = 't' },
	{ .parameter = "status", .type = 't' },
	{ .parameter = "email", .sql = "s.email = lower({})", .type = 't' },
	{ 0 },
};

static const struct sort contact_sorts[] = {
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ .name = "name", .column = "name", .type = 't' },
	{ 0 },
};

static const struct list contact_list = {
	.resource = &contact_resource, .filters = contact_filters, .sorts = contact_sorts
};

static bool decide_create(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	out->event = "partner_contact.created";
	if (!decide_principal_partner(in, out, problem))
		return false;
	if (rows_text(in->facts, "partner_id") != NULL)
		return true;
	problem_add(problem, in->request->arena, PLACE_POINTER, "#/partner_id", VIOLATION_required,
		"Say whose contact it is.");
	return false;
}

static bool may_move(
	const struct command_input *in, const char *participle, struct problem *problem)
{
	return transition_require(contact_transitions, "contact", "erase", participle,
		       command_before_text(in, "status"), problem) != NULL;
}

static bool decide_update(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	static const char *const plain[] = { "name", "email", "phone", "job_title", "purposes",
		"language", NULL };
	json_t *set = json_object();

	json_object_set_new(out->fields, "set", set);
	patch_columns(in, set, plain);
	out->event = "partner_contact.updated";
	return may_move(in, "changed", problem);
}

static bool decide_erase(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	char erasure_id[UUID_TEXT_BYTES];

	uuid_v7(erasure_id);
	json_object_set_new(out->fields, "erasure_id", json_string(erasure_id));
	out->event = "partner_contact.erased";
	return may_move(in, "erased", problem);
}

const struct endpoint partner_contact_endpoints[] = {
	{ .operation_id = "listPartnerContacts", .list = &contact_list },
	{ .operation_id = "getPartnerContact", .resource = &contact_resource, .get = true },
	{ .operation_id = "createPartnerContact",
		.resource = &contact_resource,
		.facts = "principal_facts",
		.decide = decide_create,
		.write = "contact_create",
		.creates = true },
	{ .operation_id = "updatePartnerContact",
		.resource = &contact_resource,
		.decide = decide_update,
		.write = "contact_change" },
	{ .operation_id = "erasePartnerContact",
		.resource = &contact_resource,
		.decide = decide_erase,
		.write = "contact_erase" },
	{ 0 },
};
