/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list from its beginning to its end, for answers that are too long for a page. It goes on by
 * keyset like pages do, a statement a time: nobody who reads slowly keeps a snapshot or a
 * connection. So it shows each row as it is when it comes by, and each exactly once as long as its
 * place in the order does not change: orders that do not are the caller's to choose. The request is
 * copied, because the walk outlives it.
 */
#include <stdlib.h>
#include <string.h>

#include "http/list_walk.h"
#include "listing.h"

struct list_walk {
	struct arena *arena; /* of the query and what a search found */
	struct arena *page;  /* of the present rows */
	struct actor actor;
	struct request request;
	struct listing listing;
	struct rows *rows;
	char key[CURSOR_MAX_KEY_BYTES];
	char id[UUID_TEXT_BYTES];
	bool is_done;
};

static void copy_query(struct list_walk *walk, const struct request *request)
{
	struct query_value *copies =
		arena_alloc(walk->arena, (request->query_count + 1) * sizeof *copies);
	for (size_t i = 0; i < request->query_count; i++) {
		const struct query_value *from = &request->query[i];
		copies[i] = *from;
		copies[i].values = arena_alloc(walk->arena, from->count * sizeof *copies[i].values);
		for (size_t j = 0; j < from->count; j++)
			copies[i].values[j] = arena_strdup(walk->arena, from->values[j]);
	}
	walk->request.query = copies;
	walk->request.query_count = request->query_count;
}

static struct list_walk *make(const struct list *list, const struct request *request)
{
	struct list_walk *walk = calloc(1, sizeof *walk);
	if (walk == NULL)
		abort();
	walk->arena = arena_new();
	walk->page = arena_new();
	walk->actor = *request->actor;
	walk->request = (struct request){
		.app = request->app,
		.arena = walk->arena,
		.operation = request->operation,
		.actor = &walk->actor,
	};
	memcpy(walk->request.id, request->id, sizeof request->id);
	copy_query(walk, request);
	walk->listing = (struct listing){
		.list = list,
		.shape = bindings_shape(request->app->bindings, list->resource),
		.request = &walk->request,
		.limit = LISTING_WALK,
	};
	listing_sort(&walk->listing);
	return walk;
}

/* Where the next page begins; on memory of the walk, as the rows go. */
static void remember_place(struct list_walk *walk)
{
	size_t length;
	size_t last = LISTING_WALK - 1;
	const char *key =
		rows_cell(walk->rows, last, (size_t)rows_column(walk->rows, "_key"), &length);
	if (length >= sizeof walk->key)
		abort(); /* longer than any key that a cursor could carry */
	memcpy(walk->key, key, length + 1);
	memcpy(walk->id,
		rows_cell(walk->rows, last, (size_t)walk->listing.shape->id_column, &length),
		UUID_TEXT_BYTES);
	walk->listing.cursor = (struct cursor){ .key = walk->key, .id = walk->id };
	walk->listing.has_cursor = true;
}

static bool read_page(struct list_walk *walk, struct problem *problem)
{
	arena_reset(walk->page);
	struct db_batch batch = request_batch(&walk->request);
	const struct db_call *call = listing_add(&walk->listing, &batch, listing_page);
	walk->rows = NULL;
	if (db_run(walk->request.app->db, &batch, problem) != DB_NONE)
		return false;
	walk->rows = call->rows;
	walk->is_done = rows_count(walk->rows) <= LISTING_WALK;
	if (!walk->is_done)
		remember_place(walk);
	return true;
}

struct list_walk *list_walk_open(
	const struct list *list, const struct request *request, struct problem *problem)
{
	struct list_walk *walk = make(list, request);
	if (!listing_search(&walk->listing, problem))
		return list_walk_close(walk);
	walk->request.arena = walk->page;
	return read_page(walk, problem) ? walk : list_walk_close(walk);
}

size_t list_walk_rows(const struct list_walk *walk)
{
	size_t count = rows_count(walk->rows);
	return count < LISTING_WALK ? count : LISTING_WALK;
}

bool list_walk_next(struct list_walk *walk, struct problem *problem)
{
	return !walk->is_done && read_page(walk, problem);
}

void list_walk_write_json(const struct list_walk *walk, size_t row, struct text *out)
{
	writer_row(out, &walk->request, walk->listing.shape, walk->rows, row, false);
}

void list_walk_write_csv_head(const struct list_walk *walk, struct text *out)
{
	writer_csv_head(out, &walk->request, walk->listing.shape);
}

void list_walk_write_csv(const struct list_walk *walk, size_t row, struct text *out)
{
	writer_csv_row(out, &walk->request, walk->listing.shape, walk->rows, row);
}

struct list_walk *list_walk_close(struct list_walk *walk)
{
	if (walk == NULL)
		return NULL;
	arena_free(walk->page);
	arena_free(walk->arena);
	free(walk);
	return NULL;
}
