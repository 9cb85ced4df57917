/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one writer of resources: rows of a shape, from PostgreSQL or stored in an event, become JSON.
 * There is no jansson on this path: a page of fifty is one walk over prepared literals and cells
 * (performance.md §2). What only the vendor may see is written as null for partners here, for
 * answers, lists, events and timelines alike.
 */
#include <string.h>

#include "offers.h"

struct cell {
	const char *bytes; /* NULL: null */
	size_t length;
};

/* Where the cells come from: a row of a result, or a stored flat object. */
struct source {
	const struct request *request;
	const struct shape *shape;
	const struct rows *rows;
	size_t row;
	const json_t *flat;
	bool sparse;
};

/* With the blanks of PostgreSQL's jsonb, so that a stored row is written as the same bytes as a
 * live one. */
#define CELL_FLAGS (JSON_ENCODE_ANY | JSON_REAL_PRECISION(15))

/* As PostgreSQL would have sent it: a column of JSON may hold a mere text or truth, which stays
 * JSON. */
static struct cell json_cell(
	const struct source *source, enum column_kind kind, const json_t *value)
{
	struct arena *arena = source->request->arena;
	if (value == NULL || json_is_null(value))
		return (struct cell){ NULL, 0 };
	if (kind != COLUMN_PLAIN && json_is_string(value))
		return (struct cell){ json_string_value(value), json_string_length(value) };
	if (kind != COLUMN_PLAIN && json_is_boolean(value))
		return (struct cell){ json_is_true(value) ? "t" : "f", 1 };
	size_t length = json_dumpb(value, NULL, 0, CELL_FLAGS);
	char *bytes = arena_alloc(arena, length + 1);
	(void)json_dumpb(value, bytes, length, CELL_FLAGS);
	bytes[length] = '\0';
	return (struct cell){ bytes, length };
}

static struct cell cell_at(const struct source *source, size_t column)
{
	const struct shape_column *at = &source->shape->columns[column];
	if (source->flat != NULL)
		return json_cell(source, at->kind, json_object_get(source->flat, at->name));
	struct cell cell;
	cell.bytes = rows_cell(source->rows, source->row, column, &cell.length);
	return cell;
}

/* In a sparse row what the vendor keeps to itself is not even named. */
static bool is_absent(const struct source *source, size_t column)
{
	const struct shape_column *at = &source->shape->columns[column];
	return source->sparse &&
	       (json_object_get(source->flat, at->name) == NULL ||
		       (at->vendor_only && source->request->actor->partner_id[0] != '\0'));
}

void writer_time(struct text *out, const char *text, size_t length)
{
	char time[] = "\"0000-00-00T00:00:00.000Z\"";
	if (length < 19) { /* infinity has no place in an answer */
		text_append_string(out, "null");
		return;
	}
	memcpy(time + 1, text, 19);
	time[11] = 'T';
	for (size_t i = 20;
		i < 23 && i < length && text[19] == '.' && text[i] >= '0' && text[i] <= '9'; i++)
		time[i + 1] = text[i];
	text_append(out, time, sizeof time - 1);
}

/* Empty where the shape has none. */
static struct slice id_of(const struct source *source)
{
	int column = source->shape->id_column;
	struct cell cell = { NULL, 0 };
	if (column >= 0)
		cell = cell_at(source, (size_t)column);
	return cell.bytes != NULL ? (struct slice){ cell.bytes, cell.length } : slice_of("");
}

static void write_actions(struct text *out, const struct source *source, struct cell state)
{
	size_t length = out->length;
	text_append_string(out, "[\"");
	offers_write(out, source->request, source->shape,
		(struct slice){ state.bytes, state.length }, id_of(source), "\",\"");
	if (out->length == length + 2) {
		out->length = length;
		text_append_string(out, "[]");
		return;
	}
	text_append_string(out, "\"]");
}

static const struct shape *flat_shape(const struct source *source)
{
	size_t length;
	const char *object = rows_cell(
		source->rows, source->row, (size_t)source->shape->flat_type_column, &length);
	return bindings_shape_by_object(source->request->app->bindings, object);
}

static void write_flat(
	struct text *out, const struct source *source, const char *member, struct cell cell)
{
	const struct shape *shape = flat_shape(source);
	if (shape == NULL) {
		text_append_string(out, "{}");
		return;
	}
	writer_flat(out, source->request, shape, cell.bytes, cell.length,
		strcmp(member, "previous") == 0, false);
}

static void write_value(struct text *out, const struct source *source,
	const struct shape_column *column, struct cell cell);

static void separate(struct text *out, bool *first)
{
	if (!*first)
		text_append_char(out, ',');
	*first = false;
}

/* What changes by itself with every write is no change. */
static bool is_bookkeeping(const struct shape_column *column)
{
	return column->kind == COLUMN_HIDDEN || column->kind == COLUMN_ACTIONS ||
	       strcmp(column->name, "object") == 0 || strcmp(column->name, "version") == 0 ||
	       strcmp(column->name, "updated_at") == 0;
}

