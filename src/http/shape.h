/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shape is a view whose column names are JSON paths. At start its columns are turned into a plan,
 * so that writing a row is one walk over prepared literals.
 */
#ifndef PARTNERD_HTTP_SHAPE_H
#define PARTNERD_HTTP_SHAPE_H

#include "base/text.h"
#include "http/app.h"
#include "http/endpoint.h"

enum column_kind {
	COLUMN_HIDDEN, /* "_…": never written */
	COLUMN_STRING,
	COLUMN_PLAIN,  /* numbers and ready JSON, written as they come */
	COLUMN_QUOTED, /* uuids and dates: quotes, nothing to escape */
	COLUMN_BOOL,
	COLUMN_TIME,
	COLUMN_ACTIONS, /* a state in, the list of allowed actions out */
	COLUMN_CURRENT, /* the id of a session in, whether it is the actor's out */
	COLUMN_FLAT,    /* a stored row of another shape */
	COLUMN_CHANGES, /* old and new values of a stored row's members */
};

struct shape_column {
	const char *name;     /* as in the view */
	const char *member;   /* its path on the wire: "amount.currency" */
	struct slice literal; /* `"currency":` */
	struct slice open;    /* `"amount":` on the first column of a nested object, else empty */
	size_t group_length;  /* columns of the nested object, on its first one; else 0 */
	bool closes;          /* last column of a nested object */
	bool vendor_only;
	enum column_kind kind;
};

/* An action, the states it starts from, and the scopes its operation asks for. */
struct shape_action {
	const char *name, *from, *from_vendor;
	scope_set scopes;
	bool not_while_held;
};

/* Is it one of the words of the list, which spaces separate? */
bool word_is_listed(const char *words, struct slice word);

#define SHAPE_MAX_COLUMNS 80
#define SHAPE_MAX_ACTIONS 24

struct shape {
	const struct resource *resource;
	struct shape_column columns[SHAPE_MAX_COLUMNS];
	size_t column_count;
	struct shape_action actions[SHAPE_MAX_ACTIONS];
	size_t action_count;
	bool is_readable;      /* an operation gets one of them by id */
	scope_set read_scopes; /* what it asks for */
	/* -1: has none. _is_newer: something from elsewhere has changed since the version was made.
	 */
	int version_column, id_column, flat_type_column, newer_column;
	const struct statement *get_vendor, *get_partner; /* $1 program, $2 id, $3 partner */
	const struct statement *before_vendor,
		*before_partner;           /* version and the flat row, same parameters */
	const struct statement *published; /* publishes and reads back: STATEMENT_TYPES */
};

/* Reads the view's columns from the database and builds the plan on `arena`. NULL and a sentence in
 * reterr on failure. */
struct shape *shape_load(struct arena *arena, struct db *db, const struct contract *contract,
	const struct resource *resource, struct text *reterr);

/* bindings.c: the shape of a resource; by object name ("deal") for stored rows, NULL when there is
 * none. */
const struct shape *bindings_shape(
	const struct bindings *bindings, const struct resource *resource);
const struct shape *bindings_shape_by_object(const struct bindings *bindings, const char *object);
/* The objects that somebody with these scopes may GET, as PostgreSQL's text form of an array. */
const char *bindings_readable(
	const struct bindings *bindings, scope_set scopes, struct arena *arena);

/* The visible statement for this actor: with the partner's wall, or without for the vendor and for
 * shared resources. */
bool shape_is_walled(const struct shape *shape, const struct actor *actor);

/* ---- writer.c ---- */
/* Appends the row as one JSON object, without the closing brace when `open_end` (the caller adds
 * members). */
void writer_row(struct text *out, const struct request *request, const struct shape *shape,
	const struct rows *rows, size_t row, bool open_end);

/* Appends a stored flat row (JSON text). With `sparse`, members that it lacks are left out instead
 * of written as null. */
void writer_flat(struct text *out, const struct request *request, const struct shape *shape,
	const char *flat, size_t length, bool sparse, bool open_end);

/* PostgreSQL's timestamp text, or its JSON form, as RFC 3339 in UTC with three digits and quotes.
 */
void writer_time(struct text *out, const char *text, size_t length);

/* ---- csv_writer.c ---- */
void writer_csv_head(struct text *out, const struct request *request, const struct shape *shape);
void writer_csv_row(struct text *out, const struct request *request, const struct shape *shape,
	const struct rows *rows, size_t row);

#endif
