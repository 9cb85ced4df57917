/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which users, clients, sessions, grants of clients and single tokens were cut off lately. A token
 * outlives the decision to end it by up to its whole life, so this instance keeps the revocations
 * of that time in memory: a hash table by principal, filled from the table revocations when the
 * watcher wakes. Entries leave by age only; a reload that ran before a local revocation was
 * committed can therefore not bring its tokens back.
 */
#include "http/tokens.h"

#include "base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_ROOM_MIN 64

struct entry {
	char id[UUID_TEXT_BYTES]; /* empty: free */
	int64_t revoked_us;
};

struct table {
	struct entry *entries;
	size_t room; /* a power of two, at least twice the count */
	size_t count;
};

struct revocations {
	pthread_rwlock_t lock;
	struct table table;
	int64_t window_us;
	_Atomic uint64_t generation;
	_Atomic size_t count; /* read without the lock: mostly nothing is revoked */
};

static const struct statement load_revocations = {
	"revocations_load",
	"select principal_id, (extract(epoch from revoked_at) * 1000000)::bigint as revoked_us"
	" from revocations where revoked_at > now() - make_interval(secs => $1)",
	"i",
};

static struct table table_make(size_t room)
{
	struct table table = { calloc(room, sizeof(struct entry)), room, 0 };

	if (!table.entries)
		abort();
	return table;
}

/* The entry of this id, or the free one where it would stand. */
static struct entry *table_slot(const struct table *table, const char *id)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (const char *byte = id; *byte; byte++)
		hash = (hash ^ (unsigned char)*byte) * 0x100000001b3u;
	size_t at = hash & (table->room - 1);
	while (table->entries[at].id[0] && strcmp(table->entries[at].id, id) != 0)
		at = (at + 1) & (table->room - 1);
	return &table->entries[at];
}

/* A principal keeps its latest revocation. True when that changed something. */
static bool table_put(struct table *table, const char *id, int64_t revoked_us)
{
	struct entry *entry = table_slot(table, id);

	if (entry->id[0] && entry->revoked_us >= revoked_us)
		return false;
	if (!entry->id[0]) {
		strcpy(entry->id, id);
		table->count++;
	}
	entry->revoked_us = revoked_us;
	return true;
}

/* Copies what is younger than `since_us` into a table with room for one more. */
static void table_rebuild(struct table *table, int64_t since_us)
{
	struct table fresh = table_make(table->room);

	for (size_t i = 0; i < table->room; i++) {
		const struct entry *entry = &table->entries[i];
		if (entry->id[0] && entry->revoked_us >= since_us)
			table_put(&fresh, entry->id, entry->revoked_us);
	}
	free(table->entries);
	*table = fresh;
}

static void table_grow(struct table *table)
{
	struct table fresh = table_make(table->room * 2);

	for (size_t i = 0; i < table->room; i++)
		if (table->entries[i].id[0])
			table_put(&fresh, table->entries[i].id, table->entries[i].revoked_us);
	free(table->entries);
	*table = fresh;
}

static bool put_locked(struct revocations *revocations, const char *id, int64_t revoked_us)
{
	if (strlen(id) != UUID_TEXT_BYTES - 1)
		return false;
	if ((revocations->table.count + 1) * 2 > revocations->table.room)
		table_grow(&revocations->table);
	return table_put(&revocations->table, id, revoked_us);
}

static bool has_aged(const struct table *table, int64_t since_us)
{
	for (size_t i = 0; i < table->room; i++)
		if (table->entries[i].id[0] && table->entries[i].revoked_us < since_us)
			return true;
	return false;
}

static void publish_locked(struct revocations *revocations, bool is_changed)
{
	atomic_store(&revocations->count, revocations->table.count);
	if (is_changed)
		atomic_fetch_add(&revocations->generation, 1);
}

struct revocations *revocations_make(int64_t window_us)
{
	struct revocations *revocations = calloc(1, sizeof *revocations);

	if (!revocations)
		abort();
	pthread_rwlock_init(&revocations->lock, NULL);
	revocations->table = table_make(TABLE_ROOM_MIN);
	revocations->window_us = window_us;
	atomic_store(&revocations->generation, 1);
	return revocations;
}

struct revocations *revocations_free(struct revocations *revocations)
{
	if (!revocations)
		return NULL;
	pthread_rwlock_destroy(&revocations->lock);
	free(revocations->table.entries);
	free(revocations);
	return NULL;
}

uint64_t revocations_generation(struct revocations *revocations)
{
	return atomic_load_explicit(&revocations->generation, memory_order_acquire);
}

static bool hits(const struct table *table, const char *id, int64_t issued_us)
{
	const struct entry *entry = id[0] ? table_slot(table, id) : NULL;

	return entry && entry->id[0] &&
	       issued_us <= entry->revoked_us + TOKEN_SKEW_S * CLOCK_SECOND_US;
}

bool revocations_hit(struct revocations *revocations, const struct actor *actor)
{
	if (atomic_load_explicit(&revocations->count, memory_order_acquire) == 0)
		return false;
	pthread_rwlock_rdlock(&revocations->lock);
	bool is_hit = hits(&revocations->table, actor->id, actor->issued_at_us) ||
		      hits(&revocations->table, actor->session_id, actor->issued_at_us) ||
		      hits(&revocations->table, actor->grant_id, actor->issued_at_us) ||
		      hits(&revocations->table, actor->token_id, actor->issued_at_us);
	pthread_rwlock_unlock(&revocations->lock);
	return is_hit;
}

void revocations_put(struct revocations *revocations, const char *principal_id, int64_t revoked_us)
{
	pthread_rwlock_wrlock(&revocations->lock);
	publish_locked(revocations, put_locked(revocations, principal_id, revoked_us));
	pthread_rwlock_unlock(&revocations->lock);
}

void revocations_take(struct revocations *revocations, const struct rows *rows, int64_t now_us)
{
	int64_t since_us = now_us - revocations->window_us;
	bool is_changed = false;

	pthread_rwlock_wrlock(&revocations->lock);
	for (size_t i = 0; rows && i < rows_count(rows); i++) {
		const char *id = rows_cell(rows, i, 0, NULL);
		const char *revoked_us = rows_cell(rows, i, 1, NULL);
		is_changed |= put_locked(revocations, id, strtoll(revoked_us, NULL, 10));
	}
	if (has_aged(&revocations->table, since_us))
		table_rebuild(&revocations->table, since_us);
	publish_locked(revocations, is_changed);
	pthread_rwlock_unlock(&revocations->lock);
}

bool revocations_reload(struct revocations *revocations, struct db *db)
{
	struct arena *arena = arena_new();
	struct db_batch batch = { .arena = arena, .door = DOOR_IDENTITY };
	struct problem problem = PROBLEM_INIT;
	struct db_call *call = db_add(&batch, &load_revocations);

	call->params[0] =
		arena_printf(arena, "%lld", (long long)(revocations->window_us / CLOCK_SECOND_US));
	bool done = db_run(db, &batch, &problem) == DB_NONE;
	if (done)
		revocations_take(revocations, call->rows, clock_now_us());
	arena_free(arena);
	return done;
}
