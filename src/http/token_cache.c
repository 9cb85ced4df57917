/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A set-associative cache: the digest chooses a shard (its lock) and a set of eight places in it.
 * Only tokens that were verified get in, so its content cannot be chosen from outside, and a set
 * that is too popular costs a verification, never memory. Entries are copied in and out under the
 * shard's lock, which is held for a few hundred nanoseconds.
 */
#include "http/token_cache.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SHARDS 64
#define SETS   16
#define PLACES 8 /* 64 * 16 * 8 = 8192 tokens, about 6 MiB */

struct place {
	unsigned char digest[TOKEN_DIGEST_BYTES];
	struct token_entry entry;
	uint64_t used; /* 0: free */
};

struct shard {
	pthread_mutex_t lock;
	uint64_t clock;
	struct place places[SETS][PLACES];
};

struct token_cache {
	struct shard shards[SHARDS];
};

/* One digest context a thread: OpenSSL allocates three objects for each new one. */
static pthread_once_t digest_once = PTHREAD_ONCE_INIT;
static pthread_key_t digest_key;
static EVP_MD *sha256;

static void digest_release(void *context)
{
	EVP_MD_CTX_free(context);
}

static void digest_prepare(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!sha256 || pthread_key_create(&digest_key, digest_release) != 0)
		abort();
}

static EVP_MD_CTX *digest_context(void)
{
	pthread_once(&digest_once, digest_prepare);
	EVP_MD_CTX *context = pthread_getspecific(digest_key);
	if (context)
		return context;
	context = EVP_MD_CTX_new();
	if (!context || pthread_setspecific(digest_key, context) != 0)
		abort();
	return context;
}

void token_digest(
	const char *token, size_t length, unsigned char ret_digest[static TOKEN_DIGEST_BYTES])
{
	EVP_MD_CTX *context = digest_context();

	if (EVP_DigestInit_ex2(context, sha256, NULL) != 1 ||
		EVP_DigestUpdate(context, token, length) != 1 ||
		EVP_DigestFinal_ex(context, ret_digest, NULL) != 1)
		abort(); /* SHA-256 itself is broken: nothing may be let in */
}

struct token_cache *token_cache_make(void)
{
	struct token_cache *cache = calloc(1, sizeof *cache);

	if (!cache)
		abort();
	for (size_t i = 0; i < SHARDS; i++)
		pthread_mutex_init(&cache->shards[i].lock, NULL);
	return cache;
}

struct token_cache *token_cache_free(struct token_cache *cache)
{
	if (!cache)
		return NULL;
	for (size_t i = 0; i < SHARDS; i++)
		pthread_mutex_destroy(&cache->shards[i].lock);
	free(cache);
	return NULL;
}

static struct shard *shard_of(struct token_cache *cache, const unsigned char *digest)
{
	return &cache->shards[digest[0] % SHARDS];
}

static struct place *set_of(struct shard *shard, const unsigned char *digest)
{
	return shard->places[digest[1] % SETS];
}

static struct place *set_find(struct place *set, const unsigned char *digest)
{
	for (size_t i = 0; i < PLACES; i++)
		if (set[i].used && memcmp(set[i].digest, digest, TOKEN_DIGEST_BYTES) == 0)
			return &set[i];
	return NULL;
}

static struct place *set_victim(struct place *set, int64_t now_us)
{
	struct place *victim = set;

	for (size_t i = 0; i < PLACES; i++) {
		if (!set[i].used || set[i].entry.good_until_us <= now_us)
			return &set[i];
		if (set[i].used < victim->used)
			victim = &set[i];
	}
	return victim;
}

bool token_cache_find(struct token_cache *cache,
	const unsigned char digest[static TOKEN_DIGEST_BYTES], struct token_entry *ret_entry)
{
	struct shard *shard = shard_of(cache, digest);

	pthread_mutex_lock(&shard->lock);
	struct place *place = set_find(set_of(shard, digest), digest);
	if (place) {
		place->used = ++shard->clock;
		*ret_entry = place->entry;
	}
	pthread_mutex_unlock(&shard->lock);
	return place != NULL;
}

void token_cache_put(struct token_cache *cache,
	const unsigned char digest[static TOKEN_DIGEST_BYTES], const struct token_entry *entry,
	int64_t now_us)
{
	struct shard *shard = shard_of(cache, digest);

	pthread_mutex_lock(&shard->lock);
	struct place *set = set_of(shard, digest);
	struct place *place = set_find(set, digest);
	if (!place)
		place = set_victim(set, now_us);
	memcpy(place->digest, digest, TOKEN_DIGEST_BYTES);
	place->entry = *entry;
	place->used = ++shard->clock;
	pthread_mutex_unlock(&shard->lock);
}
