/* SPDX-License-Identifier: Apache-2.0 */
#include "base/csv.h"

#include <string.h>

/* What a spreadsheet takes for the beginning of a formula; the last four are full-width forms of
 * the first, which some of them normalise. The apostrophe, so that reading gives back what was
 * there. */
static const char *const formula_starts[] = { "=", "+", "-", "@", "\t", "\r", "\n", "'",
	"\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\xa0" };

static bool starts_formula(const char *bytes, size_t length)
{
	while (length > 0 && *bytes == ' ')
		bytes++, length--;
	for (size_t i = 0; i < sizeof formula_starts / sizeof formula_starts[0]; i++) {
		size_t own = strlen(formula_starts[i]);
		if (length >= own && memcmp(bytes, formula_starts[i], own) == 0)
			return true;
	}
	return false;
}

static bool needs_quotes(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (strchr(",;\t\"\r\n", bytes[i]) != NULL && bytes[i] != '\0')
			return true;
	return length > 0 && (bytes[0] == ' ' || bytes[length - 1] == ' ');
}

static void append_quoted(struct text *out, const char *mark, const char *bytes, size_t length)
{
	text_append_char(out, '"');
	text_append_string(out, mark);
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '"')
			text_append_char(out, '"');
		text_append_char(out, bytes[i]);
	}
	text_append_char(out, '"');
}

static void append_cell(struct text *out, const char *mark, const char *bytes, size_t length)
{
	if (needs_quotes(bytes, length)) {
		append_quoted(out, mark, bytes, length);
		return;
	}
	text_append_string(out, mark);
	text_append(out, bytes, length);
}

void csv_append_text(struct text *out, const char *bytes, size_t length)
{
	append_cell(out, starts_formula(bytes, length) ? "'" : "", bytes, length);
}

void csv_append_value(struct text *out, const char *bytes, size_t length)
{
	append_cell(out, "", bytes, length);
}

/* ---- reading ---- */

struct reader {
	const char *at, *end;
	bool is_all;
	struct arena *arena;
};

static bool is_at_break(const struct reader *reader)
{
	return reader->at == reader->end || *reader->at == '\n' ||
	       (*reader->at == '\r' && (reader->at + 1 == reader->end || reader->at[1] == '\n'));
}

static struct slice without_mark(const char *bytes, size_t length)
{
	if (length > 1 && bytes[0] == '\'' && starts_formula(bytes + 1, length - 1))
		return (struct slice){ bytes + 1, length - 1 };
	return (struct slice){ bytes, length };
}

/* The closing quote of the cell that opens at the reader; NULL when it is not there. */
static const char *closing_quote(const struct reader *reader)
{
	const char *at = reader->at + 1;
	while (at < reader->end) {
		at = memchr(at, '"', (size_t)(reader->end - at));
		if (at == NULL || at + 1 == reader->end || at[1] != '"')
			return at;
		at += 2;
	}
	return NULL;
}

static bool read_quoted(struct reader *reader, struct slice *ret_cell)
{
	const char *close = closing_quote(reader);
	if (close == NULL)
		return false;
	char *copy = arena_alloc(reader->arena, (size_t)(close - reader->at));
	size_t length = 0;
	for (const char *at = reader->at + 1; at < close; at++) {
		copy[length++] = *at;
		at += *at == '"';
	}
	copy[length] = '\0';
	*ret_cell = without_mark(copy, length);
	reader->at = close + 1;
	return true;
}

/* False at a quote. */
static bool read_plain(struct reader *reader, struct slice *ret_cell)
{
	const char *begin = reader->at;
	while (!is_at_break(reader) && *reader->at != ',') {
		if (*reader->at == '"')
			return false;
		reader->at++;
	}
	size_t length = (size_t)(reader->at - begin);
	*ret_cell = without_mark(arena_strndup(reader->arena, begin, length), length);
	return true;
}

/* Behind the break at which the reader stands. */
static size_t behind_break(const struct reader *reader, const char *bytes)
{
	const char *at = reader->at;
	if (at < reader->end && *at == '\r')
		at++;
	if (at < reader->end && *at == '\n')
		at++;
	return (size_t)(at - bytes);
}

static enum csv_end misplaced(const struct reader *reader, const char *bytes, size_t *ret_used)
{
	const char *line_end = memchr(reader->at, '\n', (size_t)(reader->end - reader->at));
	if (line_end == NULL && !reader->is_all)
		return CSV_MORE;
	*ret_used = (size_t)((line_end != NULL ? line_end + 1 : reader->end) - bytes);
	return CSV_MISPLACED;
}

enum csv_end csv_read(const char *bytes, size_t length, bool is_all, struct arena *arena,
	struct slice *cells, size_t most, size_t *ret_count, size_t *ret_used)
{
	struct reader reader = { bytes, bytes + length, is_all, arena };
	struct slice cell;
	*ret_count = 0;
	for (;; reader.at++) {
		bool is_quoted = reader.at < reader.end && *reader.at == '"';
		if (is_quoted && !read_quoted(&reader, &cell)) {
			*ret_used = length;
			return is_all ? CSV_MISPLACED : CSV_MORE;
		}
		if (!is_quoted && !read_plain(&reader, &cell))
			return misplaced(&reader, bytes, ret_used);
		if (*ret_count < most)
			cells[*ret_count] = cell;
		(*ret_count)++;
		if (reader.at < reader.end && *reader.at == ',')
			continue;
		if (!is_at_break(&reader))
			return misplaced(&reader, bytes, ret_used);
		break;
	}
	bool may_go_on =
		reader.at == reader.end || (*reader.at == '\r' && reader.at + 1 == reader.end);
	if (may_go_on && !is_all)
		return CSV_MORE;
	*ret_used = behind_break(&reader, bytes);
	return *ret_count <= most ? CSV_RECORD : CSV_TOO_MANY;
}
