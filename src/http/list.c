/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Collections: the row's filters and sorts become one statement, composed of static strings only,
 * and prepared once per combination in use. The page goes on by keyset: (sort column, id) after the
 * last row's, so that a page costs the same at any depth and rows written meanwhile neither repeat
 * nor hide others.
 *
 * The page size stands in the text in steps (26, 51, 101, a walk's), not as a parameter: a generic
 * plan must know that it is small, or it sorts the table.
 */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "listing.h"
#include "offers.h"

#define TOTAL_CAP       10000
#define TOTAL_CAP_LIMIT "10001"

static size_t param_add(struct listing *listing, char type, const char *value)
{
	if (listing->param_count == DB_MAX_PARAMS)
		abort(); /* a list has more filters than a statement has room for: seen by its first
			    test */
	listing->types[listing->param_count] = type;
	listing->params[listing->param_count] = value;
	return ++listing->param_count;
}

/* Writes `sql` with {} replaced by the placeholder. */
static void append_condition(struct text *sql, const char *condition, size_t number)
{
	text_append_string(sql, " and ");
	for (const char *at = condition; *at != '\0'; at++) {
		if (at[0] == '{' && at[1] == '}') {
			text_appendf(sql, "$%zu", number);
			at++;
		} else {
			text_append_char(sql, *at);
		}
	}
}

/* PostgreSQL's text form of an array. */
static const char *array_text(struct arena *arena, const struct query_value *value)
{
	struct text text = TEXT_INIT;
	text_append_char(&text, '{');
	for (size_t i = 0; i < value->count; i++) {
		text_append_string(&text, i > 0 ? ",\"" : "\"");
		for (const char *at = value->values[i]; *at != '\0'; at++) {
			if (*at == '"' || *at == '\\')
				text_append_char(&text, '\\');
			text_append_char(&text, *at);
		}
		text_append_char(&text, '"');
	}
	text_append_char(&text, '}');
	const char *copy = arena_strndup(arena, text.bytes, text.length);
	text_release(&text);
	return copy;
}

static const struct query_value *query_value(const struct request *request, const char *name)
{
	for (size_t i = 0; i < request->query_count; i++)
		if (strcmp(request->query[i].parameter->name, name) == 0)
			return &request->query[i];
	return NULL;
}

/* The row for these values: one that is for just this value goes before the general one. */
static const struct filter *filter_for(const struct list *list, const struct query_value *value)
{
	const struct filter *filter = list->filters;
	for (; filter_is(filter); filter++) {
		if (filter->from_path || strcmp(filter->parameter, value->parameter->name) != 0)
			continue;
		if (filter->value == NULL ||
			(value->count == 1 && strcmp(value->values[0], filter->value) == 0))
			break;
	}
	return filter;
}

static void append_single(
	struct listing *listing, struct text *sql, const struct filter *filter, const char *value)
{
	size_t param = param_add(listing, filter->type, value);
	if (filter->sql != NULL)
		append_condition(sql, filter->sql, param);
	else
		text_appendf(sql, " and s.\"%s\" = $%zu", filter->parameter, param);
}

/* An array has the column's own type: a cast of its elements is not known to be leakproof, and no
 * index would serve it behind the walls. */
static void append_many(struct listing *listing, struct text *sql, const struct filter *filter,
	const struct query_value *value)
{
	size_t param = param_add(listing, filter->type == 'u' ? 'U' : 'T',
		array_text(listing->request->arena, value));
	if (filter->sql != NULL)
		append_condition(sql, filter->sql_many, param);
	else
		text_appendf(sql, " and s.\"%s\" = any($%zu)", filter->parameter, param);
}

static void append_filter(struct listing *listing, struct text *sql, const struct filter *filter)
{
	if (filter->from_path) {
		append_single(listing, sql, filter, listing->request->path_ids[0]);
		return;
	}
	const struct query_value *value = query_value(listing->request, filter->parameter);
	if (value == NULL || filter != filter_for(listing->list, value))
		return;
	const char *found = listing->found[filter - listing->list->filters];
	if (found != NULL)
		append_condition(sql, "s.id = any({})", param_add(listing, 'U', found));
	else if (value->count == 1)
		append_single(listing, sql, filter, value->values[0]);
	else
		append_many(listing, sql, filter, value);
}

/* The walls and the filters: shared by the page and the total. Filters count on $1. */
static void append_where(struct listing *listing, struct text *sql)
{
	const struct actor *actor = listing->request->actor;
	text_appendf(sql, " from %s s where s._program_id = $%zu", listing->list->resource->shape,
		param_add(listing, 'u', actor->program_id));
	if (shape_is_walled(listing->shape, actor))
		append_condition(
			sql, "s._partner_id = {}", param_add(listing, 'u', actor->partner_id));
	if (listing->list->resource->tells_of_others)
		append_condition(sql, "s.\"resource.object\" = any({})",
			param_add(listing, 'T',
				bindings_readable(listing->request->app->bindings, actor->scopes,
					listing->request->arena)));
	for (const struct filter *filter = listing->list->filters; filter_is(filter); filter++)
		append_filter(listing, sql, filter);
}

static void append_key(struct text *sql, const struct sort *sort)
{
	text_append_string(sql, sort->key != NULL ? sort->key : "s.");
	text_append_string(sql, sort->key != NULL ? "" : sort->column);
}

static void append_keyset(struct listing *listing, struct text *sql)
{
	const char *direction = listing->descending ? "<" : ">";
	size_t key = param_add(listing, listing->sort->type, listing->cursor.key);
	if (listing->sort->unique) {
		text_append_string(sql, " and ");
		append_key(sql, listing->sort);
		text_appendf(sql, " %s $%zu", direction, key);
		return;
	}
	size_t id = param_add(listing, 'u', listing->cursor.id);
	text_append_string(sql, " and (");
	append_key(sql, listing->sort);
	text_appendf(sql, ", s.id) %s ($%zu, $%zu)", direction, key, id);
}

/* The statement of this text: prepared once, or sent as it is when too many are known already. */
static const struct statement *statement_of(
	const struct listing *listing, const char *prefix, struct text *sql)
{
	struct arena *arena = listing->request->arena;
	const struct statement *statement = statement_intern(prefix, sql->bytes, listing->types);
	if (statement == NULL) {
		struct statement *unnamed = arena_alloc(arena, sizeof *unnamed);
		*unnamed = (struct statement){
			.name = "",
			.sql = arena_strndup(arena, sql->bytes, sql->length),
			.types = arena_strdup(arena, listing->types),
		};
		statement = unnamed;
	}
	text_release(sql);
	return statement;
}

const struct statement *listing_page(struct listing *listing)
{
	struct text sql = TEXT_INIT;
	text_append_string(&sql, "select s.*, ");
	append_key(&sql, listing->sort);
	text_append_string(&sql, "::text as _key");
	append_where(listing, &sql);
	if (listing->has_cursor)
		append_keyset(listing, &sql);
	const char *direction = listing->descending ? "desc" : "asc";
	text_append_string(&sql, " order by ");
	append_key(&sql, listing->sort);
	text_appendf(&sql, " %s", direction);
	if (!listing->sort->unique)
		text_appendf(&sql, ", s.id %s", direction);
	text_appendf(&sql, " limit %s",
		listing->limit <= 25    ? "26"
		: listing->limit <= 50  ? "51"
		: listing->limit <= 100 ? "101"
					: LISTING_WALK_TEXT);
	return statement_of(listing, "list", &sql);
}

static const struct statement *compose_total(struct listing *listing)
{
	struct text sql = TEXT_INIT;
	text_append_string(&sql, "select count(*) as total from (select");
	append_where(listing, &sql);
	text_append_string(&sql, " limit " TOTAL_CAP_LIMIT ") c");
	return statement_of(listing, "total", &sql);
}

static void listing_reset_params(struct listing *listing)
{
	memset(listing->types, 0, sizeof listing->types);
	listing->param_count = 0;
}

static uint64_t hash_bytes(const char *bytes, size_t length)
{
	static const unsigned char key[crypto_shorthash_KEYBYTES] = "partnerd.cursor";
	uint64_t hash;
	crypto_shorthash((unsigned char *)&hash, (const unsigned char *)bytes, length, key);
	return hash;
}

/* The same for any order: `status=won&status=lost` is the query `status=lost&status=won`. */
static uint64_t hash_values(const struct query_value *value)
{
	uint64_t sum = 0;
	for (size_t i = 0; i < value->count; i++)
		sum += hash_bytes(value->values[i], strlen(value->values[i]));
	return sum;
}

/* Everything but cursor and limit: a cursor is good for the query it was made for. */
static uint64_t hash_query(const struct listing *listing)
{
	struct text text = TEXT_INIT;
	const struct request *request = listing->request;
	text_appendf(&text, "%s %s %d", request->operation->id, listing->sort->name,
		listing->descending);
	for (const struct filter *filter = listing->list->filters; filter_is(filter); filter++) {
		const struct query_value *value =
			filter->from_path ? NULL : query_value(request, filter->parameter);
		if (filter->from_path)
			text_appendf(&text, "\n%s", request->path_ids[0]);
		if (value != NULL && filter->value == NULL)
			text_appendf(&text, "\n%s=%" PRIx64, filter->parameter, hash_values(value));
	}
	uint64_t hash = hash_bytes(text.bytes, text.length);
	text_release(&text);
	return hash;
}

void listing_sort(struct listing *listing)
{
	const char *wanted = request_query(listing->request, "sort");
	listing->sort = listing->list->sorts;
	if (wanted == NULL)
		return;
	listing->descending = wanted[0] == '-';
	for (const struct sort *sort = listing->list->sorts; sort->name != NULL; sort++)
		if (strcmp(sort->name, wanted + listing->descending) == 0)
			listing->sort = sort;
}

static bool listing_init(struct listing *listing, const struct endpoint *endpoint,
	struct request *request, struct problem *problem)
{
	*listing = (struct listing){ .list = endpoint->list, .request = request };
	listing->shape = bindings_shape(request->app->bindings, endpoint->list->resource);
	listing_sort(listing);
	const char *limit = request_query(request, "limit");
	listing->limit = limit != NULL ? (int)strtol(limit, NULL, 10) : 25;
	listing->query_hash = hash_query(listing);
	const char *cursor = request_query(request, "cursor");
	listing->has_cursor = cursor != NULL;
	return cursor == NULL ||
	       cursor_read(request, cursor, listing->query_hash, &listing->cursor, problem);
}

/* The same target with another cursor, for the Link header. */
static const char *next_link(const struct listing *listing, const char *cursor)
{
	const struct request *request = listing->request;
	struct text text = TEXT_INIT;
	text_append(&text, request->path.bytes, request->path.length);
	text_appendf(&text, "?cursor=%s", cursor);
	const char *end = request->raw_query.bytes + request->raw_query.length;
	for (const char *at = request->raw_query.bytes; at != NULL && at < end;) {
		const char *stop = memchr(at, '&', (size_t)(end - at));
		size_t length = (size_t)((stop != NULL ? stop : end) - at);
		if (length > 0 && !(length >= 7 && memcmp(at, "cursor=", 7) == 0)) {
			text_append_char(&text, '&');
			text_append(&text, at, length);
		}
		at += length + 1;
	}
	const char *link = arena_printf(request->arena, "<%s>; rel=\"next\"", text.bytes);
	text_release(&text);
	return link;
}

static const char *next_cursor(const struct listing *listing, const struct rows *rows)
{
	size_t length, last = (size_t)listing->limit - 1;
	struct cursor cursor = {
		.key = rows_cell(rows, last, (size_t)rows_column(rows, "_key"), &length),
		.id = rows_cell(rows, last, (size_t)listing->shape->id_column, &length),
	};
	return cursor_make(listing->request, listing->query_hash, &cursor);
}

static void write_total(struct text *out, const struct rows *total)
{
	if (total == NULL) {
		text_append_string(out, ",\"total_count\":null,\"total_count_capped\":null}");
		return;
	}
	int64_t count = rows_int(total, "total");
	bool capped = count > TOTAL_CAP;
	text_appendf(out, ",\"total_count\":%" PRId64 ",\"total_count_capped\":%s}",
		capped ? TOTAL_CAP : count, capped ? "true" : "false");
}

static void write_page(struct listing *listing, struct response *response, const struct rows *rows,
	const struct rows *total)
{
	struct text *out = &response->body;
	size_t count = rows_count(rows), limit = (size_t)listing->limit;
	bool has_more = count > limit;
	text_reserve(out, 1024 * (has_more ? limit : count) + 256);
	text_append_string(out, "{\"data\":[");
	for (size_t i = 0; i < count && i < limit; i++) {
		if (i > 0)
			text_append_char(out, ',');
		writer_row(out, listing->request, listing->shape, rows, i, false);
	}
	text_append_string(out, "],\"next_cursor\":");
	if (has_more) {
		const char *cursor = next_cursor(listing, rows);
		text_appendf(out, "\"%s\"", cursor);
		response_header(response, "Link", next_link(listing, cursor));
	} else {
		text_append_string(out, "null");
	}
	write_total(out, total);
}

/* The resource the list hangs under, read behind the same walls; NULL when it hangs under none. */
static const struct db_call *add_parent(const struct listing *listing, struct db_batch *batch)
{
	const struct resource *parent = listing->list->parent;
	if (parent == NULL)
		return NULL;
	const struct request *request = listing->request;
	const struct shape *shape = bindings_shape(request->app->bindings, parent);
	bool walled = shape_is_walled(shape, request->actor);
	struct db_call *call = db_add(batch, walled ? shape->get_partner : shape->get_vendor);
	call->params[0] = request->actor->program_id;
	call->params[1] = request->path_ids[0];
	call->params[2] = walled ? request->actor->partner_id : NULL;
	return call;
}

struct db_call *listing_add(struct listing *listing, struct db_batch *batch,
	const struct statement *(*compose)(struct listing *))
{
	listing_reset_params(listing);
	struct db_call *call = db_add(batch, compose(listing));
	memcpy(call->params, listing->params, listing->param_count * sizeof listing->params[0]);
	return call;
}

static bool run_search(const struct listing *listing, const struct filter *filter,
	const char **ret_ids, struct problem *problem)
{
	const struct request *request = listing->request;
	struct text body = TEXT_INIT;
	const char *value = query_value(request, filter->parameter)->values[0];
	text_append_string(&body, "{\"value\":");
	text_append_json(&body, value, strlen(value));
	text_append_char(&body, '}');
	struct db_batch batch = request_batch(request);
	struct db_call *call = db_add(&batch, statement_find(filter->search));
	call->params[0] = request->actor->program_id;
	call->params[3] = arena_strndup(request->arena, body.bytes, body.length);
	text_release(&body);
	if (db_run(request->app->db, &batch, problem) != DB_NONE)
		return false;
	*ret_ids = rows_text(call->rows, "ids");
	return true;
}

static bool find_ids(const struct listing *listing, const struct filter *filter,
	const char **ret_ids, struct problem *problem)
{
	const struct query_value *value = query_value(listing->request, filter->parameter);
	if (value == NULL || filter != filter_for(listing->list, value))
		return true;
	if (filter->find != NULL)
		return filter->find(listing->request, ret_ids, problem);
	return filter->search == NULL || actor_side(listing->request->actor) != SIDE_VENDOR ||
	       run_search(listing, filter, ret_ids, problem);
}

bool listing_search(struct listing *listing, struct problem *problem)
{
	const struct filter *filters = listing->list->filters;
	size_t count = 0;
	while (filters != NULL && filter_is(&filters[count]))
		count++;
	listing->found = arena_zalloc(listing->request->arena, (count + 1) * sizeof(char *));
	for (size_t i = 0; i < count; i++)
		if (!find_ids(listing, &filters[i], &listing->found[i], problem))
			return false;
	return true;
}

bool list_run(const struct endpoint *endpoint, struct request *request, struct response *response,
	struct problem *problem)
{
	struct listing listing;
	if (!listing_init(&listing, endpoint, request, problem) ||
		!listing_search(&listing, problem))
		return false;
	struct db_batch batch = request_batch(request);
	const struct db_call *parent = add_parent(&listing, &batch), *total = NULL;
	const char *wants_total = request_query(request, "include_total");
	if (wants_total != NULL && strcmp(wants_total, "true") == 0)
		total = listing_add(&listing, &batch, compose_total);
	const struct db_call *page = listing_add(&listing, &batch, listing_page);
	if (db_run(request->app->db, &batch, problem) != DB_NONE)
		return false;
	if (parent != NULL && rows_count(parent->rows) == 0)
		return refuse_missing(endpoint->list->parent, problem);
	size_t count = rows_count(page->rows), limit = (size_t)listing.limit;
	if (!offers_ask(request, listing.shape, page->rows, count < limit ? count : limit, problem))
		return false;
	response->status = 200;
	response->content_type = "application/json";
	response->cache = CACHE_PRIVATE;
	write_page(&listing, response, page->rows, total != NULL ? total->rows : NULL);
	return true;
}
