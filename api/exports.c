/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whoever takes much out of the house at once has read it: an export leaves an entry in the ledger,
 * as changes do, with what it was asked for. There are no operations here.
 */
#include <stdlib.h>
#include <string.h>

#include "base/uuid.h"
#include "resources.h"

const struct resource export_resource = {
	.object = "export",
	.shape = "export_shape",
};

/* What is searched for may be the name or the address of a person: that it was, is enough. */
static json_t *filter_value(const struct query_value *value)
{
	if (strcmp(value->parameter->name, "q") == 0)
		return json_true();
	json_t *texts = json_array();
	for (size_t i = 0; i < value->count; i++)
		json_array_append_new(texts, json_string(value->values[i]));
	return texts;
}

static const char *own_text(struct arena *arena, json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);
	json_decref(value);
	arena_defer(arena, free, text);
	return text;
}

static const char *asked(const struct request *request, const char *format)
{
	json_t *filters = json_object();
	for (size_t i = 0; i < request->query_count; i++)
		json_object_set_new(filters, request->query[i].parameter->name,
			filter_value(&request->query[i]));
	return own_text(
		request->arena, json_pack("{s:s, s:o}", "format", format, "filters", filters));
}

bool export_note(struct request *request, const char *action, const char *format, bool goes_on,
	struct problem *problem)
{
	char entry_id[UUID_TEXT_BYTES];
	uuid_v7(entry_id);
	struct db_batch batch = request_batch(request);
	batch.is_write = true;
	struct db_call *call = db_add(&batch, statement_find("export_note"));
	call->params[0] = batch.program_id;
	call->params[1] = batch.partner_id;
	call->params[3] = asked(request, format);
	call->params[4] =
		own_text(request->arena, json_pack("{s:s, s:s, s:b}", "entry_id", entry_id,
						 "action", action, "goes_on", goes_on));
	call->params[5] = request_json(request);
	return db_run(request->app->db, &batch, problem) == DB_NONE;
}
