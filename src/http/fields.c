/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmicrohttpd 0.9 parses the head in place: names and values are pieces of the lines as they
 * came, ended by NULs that replaced the colon and the CR LF. Where it repairs a line, that is:
 * glues a folded line to the name, cuts at a NUL, takes a bare LF for an end of line, takes a line
 * without a name for the end of the head and the rest for the next request, the pieces no longer
 * follow each other in memory or do not add up to the size of the head. That is how we tell; it
 * gives no other sign (libraries.md §1.3 has what it does with such heads).
 */
#include "http/fields.h"

#include <microhttpd.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#define LINE_OVERHEAD 4 /* ": " and CR LF */

struct reader {
	struct fields *fields;
	size_t room;
};

static enum MHD_Result take_field(void *context, enum MHD_ValueKind kind, const char *name,
	size_t name_length, const char *value, size_t value_length)
{
	struct reader *reader = context;
	struct fields *fields = reader->fields;

	(void)kind;
	if (fields->count == reader->room)
		return MHD_NO;
	fields->items[fields->count++] = (struct field){
		.name = { name, name_length },
		.value = { value ? value : "", value ? value_length : 0 },
	};
	fields->bytes += name_length + value_length + LINE_OVERHEAD;
	return MHD_YES;
}

/* Between the end of the name and the value stand the colon's NUL and blanks, nothing else. */
static bool line_is_whole(const struct field *field)
{
	uintptr_t end = (uintptr_t)field->name.bytes + field->name.length;
	uintptr_t value = (uintptr_t)field->value.bytes;
	const char *between = field->name.bytes + field->name.length + 1;

	if (value <= end || value - end > 64)
		return false;
	for (size_t i = 0; i < value - end - 1; i++)
		if (between[i] != ' ' && between[i] != '\t')
			return false;
	return true;
}

/* The line ends with what was CR LF, and the next one starts right behind it. */
static bool line_is_ended(const struct field *field, const struct field *next)
{
	const char *end = field->value.bytes + field->value.length;

	if (end[0] != '\0' || end[1] != '\0')
		return false;
	return !next || next->name.bytes == end + 2;
}

static bool library_parses_in_place(void)
{
	return strncmp(MHD_get_version(), "0.9.7", 5) == 0;
}

/* Sets the bytes from the first name to the last CR LF. */
static bool lines_are_whole(const struct fields *fields, size_t *ret_bytes)
{
	const struct field *first = fields->items;
	const struct field *last = first + fields->count - 1;

	*ret_bytes = 0;
	if (fields->count == 0)
		return true;
	for (const struct field *field = first; field <= last; field++)
		if (!line_is_whole(field) || !line_is_ended(field, field < last ? field + 1 : NULL))
			return false;
	*ret_bytes = (size_t)(last->value.bytes + last->value.length - first->name.bytes) + 2;
	return true;
}

/* The request line, the fields and the empty line are all that the library counts to the head. */
static bool head_is_whole(
	const struct fields *fields, struct MHD_Connection *connection, size_t line_bytes)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	size_t bytes;

	return lines_are_whole(fields, &bytes) && info &&
	       info->header_size == line_bytes + bytes + 2;
}

void fields_read(struct fields *ret_fields, struct arena *arena, struct MHD_Connection *connection,
	size_t line_bytes)
{
	int count = MHD_get_connection_values(connection, MHD_HEADER_KIND, NULL, NULL);
	struct reader reader = { ret_fields, count > 0 ? (size_t)count : 0 };

	*ret_fields = (struct fields){ 0 };
	ret_fields->items = arena_alloc(arena, (reader.room + 1) * sizeof(struct field));
	MHD_get_connection_values_n(connection, MHD_HEADER_KIND, take_field, &reader);
	ret_fields->is_broken =
		library_parses_in_place() && !head_is_whole(ret_fields, connection, line_bytes);
}

bool field_is(const struct field *field, const char *name)
{
	return strlen(name) == field->name.length &&
	       strncasecmp(field->name.bytes, name, field->name.length) == 0;
}

const struct field *fields_find(const struct fields *fields, const char *name)
{
	for (size_t i = 0; i < fields->count; i++)
		if (field_is(&fields->items[i], name))
			return &fields->items[i];
	return NULL;
}

/* Values of all fields of this name, ", " between them; `length` is their sum with the separators.
 */
static const char *joined_values(
	const struct fields *fields, struct arena *arena, const char *name, size_t length)
{
	char *joined = arena_alloc(arena, length + 1);
	char *end = joined;

	for (size_t i = 0; i < fields->count; i++) {
		const struct field *field = &fields->items[i];

		if (!field_is(field, name))
			continue;
		if (end != joined) {
			*end++ = ',';
			*end++ = ' ';
		}
		memcpy(end, field->value.bytes, field->value.length);
		end += field->value.length;
	}
	*end = '\0';
	return joined;
}

const char *fields_value(const struct fields *fields, struct arena *arena, const char *name)
{
	const struct field *first = NULL;
	size_t count = 0;
	size_t length = 0;

	for (size_t i = 0; i < fields->count; i++) {
		if (!field_is(&fields->items[i], name))
			continue;
		first = first ? first : &fields->items[i];
		length += fields->items[i].value.length + 2;
		count++;
	}
	if (count < 2)
		return first ? first->value.bytes : NULL;
	return joined_values(fields, arena, name, length);
}
