/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of web forms, and the form by which companies apply to become partners. A key is public: it
 * stands in the vendor's page. With it an application can be sent, and nothing can be read: not
 * whether the company is known, has applied before or was rejected. Every answer to a form that is
 * in order is the same.
 */
#include "http/app.h"
#include "http/secrets.h"
#include "resources.h"

#include <stdlib.h>
#include <string.h>

#define FULL_RETRY_S 3600

static const struct resource form_key_resource = {
	.object = "form_key",
	.shape = "form_key_shape",
	.path = "/v1/form-keys/",
	.transitions = form_key_transitions,
};

static const struct filter form_key_filters[] = {
	{ .parameter = "status", .type = 't' },
	{ 0 },
};

static const struct sort form_key_sorts[] = {
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ .name = "name", .column = "name", .type = 't' },
	{ 0 },
};

static const struct list form_key_list = {
	.resource = &form_key_resource, .filters = form_key_filters, .sorts = form_key_sorts
};

static bool decide_create(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const char *key = secret_make(SECRET_PREFIX_FORM, in->request->arena);

	(void)problem;
	json_object_set_new(out->fields, "public_key", json_string(key));
	out->event = "form_key.created";
	return true;
}

static bool may_move(
	const struct command_input *in, const char *participle, struct problem *problem)
{
	return transition_require(form_key_transitions, "form key", "revoke", participle,
		       command_before_text(in, "status"), problem) != NULL;
}

static bool decide_update(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	static const char *const plain[] = { "name", "allowed_origins", "partner_types",
		"daily_limit", NULL };
	json_t *set = json_object();

	json_object_set_new(out->fields, "set", set);
	patch_columns(in, set, plain);
	out->event = "form_key.updated";
	return may_move(in, "changed", problem);
}

static bool decide_revoke(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	json_object_set_new(out->fields, "set", json_pack("{s:s}", "status", "revoked"));
	out->event = "form_key.revoked";
	return may_move(in, "revoked", problem);
}

/* ---- the form ---- */

static const char *dump(struct arena *arena, json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);

	json_decref(value);
	arena_defer(arena, free, text);
	return text;
}

static bool refuse_key(const struct request *request, struct problem *problem)
{
	problem_add(problem, request->arena, PLACE_POINTER, "#/form_key",
		VIOLATION_reference_not_found, "The form is not open, or not any more.");
	return false;
}

/* The form's row, or NULL and the problem. */
static const struct rows *find_form(struct request *request, struct problem *problem)
{
	struct db_batch batch = { .arena = request->arena, .door = DOOR_IDENTITY };
	struct db_call *call = db_add(&batch, statement_find("form_key_find"));

	call->params[3] =
		dump(request->arena, json_pack("{s:O, s:O, s:s?}", "form_key",
					     json_object_get(request->body, "form_key"), "type",
					     json_object_get(request->body, "type"), "origin",
					     request_header(request, "Origin")));
	if (db_run(request->app->db, &batch, problem) != DB_NONE)
		return NULL;
	if (rows_count(call->rows) == 0)
		(void)refuse_key(request, problem);
	else if (!rows_bool(call->rows, "is_from_page"))
		(void)problem_set(problem, PROBLEM_forbidden,
			"The form is not sent from a page that it belongs to.");
	else if (!rows_bool(call->rows, "takes_type"))
		problem_add(problem, request->arena, PLACE_POINTER, "#/type",
			VIOLATION_invalid_choice, "This form is for other types of partners.");
	return problem->is_set ? NULL : call->rows;
}

/* What became of it, or NULL and the problem. */
static const char *keep_application(
	struct request *request, const struct rows *form, struct problem *problem)
{
	struct db_batch batch = { .arena = request->arena,
		.door = DOOR_PROGRAM,
		.program_id = rows_text(form, "program_id"),
		.is_write = true };
	struct db_call *call = db_add(&batch, statement_find("application_from_form"));
	char id[UUID_TEXT_BYTES], event_id[UUID_TEXT_BYTES];

	uuid_v7(id);
	uuid_v7(event_id);
	call->params[0] = batch.program_id;
	call->params[2] = id;
	call->params[3] = dump(request->arena, json_deep_copy(request->body));
	call->params[4] = dump(request->arena, json_pack("{s:s, s:s}", "event_id", event_id,
						       "form_key_id", rows_text(form, "id")));
	call->params[5] = dump(
		request->arena, json_pack("{s:s, s:s, s:s}", "request_id", request->id,
					"actor_type", "system", "actor_id", rows_text(form, "id")));
	return db_run(request->app->db, &batch, problem) == DB_NONE
		       ? rows_text(call->rows, "outcome")
		       : NULL;
}

static bool submit_form(struct request *request, struct response *response, struct problem *problem)
{
	response->cache = CACHE_NO_STORE;
	if (request->body_problem.is_set) {
		*problem = request->body_problem;
		return false;
	}
	const struct rows *form = find_form(request, problem);
	const char *outcome = form != NULL ? keep_application(request, form, problem) : NULL;
	if (outcome == NULL)
		return false;
	if (strcmp(outcome, "closed") == 0)
		return refuse_key(request, problem);
	if (strcmp(outcome, "full") == 0) {
		problem->retry_after_s = FULL_RETRY_S;
		return problem_set(problem, PROBLEM_rate_limited,
			"The form has received as many applications as it takes in a day.");
	}
	response_json(response, 202, json_pack("{s:s}", "status", "received"));
	return true;
}

const struct endpoint form_key_endpoints[] = {
	{ .operation_id = "listFormKeys", .list = &form_key_list },
	{ .operation_id = "getFormKey", .resource = &form_key_resource, .get = true },
	{ .operation_id = "createFormKey",
		.resource = &form_key_resource,
		.decide = decide_create,
		.write = "form_key_create",
		.creates = true },
	{ .operation_id = "updateFormKey",
		.resource = &form_key_resource,
		.decide = decide_update,
		.write = "form_key_change" },
	{ .operation_id = "revokeFormKey",
		.resource = &form_key_resource,
		.decide = decide_revoke,
		.write = "form_key_change" },
	{ .operation_id = "submitPartnerApplicationForm", .run = submit_form },
	{ 0 },
};
