/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files (http/file.h): declared, then filled once. Whose they are and what they are for is said by
 * what claims them; until then they are those of the side that declared them.
 */
#include "http/file.h"

#include <string.h>

#include "domain/media.h"
#include "resources.h"

#define MOST_PENDING 100 /* files of one side that wait for their content */

static const struct resource file_resource = {
	.object = "file",
	.shape = "file_shape",
	.path = "/v1/files/",
};

static const struct filter file_filters[] = {
	{ .parameter = "status", .type = 't' },
	{ .parameter = "used_by_id", .sql = "s.\"used_by.id\" = {}", .type = 'u' },
	{ .parameter = "created_at_gte", .sql = "s.created_at >= {}", .type = 'z' },
	{ .parameter = "created_at_lt", .sql = "s.created_at < {}", .type = 'z' },
	{ 0 },
};

static const struct sort file_sorts[] = {
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list file_list = {
	.resource = &file_resource, .filters = file_filters, .sorts = file_sorts
};

static bool decide_create(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const struct settings *settings = in->request->app->settings;
	int64_t quota_mib = actor_side(in->request->actor) == SIDE_VENDOR
				    ? settings->file_quota_vendor_mib
				    : settings->file_quota_partner_mib,
		quota = quota_mib > 0 ? quota_mib * 1024 * 1024 : INT64_MAX,
		size = json_integer_value(json_object_get(in->request->body, "size_bytes"));
	out->event = "file.created";
	json_object_set_new(out->fields, "quota_bytes", json_integer(quota));
	if (rows_int(in->facts, "pending") >= MOST_PENDING)
		return problem_set(problem, PROBLEM_conflict,
			"%d files wait for their content; send it, or let them lapse after a day.",
			MOST_PENDING);
	if (size <= quota - rows_int(in->facts, "bytes"))
		return true;
	return problem_set(problem, PROBLEM_file_quota_reached,
		"All files of your side may have %lld MiB together, and this one does not fit.",
		(long long)quota_mib);
}

static void wrong_content(
	const struct command_input *in, struct problem *problem, const char *detail)
{
	problem_add(problem, in->request->arena, PLACE_POINTER, "#", VIOLATION_inconsistent, "%s",
		detail);
}

/* All that is wrong at once, so that the sender knows what to look for. */
static bool check_content(
	const struct command_input *in, const struct file_upload *upload, struct problem *problem)
{
	const char *media_type = rows_text(in->facts, "media_type");
	int64_t declared = rows_int(in->facts, "size_bytes");

	if (upload->size_bytes != declared)
		wrong_content(in, problem,
			arena_printf(in->request->arena,
				"The content has %lld bytes, but %lld were declared.",
				(long long)upload->size_bytes, (long long)declared));
	else if (strcmp(upload->sha256, rows_text(in->facts, "sha256")) != 0)
		wrong_content(in, problem, "The digest of the content is not the declared one.");
	if (upload->size_bytes <= declared &&
		!media_fits(media_type, upload->head, upload->head_length, upload->is_text))
		wrong_content(in, problem,
			arena_printf(in->request->arena, "The content is not %s.", media_type));
	return !problem->is_set;
}

static bool decide_content(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	struct file_upload upload;

	if (strcmp(rows_text(in->facts, "status"), "pending") != 0)
		return problem_set(problem, PROBLEM_conflict,
			"The file has its content, which never changes.");
	if (!file_upload_of(in->request, &upload, problem) || !check_content(in, &upload, problem))
		return false;
	json_object_set_new(out->fields, "upload_id", json_string(upload.id));
	out->event = "file.stored";
	return true;
}

static bool content(struct request *request, struct response *response, struct problem *problem)
{
	return answer_file(request, response, request->path_ids[0], problem);
}

const struct endpoint file_endpoints[] = {
	{ .operation_id = "listFiles", .list = &file_list },
	{ .operation_id = "getFile", .resource = &file_resource, .get = true },
	{ .operation_id = "createFile",
		.resource = &file_resource,
		.facts = "file_create_facts",
		.decide = decide_create,
		.write = "file_create",
		.creates = true },
	{ .operation_id = "putFileContent",
		.resource = &file_resource,
		.facts = "file_facts",
		.decide = decide_content,
		.write = "file_store" },
	{ .operation_id = "getFileContent", .run = content },
	{ 0 },
};
