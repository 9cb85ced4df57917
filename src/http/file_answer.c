/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content of a file, a chunk at a time. Chunks never change once the file is stored, so each is
 * read by a statement of its own and a reader that stalls keeps no snapshot and no connection. It
 * always goes out as a download of plain bytes under its own name: nothing that a partner has
 * uploaded shall run in a browser under our origin.
 */
#include <stdlib.h>
#include <string.h>

#include "engines.h"
#include "http/file.h"

struct outgoing {
	struct db *db;
	bool is_vendor;
	char program_id[UUID_TEXT_BYTES];
	char partner_id[UUID_TEXT_BYTES];
	char file_id[UUID_TEXT_BYTES];
	int sequence;
	struct arena *arena; /* of the present chunk */
	const char *hex;
	size_t left; /* bytes of it that are not sent */
};

static bool next_chunk(struct outgoing *outgoing)
{
	struct problem problem = PROBLEM_INIT;
	struct db_batch batch = {
		.arena = outgoing->arena,
		.door = outgoing->is_vendor ? DOOR_PROGRAM : DOOR_PARTNER,
		.program_id = outgoing->program_id,
		.partner_id = outgoing->is_vendor ? NULL : outgoing->partner_id,
	};
	size_t length;

	arena_reset(outgoing->arena);
	struct db_call *call = db_add(&batch, statement_find("file_chunk"));
	call->params[0] = batch.program_id;
	call->params[1] = batch.partner_id;
	call->params[2] = outgoing->file_id;
	call->params[3] = arena_printf(outgoing->arena, "{\"sequence\":%d}", outgoing->sequence++);
	if (db_run(outgoing->db, &batch, &problem) != DB_NONE || rows_count(call->rows) == 0)
		return false;
	outgoing->hex = rows_cell(call->rows, 0, 0, &length);
	outgoing->left = length / 2;
	return true;
}

static unsigned value_of(char digit)
{
	return (unsigned)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

static ssize_t read_some(void *context, char *out, size_t room)
{
	struct outgoing *outgoing = context;

	if (outgoing->left == 0 && !next_chunk(outgoing))
		return -1;
	size_t length = room < outgoing->left ? room : outgoing->left;
	for (size_t i = 0; i < length; i++, outgoing->hex += 2)
		out[i] = (char)(value_of(outgoing->hex[0]) << 4 | value_of(outgoing->hex[1]));
	outgoing->left -= length;
	return (ssize_t)length;
}

static void free_outgoing(void *context)
{
	struct outgoing *outgoing = context;

	arena_free(outgoing->arena);
	free(outgoing);
}

static struct outgoing *make_outgoing(const struct request *request, const char *file_id)
{
	struct outgoing *outgoing = calloc(1, sizeof(*outgoing));

	if (!outgoing)
		abort();
	outgoing->db = request->app->db;
	outgoing->is_vendor = actor_side(request->actor) == SIDE_VENDOR;
	memcpy(outgoing->program_id, request->actor->program_id, UUID_TEXT_BYTES);
	memcpy(outgoing->partner_id, request->actor->partner_id, UUID_TEXT_BYTES);
	memcpy(outgoing->file_id, file_id, UUID_TEXT_BYTES);
	outgoing->arena = arena_new();
	return outgoing;
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '-' || c == '_';
}

/* RFC 6266: the name twice, once for those who read ASCII only. */
static const char *disposition(const char *name, struct arena *arena)
{
	struct text text = TEXT_INIT;

	text_append_string(&text, "attachment; filename=\"");
	for (const char *at = name; *at; at++)
		text_append_char(&text, is_plain(*at) || *at == ' ' ? *at : '_');
	text_append_string(&text, "\"; filename*=UTF-8''");
	for (const char *at = name; *at; at++)
		if (is_plain(*at))
			text_append_char(&text, *at);
		else
			text_appendf(&text, "%%%02X", (unsigned)(unsigned char)*at);
	const char *value = arena_strndup(arena, text.bytes, text.length);
	text_release(&text);
	return value;
}

bool answer_file(struct request *request, struct response *response, const char *file_id,
	struct problem *problem)
{
	struct db_batch batch = request_batch(request);
	struct db_call *call = db_add(&batch, statement_find("file_content"));

	call->params[0] = batch.program_id;
	call->params[1] = batch.partner_id;
	call->params[2] = file_id;
	if (db_run(request->app->db, &batch, problem) != DB_NONE)
		return false;
	if (rows_count(call->rows) == 0)
		return problem_set(
			problem, PROBLEM_not_found, "There is no file with this id and a content.");
	const char *sha256 = rows_text(call->rows, "sha256");
	response_etag(response, request, sha256);
	response->cache = CACHE_PRIVATE;
	if (request->if_none_match && etag_matches(request->if_none_match, sha256, true)) {
		response->status = 304;
		return true;
	}
	response->status = 200;
	response->content_type = "application/octet-stream";
	response_header(response, "Content-Disposition",
		disposition(rows_text(call->rows, "name"), request->arena));
	response->stream = (struct response_stream){
		.read = read_some,
		.free = free_outgoing,
		.context = make_outgoing(request, file_id),
		.size_bytes = rows_int(call->rows, "size_bytes"),
	};
	return true;
}
