/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Notes and documents of a deal. The vendor's side writes for itself or for both, a partner for
 * both. Who may see a thing is decided when it is written and never changes, so nothing that was
 * internal can come out by an edit.
 */
#include <string.h>

#include "deal_parts.h"

static const struct resource note_resource = {
	.object = "deal_note",
	.shape = "deal_note_shape",
	.path = "/v1/deal-notes/",
};

static const struct resource document_resource = {
	.object = "deal_document",
	.shape = "deal_document_shape",
	.path = "/v1/deal-documents/",
};

static const struct filter note_filters[] = {
	{ .parameter = "deal_id", .type = 'u' },
	{ .parameter = "visibility", .type = 't' },
	{ .parameter = "created_at_gte", .sql = "s.created_at >= {}", .type = 'z' },
	{ .parameter = "created_at_lt", .sql = "s.created_at < {}", .type = 'z' },
	{ 0 },
};

static const struct filter document_filters[] = {
	{ .parameter = "deal_id", .type = 'u' },
	{ .parameter = "visibility", .type = 't' },
	{ .parameter = "kind", .type = 't' },
	{ .parameter = "created_at_gte", .sql = "s.created_at >= {}", .type = 'z' },
	{ .parameter = "created_at_lt", .sql = "s.created_at < {}", .type = 'z' },
	{ 0 },
};

static const struct sort part_sorts[] = {
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list note_list = {
	.resource = &note_resource, .filters = note_filters, .sorts = part_sorts
};

static const struct list document_list = {
	.resource = &document_resource, .filters = document_filters, .sorts = part_sorts
};

/* ---- what all parts of a deal have in common ---- */

bool deal_part_has_deal(const struct command_input *in, struct problem *problem)
{
	if (rows_text(in->facts, "deal_id") != NULL)
		return true;
	problem_add(problem, in->request->arena, PLACE_POINTER, "#/deal_id",
		VIOLATION_reference_not_found, "There is no such deal.");
	return false;
}

bool deal_part_visibility(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	bool is_vendor = actor_side(in->actor) == SIDE_VENDOR;
	const char *visibility = command_body_text(in, "visibility");

	if (visibility == NULL)
		visibility = is_vendor ? "internal" : "shared";
	json_object_set_new(out->fields, "visibility", json_string(visibility));
	if (is_vendor || strcmp(visibility, "shared") == 0)
		return true;
	problem_add(problem, in->request->arena, PLACE_POINTER, "#/visibility",
		VIOLATION_invalid_choice, "Internal is for the vendor's side only.");
	return false;
}

bool deal_part_is_own(const struct command_input *in, bool removes, struct problem *problem)
{
	const char *author = command_before_text(in, "created_by_id");

	if (command_before_text(in, "removed_at") != NULL)
		return problem_set(problem, PROBLEM_conflict, "It was removed.");
	if (author != NULL && strcmp(author, in->actor->id) == 0)
		return true;
	if (removes && actor_side(in->actor) == SIDE_VENDOR &&
		(in->actor->scopes & SCOPE_BIT(program_manage)) != 0)
		return true;
	return problem_set(problem, PROBLEM_forbidden, "Only who wrote it can do this.");
}

/* ---- notes ---- */

static bool decide_note(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	out->event = "deal_note.created";
	bool good = deal_part_has_deal(in, problem);
	return deal_part_visibility(in, out, problem) && good;
}

static bool decide_note_update(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	static const char *const plain[] = { "body", NULL };
	json_t *set = json_object();

	json_object_set_new(out->fields, "set", set);
	patch_columns(in, set, plain);
	out->event = "deal_note.updated";
	return deal_part_is_own(in, false, problem);
}

static bool decide_note_remove(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	json_object_set_new(out->fields, "removes", json_true());
	out->event = "deal_note.removed";
	return deal_part_is_own(in, true, problem);
}

/* ---- documents ---- */

static bool refuse_file(const struct command_input *in, enum violation_code violation,
	const char *detail, struct problem *problem)
{
	problem_add(
		problem, in->request->arena, PLACE_POINTER, "#/file_id", violation, "%s", detail);
	return false;
}

/* A file of the own side, or of the deal's partner, that is complete and nothing else's. */
static bool check_file(const struct command_input *in, struct problem *problem)
{
	const char *of_file = rows_text(in->facts, "file_partner_id"),
		   *of_deal = rows_text(in->facts, "partner_id");

	if (rows_text(in->facts, "file_id") == NULL)
		return refuse_file(
			in, VIOLATION_reference_not_found, "There is no such file.", problem);
	if (strcmp(rows_text(in->facts, "file_status"), "stored") != 0)
		return refuse_file(
			in, VIOLATION_inconsistent, "The file has no content yet.", problem);
	if (rows_text(in->facts, "file_used_by_id") != NULL)
		return refuse_file(in, VIOLATION_inconsistent,
			"The file is part of something already.", problem);
	if (of_file != NULL && of_deal != NULL && strcmp(of_file, of_deal) != 0)
		return refuse_file(in, VIOLATION_inconsistent,
			"The file is that of another partner.", problem);
	return true;
}

static bool decide_document(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	out->event = "deal_document.created";
	bool good = deal_part_has_deal(in, problem);
	good = check_file(in, problem) && good;
	return deal_part_visibility(in, out, problem) && good;
}

static bool decide_document_remove(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	out->event = "deal_document.removed";
	return deal_part_is_own(in, true, problem);
}

const struct endpoint deal_note_endpoints[] = {
	{ .operation_id = "listDealNotes", .list = &note_list },
	{ .operation_id = "getDealNote", .resource = &note_resource, .get = true },
	{ .operation_id = "createDealNote",
		.resource = &note_resource,
		.facts = "deal_part_facts",
		.decide = decide_note,
		.write = "deal_note_create",
		.creates = true },
	{ .operation_id = "updateDealNote",
		.resource = &note_resource,
		.decide = decide_note_update,
		.write = "deal_note_change" },
	{ .operation_id = "removeDealNote",
		.resource = &note_resource,
		.decide = decide_note_remove,
		.write = "deal_note_change" },
	{ .operation_id = "listDealDocuments", .list = &document_list },
	{ .operation_id = "getDealDocument", .resource = &document_resource, .get = true },
	{ .operation_id = "createDealDocument",
		.resource = &document_resource,
		.facts = "deal_part_facts",
		.decide = decide_document,
		.write = "deal_document_create",
		.creates = true },
	{ .operation_id = "removeDealDocument",
		.resource = &document_resource,
		.decide = decide_document_remove,
		.write = "deal_document_remove" },
	{ 0 },
};