/* {"member": {"from": …, "to": …}} for the members that stand in either of the two rows. */
static void write_changes(struct text *out, const struct source *source, struct cell cell)
{
	const struct shape *shape = flat_shape(source);
	json_t *both = json_loadb(cell.bytes, cell.length, 0, NULL);
	struct source from = { .request = source->request, .shape = shape }, to = from;
	bool first = true;
	from.flat = json_object_get(both, "previous");
	to.flat = json_object_get(both, "current");
	text_append_char(out, '{');
	for (size_t i = 0; shape != NULL && i < shape->column_count; i++) {
		const struct shape_column *column = &shape->columns[i];
		if (is_bookkeeping(column) ||
			(json_object_get(from.flat, column->name) == NULL &&
				json_object_get(to.flat, column->name) == NULL))
			continue;
		separate(out, &first);
		text_appendf(out, "\"%s\":{\"from\":", column->member);
		write_value(out, &from, column, cell_at(&from, i));
		text_append_string(out, ",\"to\":");
		write_value(out, &to, column, cell_at(&to, i));
		text_append_char(out, '}');
	}
	text_append_char(out, '}');
	json_decref(both);
}

static void write_value(struct text *out, const struct source *source,
	const struct shape_column *column, struct cell cell)
{
	if (cell.bytes == NULL ||
		(column->vendor_only && source->request->actor->partner_id[0] != '\0')) {
		text_append(out, "null", 4);
		return;
	}
	switch (column->kind) {
	case COLUMN_PLAIN: text_append(out, cell.bytes, cell.length); break;
	case COLUMN_QUOTED:
		text_append_char(out, '"');
		text_append(out, cell.bytes, cell.length);
		text_append_char(out, '"');
		break;
	case COLUMN_BOOL: text_append_string(out, cell.bytes[0] == 't' ? "true" : "false"); break;
	case COLUMN_TIME: writer_time(out, cell.bytes, cell.length); break;
	case COLUMN_ACTIONS: write_actions(out, source, cell); break;
	case COLUMN_CURRENT:
		text_append_string(out, slice_is((struct slice){ cell.bytes, cell.length },
						source->request->actor->session_id)
						? "true"
						: "false");
		break;
	case COLUMN_FLAT: write_flat(out, source, column->member, cell); break;
	case COLUMN_CHANGES: write_changes(out, source, cell); break;
	case COLUMN_STRING:
	case COLUMN_HIDDEN: text_append_json(out, cell.bytes, cell.length); break;
	}
}

/* A nested object whose members are all null, or all absent, is one null, or absent. */
static bool group_is_empty(const struct source *source, size_t first, bool *ret_absent)
{
	*ret_absent = true;
	for (size_t i = first; i < first + source->shape->columns[first].group_length; i++) {
		*ret_absent = *ret_absent && is_absent(source, i);
		if (cell_at(source, i).bytes != NULL)
			return false;
	}
	return true;
}

/* Writes one nested object; returns the index of its last column. */
static size_t write_group(
	struct text *out, const struct source *source, size_t first_column, bool *first)
{
	const struct shape_column *columns = source->shape->columns;
	size_t last = first_column + columns[first_column].group_length - 1;
	bool absent;
	bool empty = group_is_empty(source, first_column, &absent);
	if (empty && absent)
		return last;
	separate(out, first);
	text_append(out, columns[first_column].open.bytes, columns[first_column].open.length);
	if (empty) {
		text_append_string(out, "null");
		return last;
	}
	bool first_member = true;
	text_append_char(out, '{');
	for (size_t i = first_column; i <= last; i++) {
		if (is_absent(source, i))
			continue;
		separate(out, &first_member);
		text_append(out, columns[i].literal.bytes, columns[i].literal.length);
		write_value(out, source, &columns[i], cell_at(source, i));
	}
	text_append_char(out, '}');
	return last;
}

static void write_object(struct text *out, const struct source *source, bool open_end)
{
	const struct shape *shape = source->shape;
	bool first = true;
	text_append_char(out, '{');
	for (size_t i = 0; i < shape->column_count; i++) {
		const struct shape_column *column = &shape->columns[i];
		if (column->group_length > 0) {
			i = write_group(out, source, i, &first);
			continue;
		}
		if (column->kind == COLUMN_HIDDEN || is_absent(source, i))
			continue;
		separate(out, &first);
		text_append(out, column->literal.bytes, column->literal.length);
		write_value(out, source, column, cell_at(source, i));
	}
	if (!open_end)
		text_append_char(out, '}');
}

void writer_row(struct text *out, const struct request *request, const struct shape *shape,
	const struct rows *rows, size_t row, bool open_end)
{
	struct source source = { .request = request, .shape = shape, .rows = rows, .row = row };
	write_object(out, &source, open_end);
}

void writer_flat(struct text *out, const struct request *request, const struct shape *shape,
	const char *flat, size_t length, bool sparse, bool open_end)
{
	json_t *object = json_loadb(flat, length, JSON_DECODE_ANY, NULL);
	struct source source = {
		.request = request, .shape = shape, .flat = object, .sparse = sparse
	};
	write_object(out, &source, open_end);
	json_decref(object);
}
