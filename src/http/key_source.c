/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a provider publishes is judged once, when it is read: a key that could be used in two ways,
 * or for nothing we know, is not kept. A key without "alg" gets the usual one of its kind, so that
 * every key has exactly one algorithm before the first token comes (RFC 8725 §3.1).
 */
#include "http/key_source.h"

#include "base/clock.h"
#include "http/claims.h"
#include "http/jwk.h"

#include <openssl/core_names.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct key_source {
	_Atomic int holders;
	char provider_id[UUID_TEXT_BYTES];
	char program_id[UUID_TEXT_BYTES];
	char *issuer;
	pthread_mutex_t lock;
	pthread_cond_t ended; /* a reading has */
	struct foreign_keys *keys;
	int64_t read_us; /* when the keys were read */
	int64_t due_us;
	int64_t wanted_us; /* when a token last made us read */
	bool was_wanted;
	bool is_busy;
	uint64_t readings;
	unsigned failures; /* in a row */
};

const char *source_fault_text(enum source_fault fault)
{
	static const char *const texts[] = {
#define SOURCE_FAULT_TEXT(name) #name,
		SOURCE_FAULTS(SOURCE_FAULT_TEXT)
#undef SOURCE_FAULT_TEXT
	};
	return texts[fault];
}

/* ---- keys ---- */

EVP_PKEY *foreign_keys_find(const struct foreign_keys *keys, const char *kid, enum jws_alg alg)
{
	for (size_t i = 0; i < keys->count; i++)
		if (keys->items[i].alg == alg && strcmp(keys->items[i].kid, kid) == 0)
			return keys->items[i].pkey;
	return NULL;
}

void foreign_keys_release(struct foreign_keys *keys)
{
	if (!keys || atomic_fetch_sub(&keys->holders, 1) > 1)
		return;
	for (size_t i = 0; i < keys->count; i++)
		EVP_PKEY_free(keys->items[i].pkey);
	free(keys);
}

/* ---- documents ---- */

static json_t *document(const char *text, size_t length)
{
	json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(value))
		return value;
	json_decref(value);
	return NULL;
}

enum source_fault metadata_read(const char *text, size_t length, const char *issuer,
	char ret_jwks_uri[static SOURCE_URL_BYTES])
{
	json_t *metadata = document(text, length);
	const char *uri = claim_text(metadata, "jwks_uri", SOURCE_URL_BYTES - 1);
	enum source_fault fault = SOURCE_FAULT_none;

	if (!metadata || !uri || !claim_text(metadata, "issuer", SOURCE_URL_BYTES - 1))
		fault = SOURCE_FAULT_bad_metadata;
	else if (!claim_is(metadata, "issuer", issuer))
		fault = SOURCE_FAULT_issuer_differs;
	else
		strcpy(ret_jwks_uri, uri);
	json_decref(metadata);
	return fault;
}

/* "use" and "key_ops", where they are there, allow signatures to be verified. */
static bool is_for_signatures(const json_t *jwk)
{
	const json_t *operations = json_object_get(jwk, "key_ops");

	if (json_object_get(jwk, "use") && !claim_is(jwk, "use", "sig"))
		return false;
	return !operations || (json_is_array(operations) && claim_names(jwk, "key_ops", "verify"));
}

/* The algorithm the key says, if it is one for such a key, or the usual one. */
static bool algorithm_of(const json_t *jwk, const EVP_PKEY *key, enum jws_alg *ret_alg)
{
	static const enum jws_alg usual[] = { JWS_RS256, JWS_ES256, JWS_ES384 };
	const char *name = json_string_value(json_object_get(jwk, "alg"));

	if (json_object_get(jwk, "alg"))
		return name && jws_alg_parse(name, ret_alg) && jws_alg_fits(*ret_alg, key);
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
		*ret_alg = usual[i];
		if (jws_alg_fits(usual[i], key))
			return true;
	}
	return false;
}

static void take_key(struct foreign_keys *keys, const json_t *jwk)
{
	const char *kid = claim_text(jwk, "kid", SOURCE_KID_BYTES - 1);
	enum jws_alg alg;

	if (!kid || !is_for_signatures(jwk) || keys->count == SOURCE_MAX_KEYS)
		return;
	EVP_PKEY *key = jwk_public_key(jwk);
	if (!key || !algorithm_of(jwk, key, &alg)) {
		EVP_PKEY_free(key);
		return;
	}
	strcpy(keys->items[keys->count].kid, kid);
	keys->items[keys->count].alg = alg;
	keys->items[keys->count++].pkey = key;
}

struct foreign_keys *jwks_read(const char *text, size_t length)
{
	json_t *set = document(text, length);
	const json_t *list = json_object_get(set, "keys");
	struct foreign_keys *keys = calloc(1, sizeof *keys);
	size_t index;
	const json_t *jwk;

