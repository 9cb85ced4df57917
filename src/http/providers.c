/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A list that is replaced as a whole; a provider that stays in it keeps its source, and with it the
 * keys that were read. Readers look through the list under a read lock: there are few providers,
 * and an unknown issuer must be refused cheaply.
 */
#include "http/providers.h"

#include "base/clock.h"
#include "http/claims.h"
#include "http/key_fetcher.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define STAMP_BYTES   33
#define WAITERS_MAX   4 /* workers that may wait for keys at a time */
#define WAIT_MS       4000
#define CLAIM_URL_MAX 500

struct providers {
	struct db *db;
	struct outbound *outbound;
	struct key_fetcher *fetcher;
	pthread_rwlock_t lock;
	struct provider **items;
	size_t count;
	char stamp[STAMP_BYTES]; /* the watcher's own */
	_Atomic uint64_t generation;
	_Atomic int waiters;
};

/* ---- one provider ---- */

void provider_release(struct provider *provider)
{
	if (!provider || atomic_fetch_sub(&provider->holders, 1) > 1)
		return;
	free(provider->issuer);
	free(provider->audience);
	free(provider->role_claim);
	free(provider->default_role);
	free(provider->partner_claim);
	json_decref(provider->role_rules);
	source_release(provider->source);
	free(provider);
}

static const char *cell(const struct rows *rows, size_t row, const char *column)
{
	return rows_cell(rows, row, (size_t)rows_column(rows, column), NULL);
}

static char *cell_copy(const struct rows *rows, size_t row, const char *column)
{
	const char *text = cell(rows, row, column);
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		abort();
	return copy;
}

static bool cell_bool(const struct rows *rows, size_t row, const char *column)
{
	const char *text = cell(rows, row, column);

	return text && text[0] == 't';
}

static struct provider *provider_make(const struct rows *rows, size_t row)
{
	struct provider *provider = calloc(1, sizeof *provider);
	const char *partner_id = cell(rows, row, "partner_id");

	if (!provider)
		abort();
	atomic_store(&provider->holders, 1);
	strcpy(provider->id, cell(rows, row, "id"));
	strcpy(provider->program_id, cell(rows, row, "program_id"));
	strcpy(provider->partner_id, partner_id ? partner_id : "");
	provider->issuer = cell_copy(rows, row, "issuer");
	provider->audience = cell_copy(rows, row, "audience");
	provider->role_claim = cell_copy(rows, row, "role_claim");
	provider->default_role = cell_copy(rows, row, "default_role");
	provider->partner_claim = cell_copy(rows, row, "partner_claim");
	provider->role_rules = json_loads(cell(rows, row, "role_rules"), 0, NULL);
	provider->accepts_plain_jwt = cell_bool(rows, row, "accepts_plain_jwt");
	provider->uses_token_scopes = cell_bool(rows, row, "uses_token_scopes");
	provider->asserts_second_factor = cell_bool(rows, row, "asserts_second_factor");
	provider->matches_verified_email = cell_bool(rows, row, "matches_verified_email");
	provider->creates_users = cell_bool(rows, row, "creates_users");
	return provider;
}

/* ---- the list ---- */

static struct key_source *source_of(const struct providers *providers, const char *provider_id)
{
	for (size_t i = 0; i < providers->count; i++)
		if (strcmp(providers->items[i]->id, provider_id) == 0)
			return source_hold(providers->items[i]->source);
	return NULL;
}

static void items_drop(struct provider **items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		provider_release(items[i]);
	free(items);
}

static void tell_fetcher(const struct providers *providers)
{
	struct key_source **sources = calloc(providers->count + 1, sizeof(struct key_source *));

	if (!sources)
		abort();
	for (size_t i = 0; i < providers->count; i++)
		sources[i] = providers->items[i]->source;
	fetcher_set(providers->fetcher, sources, providers->count);
	free(sources);
}

/* Only the watcher writes, so it reads without the lock. */
static void install(struct providers *providers, const struct rows *rows)
{
	size_t count = rows_count(rows);
	struct provider **items = calloc(count + 1, sizeof *items);

	if (!items)
		abort();
	for (size_t i = 0; i < count; i++) {
		items[i] = provider_make(rows, i);
		items[i]->source = source_of(providers, items[i]->id);
		if (!items[i]->source)
			items[i]->source =
				source_make(items[i]->issuer, items[i]->id, items[i]->program_id);
	}
	pthread_rwlock_wrlock(&providers->lock);
	struct provider **old = providers->items;
	size_t old_count = providers->count;
	providers->items = items;
	providers->count = count;
	atomic_fetch_add(&providers->generation, 1);
	pthread_rwlock_unlock(&providers->lock);
	items_drop(old, old_count);
	if (providers->fetcher)
		tell_fetcher(providers);
}

