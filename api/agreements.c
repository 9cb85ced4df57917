/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Agreements: editions of a text with its SLA annex, put before partners, who accept exactly what
 * they have read: the hash comes with the acceptance. Which agreement a partner needs before it is
 * activated stands with its type.
 */
#include <string.h>
#include <strings.h>

#include "resources.h"

static const struct resource template_resource = {
	.object = "agreement_template",
	.shape = "agreement_template_shape",
	.path = "/v1/agreement-templates/",
	.transitions = template_transitions,
	.shared = true,
};

static const struct resource agreement_resource = {
	.object = "partner_agreement",
	.shape = "partner_agreement_shape",
	.path = "/v1/partner-agreements/",
	.transitions = agreement_transitions,
};

static const struct filter template_filters[] = {
	{ .parameter = "key", .type = 't' },
	{ .parameter = "status", .type = 't' },
	{ 0 },
};

static const struct filter agreement_filters[] = {
	{ .parameter = "partner_id", .type = 'u' },
	{ .parameter = "template_key", .type = 't' },
	{ .parameter = "status", .type = 't' },
	{ 0 },
};

static const struct sort by_created[] = {
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list template_list = {
	.resource = &template_resource, .filters = template_filters, .sorts = by_created
};

static const struct list agreement_list = {
	.resource = &agreement_resource, .filters = agreement_filters, .sorts = by_created
};

/* ---- templates ---- */

static bool decide_template_create(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	(void)in;
	(void)problem;
	out->event = "agreement_template.created";
	return true;
}

static bool decide_template_update(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	static const char *const plain[] = { "title", "text", "sla_annex", NULL };
	json_t *set = json_object();

	json_object_set_new(out->fields, "set", set);
	out->event = "agreement_template.updated";
	if (strcmp(command_before_text(in, "status"), "draft") != 0)
		return problem_set(problem, PROBLEM_conflict,
			"What has been published keeps its words; make a new edition.");
	patch_columns(in, set, plain);
	return true;
}

static bool may_move_template(
	const struct command_input *in, const char *participle, struct problem *problem)
{
	return transition_require(template_transitions, "template", command_action(in), participle,
		       command_before_text(in, "status"), problem) != NULL;
}

static bool decide_template_publish(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	out->event = "agreement_template.published";
	return may_move_template(in, "published", problem);
}

static bool decide_template_retire(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	json_object_set_new(out->fields, "set", json_pack("{s:s}", "status", "retired"));
	out->event = "agreement_template.retired";
	return may_move_template(in, "retired", problem);
}

/* ---- of partners ---- */

static bool decide_offer(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	struct arena *arena = in->request->arena;
	const char *partner = rows_text(in->facts, "partner_status"),
		   *template = rows_text(in->facts, "template_status");

	if (partner == NULL)
		problem_add(problem, arena, PLACE_POINTER, "#/partner_id",
			VIOLATION_reference_not_found, "There is no such partner.");
	if (template == NULL)
		problem_add(problem, arena, PLACE_POINTER, "#/template_id",
			VIOLATION_reference_not_found, "There is no such template.");
	else if (strcmp(template, "published") != 0)
		problem_add(problem, arena, PLACE_POINTER, "#/template_id", VIOLATION_inconsistent,
			"Only the published edition can be offered.");
	if (partner != NULL && strcmp(partner, "terminated") == 0)
		return problem_set(
			problem, PROBLEM_partner_not_active, "The partner is terminated.");
	out->event = "partner_agreement.offered";
	return !problem->is_set;
}

static bool may_move(
	const struct command_input *in, const char *participle, struct problem *problem)
{
	return transition_require(agreement_transitions, "agreement", command_action(in),
		       participle, command_before_text(in, "status"), problem) != NULL;
}

static bool decide_accept(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	if (strcasecmp(command_body_text(in, "text_hash"), command_before_text(in, "text_hash")) !=
		0) {
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/text_hash",
			VIOLATION_inconsistent, "This is not the text that was offered.");
		return false;
	}
	out->event = "partner_agreement.accepted";
	return may_move(in, "accepted", problem);
}

static bool decide_withdraw(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	out->event = "partner_agreement.withdrawn";
	return may_move(in, "withdrawn", problem);
}

const struct endpoint agreement_endpoints[] = {
	{ .operation_id = "listAgreementTemplates", .list = &template_list },
	{ .operation_id = "getAgreementTemplate", .resource = &template_resource, .get = true },
	{ .operation_id = "createAgreementTemplate",
		.resource = &template_resource,
		.decide = decide_template_create,
		.write = "agreement_template_create",
		.creates = true },
	{ .operation_id = "updateAgreementTemplate",
		.resource = &template_resource,
		.decide = decide_template_update,
		.write = "agreement_template_change" },
	{ .operation_id = "publishAgreementTemplate",
		.resource = &template_resource,
		.decide = decide_template_publish,
		.write = "agreement_template_publish" },
	{ .operation_id = "retireAgreementTemplate",
		.resource = &template_resource,
		.decide = decide_template_retire,
		.write = "agreement_template_change" },
	{ .operation_id = "listPartnerAgreements", .list = &agreement_list },
	{ .operation_id = "getPartnerAgreement", .resource = &agreement_resource, .get = true },
	{ .operation_id = "offerPartnerAgreement",
		.resource = &agreement_resource,
		.facts = "agreement_offer_facts",
		.decide = decide_offer,
		.write = "agreement_offer",
		.creates = true },
	{ .operation_id = "acceptPartnerAgreement",
		.resource = &agreement_resource,
		.decide = decide_accept,
		.write = "agreement_accept" },
	{ .operation_id = "withdrawPartnerAgreement",
		.resource = &agreement_resource,
		.decide = decide_withdraw,
		.write = "agreement_withdraw" },
	{ 0 },
};
