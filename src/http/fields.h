/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header fields of a request as they came: in order, repeated ones apart, with lengths. Read
 * from the HTTP library once; the values live as long as the request.
 */
#ifndef PARTNERD_SRC_HTTP_FIELDS_H
#define PARTNERD_SRC_HTTP_FIELDS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/text.h"

struct MHD_Connection;

struct field {
	struct slice name;
	struct slice value; /* NUL-terminated */
};

struct fields {
	struct field *items;
	size_t count;
	size_t bytes;   /* on the wire, about */
	bool is_broken; /* the library glued, cut or folded a line: what is listed here is not what
			   was sent */
};

/* `line_bytes`: of the request line with its CR LF, as it must have been for what was read of it.
 */
void fields_read(struct fields *ret_fields, struct arena *arena, struct MHD_Connection *connection,
	size_t line_bytes);

bool field_is(const struct field *field, const char *name);

/* First field of this name, any case; NULL when there is none. */
const struct field *fields_find(const struct fields *fields, const char *name);

/* Value of the only field, or the values of several joined by ", "; NULL when there is none. */
const char *fields_value(const struct fields *fields, struct arena *arena, const char *name);

#endif
