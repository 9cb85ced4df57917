/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A loop around a multi handle of libcurl: begin what is due, wait, take what is done. A reading is
 * two transfers, metadata and then the key set that the metadata names. How it ended is noted at
 * the provider, for the admin who wonders why nobody gets in.
 */
#include "http/key_fetcher.h"

#include "base/clock.h"
#include "base/log.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define READINGS_MAX 64
#define IDLE_MS      60000
#define BUSY_MS      1000
#define WELL_KNOWN   "/.well-known/openid-configuration"

struct reading {
	struct key_source *source; /* NULL: free */
	bool is_at_keys;
	struct transfer transfer;
	char jwks_uri[SOURCE_URL_BYTES];
};

struct key_fetcher {
	pthread_t thread;
	struct db *db;
	const struct outbound *outbound;
	CURLM *multi;
	_Atomic bool is_stopping;
	pthread_mutex_t lock; /* for the two below */
	struct key_source **sources;
	size_t source_count;
	/* the thread's own */
	struct reading readings[READINGS_MAX];
	size_t busy;
};

/* ---- how it ended ---- */

static void note(
	const struct key_fetcher *fetcher, const struct key_source *source, enum source_fault fault)
{
	struct arena *arena = arena_new();
	struct db_batch batch = { .arena = arena, .door = DOOR_IDENTITY, .is_write = true };
	struct db_call *call = db_add(&batch, statement_find("identity_provider_checked"));
	struct problem problem = PROBLEM_INIT;

	call->params[0] = source_program_id(source);
	call->params[2] = source_provider_id(source);
	call->params[3] = fault == SOURCE_FAULT_none ? "{}"
						     : arena_printf(arena, "{\"fault\":\"%s\"}",
							       source_fault_text(fault));
	db_run(fetcher->db, &batch, &problem);
	arena_free(arena);
	if (fault != SOURCE_FAULT_none)
		log_event(LOG_WARN, "keys of identity provider not read", "%s: %s",
			source_issuer(source), source_fault_text(fault));
}

/* The source is told first: somebody may be waiting for it. */
static void reading_end(struct key_fetcher *fetcher, struct reading *reading,
	struct foreign_keys *keys, enum source_fault fault)
{
	struct key_source *source = reading->source;

	transfer_release(&reading->transfer);
	reading->source = NULL;
	fetcher->busy--;
	source_end(source, keys, fault, clock_monotonic_us());
	if (!atomic_load(&fetcher->is_stopping))
		note(fetcher, source, fault);
	source_release(source);
}

static enum source_fault fault_of(enum outbound_fault fault)
{
	static const enum source_fault faults[] = {
		[OUTBOUND_DONE] = SOURCE_FAULT_none,
		[OUTBOUND_REFUSED] = SOURCE_FAULT_address_refused,
		[OUTBOUND_UNREACHABLE] = SOURCE_FAULT_unreachable,
		[OUTBOUND_TOO_LARGE] = SOURCE_FAULT_too_large,
		[OUTBOUND_BAD_STATUS] = SOURCE_FAULT_bad_status,
	};
	return faults[fault];
}

/* ---- the two steps ---- */

static void step(struct key_fetcher *fetcher, struct reading *reading, const char *url)
{
	transfer_release(&reading->transfer);
	if (!transfer_begin(&reading->transfer, fetcher->outbound, url, SOURCE_DOCUMENT_MAX)) {
		reading_end(fetcher, reading, NULL,
			reading->transfer.is_refused ? SOURCE_FAULT_address_refused
						     : SOURCE_FAULT_unreachable);
		return;
	}
	curl_easy_setopt(reading->transfer.easy, CURLOPT_PRIVATE, reading);
	curl_multi_add_handle(fetcher->multi, reading->transfer.easy);
}

/* Takes over the source. */
static void reading_begin(struct key_fetcher *fetcher, struct key_source *source)
{
	struct reading *reading = fetcher->readings;
	const char *issuer = source_issuer(source);
	size_t length = strlen(issuer);
	struct text url = TEXT_INIT;

	while (reading->source)
		reading++;
	fetcher->busy++;
	*reading = (struct reading){ .source = source };
	source_begin(source);
	/* OpenID Connect Discovery §4.1: without the issuer's last slash. */
	text_append(&url, issuer, issuer[length - 1] == '/' ? length - 1 : length);
	text_append_string(&url, WELL_KNOWN);
	step(fetcher, reading, url.bytes);
	text_release(&url);
}

static void take_metadata(struct key_fetcher *fetcher, struct reading *reading)
{
	const struct text *body = &reading->transfer.body;
	enum source_fault fault = metadata_read(body->bytes ? body->bytes : "", body->length,
		source_issuer(reading->source), reading->jwks_uri);

	if (fault != SOURCE_FAULT_none) {
		reading_end(fetcher, reading, NULL, fault);
		return;
	}
	reading->is_at_keys = true;
	step(fetcher, reading, reading->jwks_uri);
}

static void take_keys(struct key_fetcher *fetcher, struct reading *reading)
{
	const struct text *body = &reading->transfer.body;
	struct foreign_keys *keys = jwks_read(body->bytes ? body->bytes : "", body->length);

	reading_end(fetcher, reading, keys, keys ? SOURCE_FAULT_none : SOURCE_FAULT_bad_keys);
}

