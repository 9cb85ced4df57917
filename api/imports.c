/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Imports of deals: a file that was uploaded, tried line by line without keeping anything, then
 * registered line by line. The work is the job's (src/jobs/imports.c); here it is asked for.
 */
#include <string.h>

#include "resources.h"

static const struct resource import_resource = {
	.object = "import",
	.shape = "import_shape",
	.path = "/v1/imports/",
	.transitions = import_transitions,
};

static const struct resource row_resource = {
	.object = "import_row",
	.shape = "import_row_shape",
};

static const struct filter import_filters[] = {
	{ .parameter = "status", .type = 't' },
	{ .parameter = "partner_id", .type = 'u' },
	{ .parameter = "file_id", .type = 'u' },
	{ .parameter = "created_at_gte", .sql = "s.created_at >= {}", .type = 'z' },
	{ .parameter = "created_at_lt", .sql = "s.created_at < {}", .type = 'z' },
	{ 0 },
};

static const struct sort import_sorts[] = {
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list import_list = {
	.resource = &import_resource, .filters = import_filters, .sorts = import_sorts
};

static const struct filter row_filters[] = {
	{ .parameter = "_import_id", .type = 'u', .from_path = true },
	{ .parameter = "status", .type = 't' },
	{ 0 },
};

static const struct sort row_sorts[] = {
	{ .name = "line", .column = "line", .type = 'i', .unique = true },
	{ 0 },
};

static const struct list row_list = {
	.resource = &row_resource,
	.filters = row_filters,
	.sorts = row_sorts,
	.parent = &import_resource,
};

static bool refuse_file(const struct command_input *in, enum violation_code code,
	const char *detail, struct problem *problem)
{
	problem_add(problem, in->request->arena, PLACE_POINTER, "#/file_id", code, "%s", detail);
	return false;
}

static const char *format_of(const char *media_type)
{
	if (strcmp(media_type, "text/csv") == 0)
		return "csv";
	return strcmp(media_type, "application/x-ndjson") == 0 ? "ndjson" : NULL;
}

static bool decide_create(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	if (rows_text(in->facts, "file_id") == NULL)
		return refuse_file(
			in, VIOLATION_reference_not_found, "There is no such file.", problem);
	if (strcmp(rows_text(in->facts, "file_status"), "stored") != 0)
		return refuse_file(
			in, VIOLATION_inconsistent, "The file has no content yet.", problem);
	if (rows_text(in->facts, "used_by_id") != NULL)
		return refuse_file(in, VIOLATION_not_unique, "The file is used already.", problem);
	const char *format = format_of(rows_text(in->facts, "media_type"));
	if (format == NULL)
		return refuse_file(in, VIOLATION_inconsistent,
			"An import reads text/csv and application/x-ndjson.", problem);
	json_object_set_new(out->fields, "format", json_string(format));
	out->event = "import.created";
	return true;
}

/* Faults are passed over only by who says so. */
static bool check_faults(const struct command_input *in, struct problem *problem)
{
	int64_t invalid = rows_int(in->facts, "rows_invalid");
	if (invalid == 0 || json_is_true(json_object_get(in->body, "skip_invalid")))
		return true;
	return problem_set(problem, PROBLEM_conflict,
		"%lld lines are not valid: mend the file, or say skip_invalid to leave them out.",
		(long long)invalid);
}

static bool decide_step(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	static const struct {
		const char *action, *participle, *event;
	} steps[] = {
		{ "validate", "validated", "import.validation_started" },
		{ "start", "started", "import.started" },
		{ "cancel", "cancelled", "import.cancelled" },
	};
	const char *action = command_action(in);
	size_t at = 0;
	while (strcmp(steps[at].action, action) != 0)
		at++;
	const struct transition *move = transition_require(import_transitions, "import", action,
		steps[at].participle, rows_text(in->facts, "status"), problem);
	if (move == NULL || (strcmp(action, "start") == 0 && !check_faults(in, problem)))
		return false;
	json_object_set_new(out->fields, "status", json_string(move->to));
	out->event = steps[at].event;
	return true;
}

#define STEP(operation)                                                                  \
	{                                                                                \
		.operation_id = (operation), .resource = &import_resource,               \
		.facts = "import_facts", .decide = decide_step, .write = "import_change" \
	}

const struct endpoint import_endpoints[] = {
	{ .operation_id = "listImports", .list = &import_list },
	{ .operation_id = "getImport", .resource = &import_resource, .get = true },
	{ .operation_id = "createImport",
		.resource = &import_resource,
		.facts = "import_create_facts",
		.decide = decide_create,
		.write = "import_create",
		.creates = true },
	STEP("validateImport"),
	STEP("startImport"),
	STEP("cancelImport"),
	{ .operation_id = "listImportRows", .list = &row_list },
	{ 0 },
};
