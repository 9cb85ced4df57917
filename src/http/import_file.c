/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of an import, a part at a time: up to two chunks behind the place that was reached, so
 * that a row that begins in one may end in the next. A table's columns are members of the
 * registration, `amount.currency` for one of an object; which JSON a cell is, its schema says.
 */
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/uuid.h"
#include "http/body.h"
#include "http/file.h"
#include "http/import.h"

#define PART_ROWS 500

struct part {
	const struct import_work *work;
	const struct schema *input; /* of a registration */
	const char *bytes;
	size_t length, used;
	bool is_all; /* nothing of the file is behind these bytes */
	int64_t line;
	json_t *columns; /* of a table, once they are known */
	bool has_head_here;
	json_t *rows;
	struct problem fault;
};

/* ---- bytes ---- */

static size_t decode_hex(const char *hex, size_t length, char *out)
{
	for (size_t i = 0; i + 1 < length; i += 2) {
		unsigned high = (unsigned)(hex[i] <= '9' ? hex[i] - '0' : hex[i] - 'a' + 10),
			 low = (unsigned)(hex[i + 1] <= '9' ? hex[i + 1] - '0'
							    : hex[i + 1] - 'a' + 10);
		out[i / 2] = (char)(high << 4 | low);
	}
	return length / 2;
}

static struct db_call *add_chunk(const struct import_work *work, struct db_batch *batch, int64_t at)
{
	struct db_call *call = db_add(batch, statement_find("file_chunk"));
	call->params[0] = work->program_id;
	call->params[2] = rows_text(work->taken, "file_id");
	call->params[3] = arena_printf(work->arena, "{\"sequence\":%lld}", (long long)at);
	return call;
}

static bool read_bytes(struct part *part, struct problem *problem)
{
	const struct import_work *work = part->work;
	int64_t from = rows_int(work->taken, "read_bytes"),
		size = rows_int(work->taken, "size_bytes"), chunk = from / FILE_CHUNK_BYTES;
	size_t skip = (size_t)(from % FILE_CHUNK_BYTES), length = 0;
	struct db_batch batch = {
		.arena = work->arena, .door = DOOR_PROGRAM, .program_id = work->program_id
	};
	struct db_call *calls[] = { add_chunk(work, &batch, chunk),
		add_chunk(work, &batch, chunk + 1) };
	if (db_run(work->app->db, &batch, problem) != DB_NONE)
		return false;
	char *bytes = arena_alloc(work->arena, (size_t)2 * FILE_CHUNK_BYTES);
	for (size_t i = 0; i < 2; i++) {
		size_t digits;
		if (rows_count(calls[i]->rows) == 0)
			continue;
		const char *hex = rows_cell(calls[i]->rows, 0, 0, &digits);
		length += decode_hex(hex, digits, bytes + length);
	}
	part->bytes = bytes + skip;
	part->length = length > skip ? length - skip : 0;
	part->is_all = from + (int64_t)part->length >= size;
	return part->length > 0 ||
	       problem_set(problem, PROBLEM_internal, "The file of the import has a gap.");
}

/* ---- members ---- */

static bool is_map(const struct schema *schema)
{
	return schema != NULL && schema_property_name(schema, 0) == NULL;
}

/* The schema of what a column names; NULL for none, or for a member of a map, which is known all
 * the same. */
static const struct schema *schema_of(
	const struct part *part, const char *column, bool *ret_is_known)
{
	char head[64];
	size_t length = strcspn(column, ".");
	*ret_is_known = false;
	if (length >= sizeof head)
		return NULL;
	memcpy(head, column, length);
	head[length] = '\0';
	if (!schema_has_property(part->input, head))
		return NULL;
	const struct schema *schema = schema_property(part->input, head);
	if (column[length] == '\0') {
		*ret_is_known = true;
		return schema;
	}
	const char *member = column + length + 1;
	*ret_is_known =
		member[0] != '\0' && (is_map(schema) || schema_has_property(schema, member));
	return is_map(schema) ? NULL : schema_property(schema, member);
}

/* The names that people write, and the member they mean; NULL when it is none. */
static const char *member_of(const struct part *part, const char *column)
{
	const char *source = rows_text(part->work->taken, "external_source");
	bool is_known;
	if (strcmp(column, "amount_minor") == 0 || strcmp(column, "currency") == 0)
		return arena_printf(part->work->arena, "amount.%s", column);
	if (strcmp(column, "external_id") == 0 && source != NULL)
		return arena_printf(part->work->arena, "external_ids.%s", source);
	schema_of(part, column, &is_known);
	return is_known ? column : NULL;
}

/* Text where the schema takes text; else what JSON makes of it, and text when that is nothing, for
 * the schema to refuse. */