	if (!keys)
		abort();
	atomic_store(&keys->holders, 1);
	json_array_foreach (list, index, jwk)
		take_key(keys, jwk);
	json_decref(set);
	if (keys->count > 0)
		return keys;
	foreign_keys_release(keys);
	return NULL;
}

/* ---- a source ---- */

static void cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &monotonic);
	pthread_condattr_destroy(&monotonic);
}

struct key_source *source_make(const char *issuer, const char *provider_id, const char *program_id)
{
	struct key_source *source = calloc(1, sizeof *source);

	if (!source)
		abort();
	source->issuer = strdup(issuer);
	if (!source->issuer)
		abort();
	strcpy(source->provider_id, provider_id);
	strcpy(source->program_id, program_id);
	atomic_store(&source->holders, 1);
	pthread_mutex_init(&source->lock, NULL);
	cond_init(&source->ended);
	return source;
}

struct key_source *source_hold(struct key_source *source)
{
	atomic_fetch_add(&source->holders, 1);
	return source;
}

void source_release(struct key_source *source)
{
	if (!source || atomic_fetch_sub(&source->holders, 1) > 1)
		return;
	foreign_keys_release(source->keys);
	pthread_cond_destroy(&source->ended);
	pthread_mutex_destroy(&source->lock);
	free(source->issuer);
	free(source);
}

const char *source_issuer(const struct key_source *source)
{
	return source->issuer;
}

const char *source_provider_id(const struct key_source *source)
{
	return source->provider_id;
}

const char *source_program_id(const struct key_source *source)
{
	return source->program_id;
}

struct foreign_keys *source_keys(struct key_source *source, int64_t now_us, uint64_t *ret_reading)
{
	pthread_mutex_lock(&source->lock);
	*ret_reading = source->readings;
	struct foreign_keys *keys = source->keys;
	if (keys && now_us - source->read_us > SOURCE_STALE_S * CLOCK_SECOND_US)
		keys = NULL;
	if (keys)
		atomic_fetch_add(&keys->holders, 1);
	pthread_mutex_unlock(&source->lock);
	return keys;
}

bool source_want(struct key_source *source, int64_t now_us, uint64_t reading)
{
	pthread_mutex_lock(&source->lock);
	bool is_coming = source->is_busy || source->due_us <= now_us || source->readings == 0 ||
			 source->readings != reading;
	bool may_ask = !source->was_wanted ||
		       now_us - source->wanted_us >= SOURCE_REFETCH_S * CLOCK_SECOND_US;
	if (!is_coming && may_ask) {
		source->was_wanted = true;
		source->wanted_us = now_us;
		source->due_us = now_us;
		is_coming = true;
	}
	pthread_mutex_unlock(&source->lock);
	return is_coming;
}

bool source_wait(struct key_source *source, uint64_t reading, int64_t until_us)
{
	struct timespec until = {
		.tv_sec = until_us / CLOCK_SECOND_US,
		.tv_nsec = until_us % CLOCK_SECOND_US * 1000,
	};

	pthread_mutex_lock(&source->lock);
	int fault = 0;
	while (source->readings == reading && fault == 0)
		fault = pthread_cond_timedwait(&source->ended, &source->lock, &until);
	bool has_ended = source->readings != reading;
	pthread_mutex_unlock(&source->lock);
	return has_ended;
}

int64_t source_due_us(struct key_source *source)
{
	pthread_mutex_lock(&source->lock);
	int64_t due_us = source->is_busy ? INT64_MAX : source->due_us;
	pthread_mutex_unlock(&source->lock);
	return due_us;
}

void source_begin(struct key_source *source)
{
	pthread_mutex_lock(&source->lock);
	source->is_busy = true;
	pthread_mutex_unlock(&source->lock);
}

int64_t source_retry_s(unsigned failures)
{
	int64_t pause_s = SOURCE_RETRY_FIRST_S;

	for (unsigned i = 1; i < failures && pause_s < SOURCE_REFRESH_S; i++)
		pause_s *= 2;
	return pause_s < SOURCE_REFRESH_S ? pause_s : SOURCE_REFRESH_S;
}

void source_end(struct key_source *source, struct foreign_keys *keys, enum source_fault fault,
	int64_t now_us)
{
	struct foreign_keys *old = NULL;

	pthread_mutex_lock(&source->lock);
	source->is_busy = false;
	source->readings++;
	source->failures = fault == SOURCE_FAULT_none ? 0 : source->failures + 1;
	int64_t pause_s = keys ? SOURCE_REFRESH_S : source_retry_s(source->failures);
	source->due_us = now_us + pause_s * CLOCK_SECOND_US;
	if (keys) {
		old = source->keys;
		source->keys = keys;
		source->read_us = now_us;
	}
	pthread_cond_broadcast(&source->ended);
	pthread_mutex_unlock(&source->lock);
	foreign_keys_release(old);
}
