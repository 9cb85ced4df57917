/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET of one resource: one prepared statement behind the walls, one row, one walk of the writer.
 * Also the small pieces that every answer with a single resource shares: ETag, Location, the 404
 * that does not tell a foreign row from a missing one.
 */
#include <string.h>

#include "engines.h"
#include "offers.h"

struct db_batch request_batch(const struct request *request)
{
	return (struct db_batch){
		.arena = request->arena,
		.door = actor_side(request->actor) == SIDE_VENDOR ? DOOR_PROGRAM : DOOR_PARTNER,
		.program_id = request->actor->program_id,
		.partner_id = actor_partner(request->actor),
	};
}

const struct rows *request_row(struct request *request, const char *statement, const char *body,
	const char *missing, struct problem *problem)
{
	struct db_batch batch = request_batch(request);
	struct db_call *call = db_add(&batch, statement_find(statement));
	call->params[0] = request->actor->program_id;
	call->params[1] = actor_partner(request->actor);
	call->params[2] = request->path_ids[0];
	call->params[3] = body;
	if (db_run(request->app->db, &batch, problem) != DB_NONE)
		return NULL;
	if (rows_count(call->rows) > 0)
		return call->rows;
	problem_set(problem, PROBLEM_not_found, "%s", missing);
	return NULL;
}

bool refuse_missing(const struct resource *resource, struct problem *problem)
{
	char noun[40];
	size_t length = 0;
	for (const char *at = resource->object; *at != '\0' && length + 1 < sizeof noun; at++)
		noun[length++] = *at == '_' ? ' ' : *at;
	noun[length] = '\0';
	return problem_set(problem, PROBLEM_not_found, "There is no %s with this id.", noun);
}

/* One entry of the list; moves *at behind it. */
static bool next_tag(const char **at, struct slice *ret_tag, bool *ret_weak)
{
	*at += strspn(*at, " \t,");
	*ret_weak = strncmp(*at, "W/", 2) == 0;
	if (*ret_weak)
		*at += 2;
	const char *end = **at == '"' ? strchr(*at + 1, '"') : NULL;
	if (end == NULL)
		return false;
	*ret_tag = (struct slice){ *at + 1, (size_t)(end - *at - 1) };
	*at = end + 1;
	return true;
}

bool etag_matches(const char *header, const char *version, bool weak)
{
	header += strspn(header, " \t");
	if (header[0] == '*' && header[1 + strspn(header + 1, " \t")] == '\0')
		return true;
	struct slice tag;
	bool tag_is_weak;
	while (next_tag(&header, &tag, &tag_is_weak))
		if ((weak || !tag_is_weak) && slice_is(tag, version))
			return true;
	return false;
}

void answer_resource(struct request *request, struct response *response, const struct shape *shape,
	int status, const char *id, const char *version)
{
	response->status = status;
	response->content_type = "application/json";
	response->cache = CACHE_PRIVATE;
	if (version != NULL)
		response_etag(response, request, version);
	if (status == 201 && shape->resource->path != NULL)
		response_header(response, "Location",
			arena_printf(request->arena, "%s%s", shape->resource->path, id));
}

static const char *version_of(const struct shape *shape, const struct rows *rows)
{
	size_t length;
	return shape->version_column < 0
		       ? NULL
		       : rows_cell(rows, 0, (size_t)shape->version_column, &length);
}

/*
 * The version stands for the row. Where a member comes from elsewhere (a partner's name, a status
 * that the clock has moved) and is newer than the row, the tag says nothing about it.
 */
static bool is_unchanged(const struct request *request, const struct shape *shape,
	const struct rows *rows, const char *version)
{
	size_t length;
	if (request->if_none_match == NULL || version == NULL ||
		!etag_matches(request->if_none_match, version, true))
		return false;
	return shape->newer_column < 0 ||
	       rows_cell(rows, 0, (size_t)shape->newer_column, &length)[0] != 't';
}

bool fetch_run(const struct endpoint *endpoint, struct request *request, struct response *response,
	struct problem *problem)
{
	const struct shape *shape = bindings_shape(request->app->bindings, endpoint->resource);
	bool walled = shape_is_walled(shape, request->actor);
	const char *id = request->path_ids[0];
	struct db_batch batch = request_batch(request);
	struct db_call *call = db_add(&batch, walled ? shape->get_partner : shape->get_vendor);
	call->params[0] = request->actor->program_id;
	call->params[1] = id;
	call->params[2] = walled ? request->actor->partner_id : NULL;
	if (db_run(request->app->db, &batch, problem) != DB_NONE)
		return false;
	if (rows_count(call->rows) == 0)
		return refuse_missing(endpoint->resource, problem);
	const char *version = version_of(shape, call->rows);
	answer_resource(request, response, shape, 200, id, version);
	if (is_unchanged(request, shape, call->rows, version)) {
		response->status = 304;
		response->content_type = NULL;
		return true;
	}
	if (!offers_ask(request, shape, call->rows, 1, problem))
		return false;
	writer_row(&response->body, request, shape, call->rows, 0, false);
	return true;
}
