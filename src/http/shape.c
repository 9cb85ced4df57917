/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Turns the columns of a view into a plan for the writer: the literal before each value, where
 * nested objects begin and end, how each type is written. The names in the view are the names on
 * the wire, so there is no second list of members; `partnerd check` compares them with the
 * contract's schema of the answer.
 */
#include "shape.h"

#include <string.h>

static enum column_kind kind_of(const char *name, char type)
{
	if (name[0] == '_')
		return COLUMN_HIDDEN;
	if (strncmp(name, "flat:", 5) == 0)
		return COLUMN_FLAT;
	if (strncmp(name, "changes:", 8) == 0)
		return COLUMN_CHANGES;
	if (strcmp(name, "allowed_actions") == 0)
		return COLUMN_ACTIONS;
	if (strcmp(name, "is_current") == 0)
		return COLUMN_CURRENT;
	switch (type) {
	case 'i':
	case 'j': return COLUMN_PLAIN;
	case 'u':
	case 'd': return COLUMN_QUOTED;
	case 'b': return COLUMN_BOOL;
	case 'z': return COLUMN_TIME;
	default: return COLUMN_STRING;
	}
}

static const char *after_marks(const char *name)
{
	for (;;) {
		if (strncmp(name, "vendor:", 7) == 0)
			name += 7;
		else if (strncmp(name, "flat:", 5) == 0)
			name += 5;
		else if (strncmp(name, "changes:", 8) == 0)
			name += 8;
		else
			return name;
	}
}

static void column_init(
	struct shape_column *column, struct arena *arena, const char *name, char type)
{
	column->name = arena_strdup(arena, name);
	column->vendor_only = strncmp(name, "vendor:", 7) == 0;
	column->member = after_marks(column->name);
	column->kind = kind_of(column->vendor_only ? column->member : column->name, type);
	const char *dot = strrchr(column->member, '.');
	column->literal =
		slice_of(arena_printf(arena, "\"%s\":", dot != NULL ? dot + 1 : column->member));
}

static size_t prefix_length(const struct shape_column *column)
{
	const char *dot = column->kind == COLUMN_HIDDEN ? NULL : strrchr(column->member, '.');
	return dot != NULL ? (size_t)(dot - column->member) : 0;
}

static bool same_prefix(const struct shape_column *a, const struct shape_column *b)
{
	size_t length = prefix_length(a);
	return length != 0 && length == prefix_length(b) &&
	       memcmp(a->member, b->member, length) == 0;
}

/* Neighbours with the same prefix become one nested object. */
static void groups_init(struct shape *shape, struct arena *arena)
{
	for (size_t i = 0; i < shape->column_count; i++) {
		struct shape_column *first = &shape->columns[i];
		if (prefix_length(first) == 0)
			continue;
		size_t last = i;
		while (last + 1 < shape->column_count &&
			same_prefix(first, &shape->columns[last + 1]))
			last++;
		first->open = slice_of(
			arena_printf(arena, "\"%.*s\":", (int)prefix_length(first), first->member));
		first->group_length = last - i + 1;
		shape->columns[last].closes = true;
		i = last;
	}
}

bool word_is_listed(const char *words, struct slice word)
{
	for (const char *at = words; *at != '\0';) {
		size_t length = strcspn(at, " ");
		if (length == word.length && memcmp(at, word.bytes, length) == 0)
			return true;
		at += length + strspn(at + length, " ");
	}
	return false;
}

static bool action_add(struct shape *shape, const struct operation *operation,
	const struct shape_action *action, struct text *reterr)
{
	const struct resource *resource = shape->resource;
	if (operation == NULL || shape->action_count == SHAPE_MAX_ACTIONS) {
		text_appendf(reterr, "no operation for action '%s' of '%s'\n", action->name,
			resource->object);
		return false;
	}
	struct shape_action *added = &shape->actions[shape->action_count++];
	*added = *action;
	added->not_while_held = resource->not_while_held != NULL &&
				word_is_listed(resource->not_while_held, slice_of(action->name));
	for (const char *const *scope = operation->scopes; *scope != NULL; scope++) {
		enum scope parsed;
		if (scope_parse(*scope, strlen(*scope), &parsed))
			added->scopes |= UINT64_C(1) << parsed;
	}
	return true;
}