static const struct rows *ask(struct providers *providers, struct arena *arena, const char *name)
{
	struct db_batch batch = { .arena = arena, .door = DOOR_IDENTITY };
	struct problem problem = PROBLEM_INIT;
	const struct db_call *call = db_add(&batch, statement_find(name));

	return db_run(providers->db, &batch, &problem) == DB_NONE ? call->rows : NULL;
}

bool providers_reload(struct providers *providers)
{
	struct arena *arena = arena_new();
	const struct rows *stamp = ask(providers, arena, "identity_providers_stamp");
	bool done = stamp != NULL;

	/* The stamp is read first: what changes in between is seen the next time. */
	if (stamp && strcmp(rows_text(stamp, "stamp"), providers->stamp) != 0) {
		const struct rows *rows = ask(providers, arena, "identity_providers_load");
		done = rows != NULL;
		if (rows) {
			strcpy(providers->stamp, rows_text(stamp, "stamp"));
			install(providers, rows);
		}
	}
	arena_free(arena);
	return done;
}

struct providers *providers_make(
	struct db *db, const struct settings *settings, struct text *reterr)
{
	struct outbound *outbound = outbound_make(settings->outbound_networks, reterr);

	if (!outbound)
		return NULL;
	struct providers *providers = calloc(1, sizeof *providers);
	if (!providers)
		abort();
	providers->db = db;
	providers->outbound = outbound;
	pthread_rwlock_init(&providers->lock, NULL);
	atomic_store(&providers->generation, 1);
	return providers;
}

struct providers *providers_free(struct providers *providers)
{
	if (!providers)
		return NULL;
	fetcher_stop(providers->fetcher);
	items_drop(providers->items, providers->count);
	outbound_free(providers->outbound);
	pthread_rwlock_destroy(&providers->lock);
	free(providers);
	return NULL;
}

bool providers_start(struct providers *providers, struct text *reterr)
{
	providers->fetcher = fetcher_start(providers->db, providers->outbound);
	if (!providers->fetcher) {
		text_append_string(
			reterr, "The thread that reads keys of identity providers cannot start.");
		return false;
	}
	tell_fetcher(providers);
	return true;
}

/* ---- questions ---- */

uint64_t providers_generation(struct providers *providers)
{
	return atomic_load_explicit(&providers->generation, memory_order_acquire);
}

bool providers_have(struct providers *providers, const char *issuer)
{
	bool is_found = false;

	pthread_rwlock_rdlock(&providers->lock);
	for (size_t i = 0; i < providers->count && !is_found; i++)
		is_found = strcmp(providers->items[i]->issuer, issuer) == 0;
	pthread_rwlock_unlock(&providers->lock);
	return is_found;
}

struct provider *providers_find(struct providers *providers, const json_t *claims)
{
	const char *issuer = claim_text(claims, "iss", CLAIM_URL_MAX);
	struct provider *found = NULL;
	int matches = 0;

	if (!issuer)
		return NULL;
	pthread_rwlock_rdlock(&providers->lock);
	for (size_t i = 0; i < providers->count; i++) {
		struct provider *one = providers->items[i];
		if (strcmp(one->issuer, issuer) != 0 || !claim_names(claims, "aud", one->audience))
			continue;
		found = one;
		matches++;
	}
	if (matches != 1)
		found = NULL;
	if (found)
		atomic_fetch_add(&found->holders, 1);
	pthread_rwlock_unlock(&providers->lock);
	return found;
}

enum source_answer providers_ask(
	struct providers *providers, struct provider *provider, uint64_t reading)
{
	int64_t now_us = clock_monotonic_us();
	enum source_answer answer = SOURCE_BUSY;

	if (!source_want(provider->source, now_us, reading))
		return SOURCE_NO_TURN;
	if (providers->fetcher)
		fetcher_wake(providers->fetcher);
	if (atomic_fetch_add(&providers->waiters, 1) < WAITERS_MAX &&
		source_wait(provider->source, reading, now_us + WAIT_MS * INT64_C(1000)))
		answer = SOURCE_READ;
	atomic_fetch_sub(&providers->waiters, 1);
	return answer;
}