static void take(struct key_fetcher *fetcher, struct reading *reading, CURLcode result)
{
	enum outbound_fault fault = transfer_fault(&reading->transfer, result);

	curl_multi_remove_handle(fetcher->multi, reading->transfer.easy);
	if (fault != OUTBOUND_DONE)
		reading_end(fetcher, reading, NULL, fault_of(fault));
	else if (reading->is_at_keys)
		take_keys(fetcher, reading);
	else
		take_metadata(fetcher, reading);
}

/* ---- the loop ---- */

/* Begins what is due; returns when the next will be. */
static int64_t begin_due(struct key_fetcher *fetcher)
{
	struct key_source *due[READINGS_MAX];
	size_t count = 0, room = READINGS_MAX - fetcher->busy;
	int64_t now_us = clock_monotonic_us();
	int64_t next_us = now_us + IDLE_MS * INT64_C(1000);

	pthread_mutex_lock(&fetcher->lock);
	for (size_t i = 0; i < fetcher->source_count; i++) {
		int64_t due_us = source_due_us(fetcher->sources[i]);
		if (due_us <= now_us && count < room)
			due[count++] = source_hold(fetcher->sources[i]);
		else if (due_us > now_us && due_us < next_us)
			next_us = due_us;
	}
	pthread_mutex_unlock(&fetcher->lock);
	for (size_t i = 0; i < count; i++)
		reading_begin(fetcher, due[i]);
	return next_us;
}

static void take_done(struct key_fetcher *fetcher)
{
	const CURLMsg *message;
	int left;

	for (message = curl_multi_info_read(fetcher->multi, &left); message;
		message = curl_multi_info_read(fetcher->multi, &left)) {
		struct reading *reading = NULL;
		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &reading);
		take(fetcher, reading, message->data.result);
	}
}

static int pause_ms(const struct key_fetcher *fetcher, int64_t next_us)
{
	int64_t left_ms = (next_us - clock_monotonic_us()) / 1000;
	int64_t most_ms = fetcher->busy > 0 ? BUSY_MS : IDLE_MS;

	if (left_ms > most_ms)
		return (int)most_ms;
	return left_ms > 0 ? (int)left_ms + 1 : 1;
}

static void give_up(struct key_fetcher *fetcher)
{
	for (size_t i = 0; i < READINGS_MAX; i++) {
		struct reading *reading = &fetcher->readings[i];
		if (!reading->source)
			continue;
		curl_multi_remove_handle(fetcher->multi, reading->transfer.easy);
		reading_end(fetcher, reading, NULL, SOURCE_FAULT_unreachable);
	}
}

static void *run(void *context)
{
	struct key_fetcher *fetcher = context;
	int running;

	while (!atomic_load(&fetcher->is_stopping)) {
		int64_t next_us = begin_due(fetcher);
		curl_multi_perform(fetcher->multi, &running);
		take_done(fetcher);
		curl_multi_poll(fetcher->multi, NULL, 0, pause_ms(fetcher, next_us), NULL);
	}
	give_up(fetcher);
	return NULL;
}

static void drop_sources(struct key_fetcher *fetcher)
{
	for (size_t i = 0; i < fetcher->source_count; i++)
		source_release(fetcher->sources[i]);
	free(fetcher->sources);
	fetcher->sources = NULL;
	fetcher->source_count = 0;
}

static struct key_fetcher *fetcher_free(struct key_fetcher *fetcher)
{
	drop_sources(fetcher);
	curl_multi_cleanup(fetcher->multi);
	pthread_mutex_destroy(&fetcher->lock);
	free(fetcher);
	return NULL;
}

struct key_fetcher *fetcher_start(struct db *db, const struct outbound *outbound)
{
	struct key_fetcher *fetcher = calloc(1, sizeof *fetcher);

	if (!fetcher)
		abort();
	fetcher->db = db;
	fetcher->outbound = outbound;
	pthread_mutex_init(&fetcher->lock, NULL);
	fetcher->multi = curl_multi_init();
	if (!fetcher->multi || pthread_create(&fetcher->thread, NULL, run, fetcher) != 0)
		return fetcher_free(fetcher);
	return fetcher;
}

struct key_fetcher *fetcher_stop(struct key_fetcher *fetcher)
{
	if (!fetcher)
		return NULL;
	atomic_store(&fetcher->is_stopping, true);
	curl_multi_wakeup(fetcher->multi);
	pthread_join(fetcher->thread, NULL);
	return fetcher_free(fetcher);
}

void fetcher_set(struct key_fetcher *fetcher, struct key_source *const *sources, size_t count)
{
	struct key_source **copy = calloc(count + 1, sizeof *copy);

	if (!copy)
		abort();
	for (size_t i = 0; i < count; i++)
		copy[i] = source_hold(sources[i]);
	pthread_mutex_lock(&fetcher->lock);
	drop_sources(fetcher);
	fetcher->sources = copy;
	fetcher->source_count = count;
	pthread_mutex_unlock(&fetcher->lock);
	fetcher_wake(fetcher);
}

void fetcher_wake(struct key_fetcher *fetcher)
{
	curl_multi_wakeup(fetcher->multi);
}