static json_t *value_of(const struct part *part, const char *member, struct slice cell)
{
	bool is_known;
	const struct schema *schema = schema_of(part, member, &is_known);
	json_t *text = json_stringn(cell.bytes, cell.length);
	struct problem problem = PROBLEM_INIT;
	if (schema == NULL)
		return text;
	schema_validate(schema, NULL, text, part->work->arena, &problem);
	if (problem.violation_count == 0 || problem.violations[0].code != VIOLATION_wrong_type)
		return text;
	json_t *value = body_is_bounded(cell)
				? json_loadb(cell.bytes, cell.length,
					  JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL)
				: NULL;
	if (value == NULL)
		return text;
	json_decref(text);
	return value;
}

static void place(json_t *body, const char *member, json_t *value)
{
	const char *dot = strchr(member, '.');
	if (dot == NULL) {
		json_object_set_new(body, member, value);
		return;
	}
	char head[64];
	size_t length = (size_t)(dot - member);
	memcpy(head, member, length);
	head[length] = '\0';
	json_t *group = json_object_get(body, head);
	if (!json_is_object(group)) {
		group = json_object();
		json_object_set_new(body, head, group);
	}
	json_object_set_new(group, dot + 1, value);
}

/* ---- rows ---- */

/* What names the registration elsewhere, whoever's it is. */
static json_t *external_key(const json_t *body)
{
	const char *partner = json_string_value(json_object_get(body, "partner_id")), *source;
	json_t *value;
	json_object_foreach (json_object_get(body, "external_ids"), source, value)
		if (json_is_string(value))
			return json_sprintf("%s:%s:%s", partner != NULL ? partner : "", source,
				json_string_value(value));
	return json_null();
}

/* Takes the reference of the body, which may be NULL. */
static void add_row(struct part *part, json_t *body, const struct problem *problem)
{
	char id[UUID_TEXT_BYTES];
	uuid_v7(id);
	json_array_append_new(part->rows,
		json_pack("{s:I, s:s, s:s, s:o, s:o, s:o}", "line", (json_int_t)++part->line, "id",
			id, "status", problem != NULL ? "invalid" : "read", "external_key",
			external_key(body), "body", body != NULL ? body : json_null(), "problem",
			problem != NULL ? import_problem(problem) : json_null()));
}

static void add_faulty_row(struct part *part, enum problem_code code, const char *detail)
{
	struct problem problem = PROBLEM_INIT;
	problem_set(&problem, code, "%s", detail);
	add_row(part, NULL, &problem);
}

/* The column's place is where its fault is. */
static void refuse_column(struct part *part, size_t at, enum violation_code code, const char *name)
{
	problem_add(&part->fault, part->work->arena, PLACE_POINTER,
		arena_printf(part->work->arena, "#/columns/%zu", at), code, "%s: %s",
		code == VIOLATION_not_unique ? "A second column of this name"
					     : "No member of a registration",
		name);
}

static bool is_named_before(const json_t *columns, const char *member)
{
	for (size_t i = 0; i < json_array_size(columns); i++)
		if (strcmp(json_string_value(json_array_get(columns, i)), member) == 0)
			return true;
	return false;
}

/* The head of a table: the members its columns stand for, "" for one that is passed over. */
static void read_head(struct part *part, const struct slice *cells, size_t count)
{
	bool skips = rows_bool(part->work->taken, "skips_unknown_columns");
	part->columns = json_array();
	part->has_head_here = true;
	for (size_t i = 0; i < count; i++) {
		const char *name =
			arena_strndup(part->work->arena, cells[i].bytes, cells[i].length);
		const char *member = member_of(part, name);
		if (member == NULL && !skips)
			refuse_column(part, i, VIOLATION_unknown_field, name);
		else if (member != NULL && is_named_before(part->columns, member))
			refuse_column(part, i, VIOLATION_not_unique, name);
		json_array_append_new(part->columns, json_string(member != NULL ? member : ""));
	}
}

static void read_record(struct part *part, const struct slice *cells, size_t count)
{
	size_t wanted = json_array_size(part->columns);
	if (count == 1 && cells[0].length == 0)
		return; /* an empty line */
	if (count != wanted) {
		struct problem problem = PROBLEM_INIT;
		problem_set(&problem, PROBLEM_validation_failed,
			"The line has %zu cells, the table %zu columns.", count, wanted);
		add_row(part, NULL, &problem);
		return;
	}
	json_t *body = json_object();
	for (size_t i = 0; i < count; i++) {
		const char *member = json_string_value(json_array_get(part->columns, i));
		if (cells[i].length > 0 && member[0] != '\0')
			place(body, member, value_of(part, member, cells[i]));
	}
	add_row(part, body, NULL);
}