/* The contract says who may: at `POST <path>{id}/<action>`, or at the operation of an offer. */
static bool actions_init(struct shape *shape, const struct contract *contract, struct arena *arena,
	struct text *reterr)
{
	const struct resource *resource = shape->resource;
	for (const struct transition *t = resource->transitions; t != NULL && t->action != NULL;
		t++) {
		struct route route;
		const char *path = arena_printf(arena, "%s00000000-0000-7000-8000-000000000000/%s",
			resource->path, t->action);
		contract_route(contract, METHOD_POST, slice_of(path), &route);
		const struct shape_action action = { .name = t->action, .from = t->from };
		if (!action_add(shape, route.operation, &action, reterr))
			return false;
	}
	for (const struct offer *o = resource->offers; o != NULL && o->action != NULL; o++) {
		const struct shape_action action = {
			.name = o->action, .from = o->from, .from_vendor = o->from_vendor
		};
		if (!action_add(shape, contract_operation_by_id(contract, o->operation_id), &action,
			    reterr))
			return false;
	}
	return true;
}

static const struct statement *compose(
	struct arena *arena, const char *prefix, const char *select, const char *shape, bool walled)
{
	const char *sql =
		arena_printf(arena, "select %s from %s s where s._program_id = $1 and s.id = $2%s",
			select, shape, walled ? " and s._partner_id = $3" : "");
	return statement_intern(prefix, sql, walled ? "uuu" : "uu");
}

static void statements_init(struct shape *shape, struct arena *arena)
{
	const char *view = shape->resource->shape;
	const char *before = shape->version_column >= 0 ? "s.version, to_jsonb(s) as flat"
							: "1 as version, to_jsonb(s) as flat";
	shape->get_vendor = compose(arena, "get", "s.*", view, false);
	shape->before_vendor = compose(arena, "before", before, view, false);
	shape->get_partner = shape->get_vendor;
	shape->before_partner = shape->before_vendor;
	if (!shape->resource->shared) {
		shape->get_partner = compose(arena, "get", "s.*", view, true);
		shape->before_partner = compose(arena, "before", before, view, true);
	}
	const char *sql = arena_printf(arena,
		"select s.*, publish($6, $5, '%s', $7, to_jsonb(s)) as _published from %s s where "
		"s._program_id = $1 and s.id = $3",
		shape->resource->object, view);
	if (shape->version_column >= 0)
		shape->published = statement_intern("published", sql, STATEMENT_TYPES);
}

struct shape *shape_load(struct arena *arena, struct db *db, const struct contract *contract,
	const struct resource *resource, struct text *reterr)
{
	struct shape *shape = arena_zalloc(arena, sizeof *shape);
	shape->resource = resource;
	struct db_batch batch = { .arena = arena, .door = DOOR_IDENTITY };
	struct problem problem = PROBLEM_INIT;
	const char *sql = arena_printf(arena, "select s.* from %s s limit 0", resource->shape);
	const struct db_call *call = db_add(&batch, statement_intern("columns", sql, ""));
	if (db_run(db, &batch, &problem) != DB_NONE) {
		text_appendf(reterr, "cannot read the columns of '%s': %s\n", resource->shape,
			problem.cause[0] != '\0' ? problem.cause : problem.detail);
		return NULL;
	}
	shape->column_count = rows_columns(call->rows);
	if (shape->column_count > SHAPE_MAX_COLUMNS) {
		text_appendf(reterr, "'%s' has more than %d columns\n", resource->shape,
			SHAPE_MAX_COLUMNS);
		return NULL;
	}
	for (size_t i = 0; i < shape->column_count; i++)
		column_init(&shape->columns[i], arena, rows_column_name(call->rows, i),
			rows_column_type(call->rows, i));
	shape->version_column = rows_column(call->rows, "version");
	shape->id_column = rows_column(call->rows, "id");
	shape->flat_type_column = rows_column(call->rows, "_flat_type");
	shape->newer_column = rows_column(call->rows, "_is_newer");
	groups_init(shape, arena);
	statements_init(shape, arena);
	return actions_init(shape, contract, arena, reterr) ? shape : NULL;
}

bool shape_is_walled(const struct shape *shape, const struct actor *actor)
{
	return actor->partner_id[0] != '\0' && !shape->resource->shared;
}
