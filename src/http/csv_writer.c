/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of a shape as lines of a table. What the actor's side is never shown has no column. */
#include "base/csv.h"
#include "shape.h"

static bool is_shown(const struct shape_column *column, const struct request *request)
{
	switch (column->kind) {
	case COLUMN_HIDDEN:
	case COLUMN_ACTIONS:
	case COLUMN_CURRENT:
	case COLUMN_FLAT:
	case COLUMN_CHANGES: return false;
	default: break;
	}
	return !column->vendor_only || actor_side(request->actor) == SIDE_VENDOR;
}

void writer_csv_head(struct text *out, const struct request *request, const struct shape *shape)
{
	bool first = true;
	for (size_t i = 0; i < shape->column_count; i++) {
		if (!is_shown(&shape->columns[i], request))
			continue;
		text_append_string(out, first ? "" : ",");
		text_append_string(out, shape->columns[i].member);
		first = false;
	}
	text_append_string(out, "\r\n");
}

static void write_time(struct text *out, const char *bytes, size_t length)
{
	struct text time = TEXT_INIT;
	writer_time(&time, bytes, length);
	if (time.bytes[0] == '"')
		text_append(out, time.bytes + 1, time.length - 2);
	text_release(&time);
}

static void write_cell(struct text *out, enum column_kind kind, const char *bytes, size_t length)
{
	if (bytes == NULL)
		return;
	if (kind == COLUMN_STRING)
		csv_append_text(out, bytes, length);
	else if (kind == COLUMN_BOOL)
		text_append_string(out, bytes[0] == 't' ? "true" : "false");
	else if (kind == COLUMN_TIME)
		write_time(out, bytes, length);
	else
		csv_append_value(out, bytes, length);
}

void writer_csv_row(struct text *out, const struct request *request, const struct shape *shape,
	const struct rows *rows, size_t row)
{
	bool first = true;
	for (size_t i = 0; i < shape->column_count; i++) {
		size_t length;
		if (!is_shown(&shape->columns[i], request))
			continue;
		const char *bytes = rows_cell(rows, row, i, &length);
		text_append_string(out, first ? "" : ",");
		write_cell(out, shape->columns[i].kind, bytes, length);
		first = false;
	}
	text_append_string(out, "\r\n");
}