/* False when the rest of the bytes holds no whole record. */
static bool read_csv(struct part *part)
{
	struct slice cells[IMPORT_MAX_COLUMNS];
	size_t count, used;
	enum csv_end end = csv_read(part->bytes + part->used, part->length - part->used,
		part->is_all, part->work->arena, cells, IMPORT_MAX_COLUMNS, &count, &used);
	if (end == CSV_MORE)
		return false;
	part->used += used;
	if (part->columns == NULL && end != CSV_RECORD)
		problem_set(&part->fault, PROBLEM_validation_failed,
			"The first line must name the columns, %d at most.", IMPORT_MAX_COLUMNS);
	else if (part->columns == NULL)
		read_head(part, cells, count);
	else if (end == CSV_RECORD)
		read_record(part, cells, count);
	else
		add_faulty_row(part, PROBLEM_validation_failed,
			end == CSV_TOO_MANY ? "The line has too many cells."
					    : "A quote stands where none can.");
	return true;
}

/* An id in the import's own source may stand alone, as in a table. */
static void spread_external_id(const struct part *part, json_t *body)
{
	const char *source = rows_text(part->work->taken, "external_source");
	json_t *id = json_object_get(body, "external_id");
	if (source == NULL || id == NULL)
		return;
	json_incref(id);
	json_object_del(body, "external_id");
	place(body, arena_printf(part->work->arena, "external_ids.%s", source), id);
}

static bool is_blank(struct slice line)
{
	for (size_t i = 0; i < line.length; i++)
		if (line.bytes[i] != ' ' && line.bytes[i] != '\t' && line.bytes[i] != '\r')
			return false;
	return true;
}

static void read_object(struct part *part, struct slice line)
{
	json_error_t error;
	json_t *body = body_is_bounded(line)
			       ? json_loadb(line.bytes, line.length, JSON_REJECT_DUPLICATES, &error)
			       : NULL;
	if (json_is_object(body)) {
		spread_external_id(part, body);
		add_row(part, body, NULL);
		return;
	}
	json_decref(body);
	add_faulty_row(part, PROBLEM_malformed_json, "The line is not an object of JSON.");
}

static bool read_ndjson(struct part *part)
{
	const char *begin = part->bytes + part->used;
	size_t left = part->length - part->used;
	const char *end = memchr(begin, '\n', left);
	if (end == NULL && !part->is_all)
		return false;
	struct slice line = { begin, end != NULL ? (size_t)(end - begin) : left };
	part->used += line.length + (end != NULL);
	if (line.length > IMPORT_MAX_ROW_BYTES)
		add_faulty_row(part, PROBLEM_payload_too_large, "The line is longer than 64 KiB.");
	else if (!is_blank(line))
		read_object(part, line);
	return true;
}

static void skip_byte_order_mark(struct part *part)
{
	bool is_start = rows_int(part->work->taken, "read_bytes") == 0;
	if (is_start && part->length >= 3 && memcmp(part->bytes, "\xef\xbb\xbf", 3) == 0)
		part->used = 3;
}

static void read_rows(struct part *part)
{
	bool is_csv = strcmp(rows_text(part->work->taken, "format"), "csv") == 0;
	bool went_on = true;
	skip_byte_order_mark(part);
	size_t begin = part->used;
	while (went_on && !part->fault.is_set && part->used < part->length &&
		json_array_size(part->rows) < PART_ROWS && part->used - begin < FILE_CHUNK_BYTES)
		went_on = is_csv ? read_csv(part) : read_ndjson(part);
	if (!went_on && part->used == begin)
		problem_set(&part->fault, PROBLEM_payload_too_large,
			"What follows line %lld is longer than a line may be.",
			(long long)part->line);
	if (part->line > IMPORT_MAX_ROWS)
		problem_set(&part->fault, PROBLEM_payload_too_large,
			"An import may have %d lines; split the file.", IMPORT_MAX_ROWS);
}

static json_t *known_columns(const struct import_work *work)
{
	const char *text = rows_text(work->taken, "columns");
	return text != NULL ? json_loads(text, 0, NULL) : NULL;
}

json_t *import_read(const struct import_work *work, struct problem *problem)
{
	struct part part = {
		.work = work,
		.input = contract_operation_by_id(work->app->contract, "registerDeal")->body,
		.line = rows_int(work->taken, "rows_total"),
		.columns = known_columns(work),
		.fault = PROBLEM_INIT,
	};
	if (!read_bytes(&part, problem)) {
		json_decref(part.columns);
		return NULL;
	}
	part.rows = json_array();
	read_rows(&part);
	json_int_t before = rows_int(work->taken, "read_bytes"), used = (json_int_t)part.used;
	json_t *read = json_pack("{s:I, s:I, s:o, s:o}", "read_before", before, "read_bytes",
		before + used, "rows", part.rows, "columns",
		part.has_head_here && part.columns != NULL ? json_incref(part.columns)
							   : json_null());
	if (part.fault.is_set)
		json_object_set_new(read, "fault", import_problem(&part.fault));
	json_decref(part.columns);
	return read;
}
