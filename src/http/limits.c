/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sliding window made of two counters a key: the present minute and the one before it, weighed by
 * how much of it still lies within the last 60 seconds. The keys are hashed with a secret of the
 * process, so nobody can aim at a shard. Each shard is a fixed array with chains of indices for
 * look-up and for order of use; nothing is allocated after start. Addresses and those who have
 * signed in are counted in banks of their own: whoever has many addresses must not push out a
 * counter that stands against it.
 *
 * The clock is handed in and only ever compared, so tests do not sleep.
 */
#include "http/limits.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define BANK_COUNT    2u
#define BANK_SHARDS   8u
#define SHARD_COUNT   (BANK_COUNT * BANK_SHARDS)
#define SHARD_ENTRIES 2048u
#define SHARD_CHAINS  4096u
#define NONE          UINT32_MAX
#define WINDOW_US     (LIMIT_WINDOW_S * INT64_C(1000000))

struct entry {
	uint64_t key[2];
	int64_t window; /* number of the present window */
	uint32_t present, past;
	uint32_t next_in_chain;
	uint32_t newer, older;
};

struct shard {
	pthread_mutex_t lock;
	uint32_t used;
	uint32_t newest, oldest;
	uint32_t chains[SHARD_CHAINS];
	struct entry entries[SHARD_ENTRIES];
};

struct limits {
	int64_t quotas[LIMIT_COUNT];
	unsigned char secret[crypto_shorthash_KEYBYTES];
	_Atomic int64_t refused;
	struct shard shards[SHARD_COUNT];
};

static const char *const policies[] = {
	[LIMIT_ADDRESS] = "address",
	[LIMIT_SIGN_IN] = "sign-in",
	[LIMIT_CLIENT] = "default",
	[LIMIT_CHECKS] = "account-checks",
};

static uint32_t *chain_of(struct shard *shard, const uint64_t key[2])
{
	return &shard->chains[key[1] % SHARD_CHAINS];
}

static void unlink_use(struct shard *shard, uint32_t index)
{
	struct entry *entry = &shard->entries[index];

	if (entry->newer == NONE)
		shard->newest = entry->older;
	else
		shard->entries[entry->newer].older = entry->older;
	if (entry->older == NONE)
		shard->oldest = entry->newer;
	else
		shard->entries[entry->older].newer = entry->newer;
}

static void link_newest(struct shard *shard, uint32_t index)
{
	struct entry *entry = &shard->entries[index];

	entry->newer = NONE;
	entry->older = shard->newest;
	if (shard->newest == NONE)
		shard->oldest = index;
	else
		shard->entries[shard->newest].newer = index;
	shard->newest = index;
}

static void unlink_chain(struct shard *shard, uint32_t index)
{
	uint32_t *link = chain_of(shard, shard->entries[index].key);

	while (*link != index)
		link = &shard->entries[*link].next_in_chain;
	*link = shard->entries[index].next_in_chain;
}

static uint32_t find(struct shard *shard, const uint64_t key[2])
{
	uint32_t index = *chain_of(shard, key);

	while (index != NONE && memcmp(shard->entries[index].key, key, sizeof(uint64_t[2])) != 0)
		index = shard->entries[index].next_in_chain;
	return index;
}

/* A place for a new key: an unused one, or the one used least recently. */
static uint32_t make_room(struct shard *shard)
{
	uint32_t index = shard->oldest;

	if (shard->used < SHARD_ENTRIES)
		return shard->used++;
	unlink_use(shard, index);
	unlink_chain(shard, index);
	return index;
}

static struct entry *touch(struct shard *shard, const uint64_t key[2], int64_t window)
{
	uint32_t index = find(shard, key);
	struct entry *entry;

	if (index != NONE) {
		unlink_use(shard, index);
		link_newest(shard, index);
		return &shard->entries[index];
	}
	index = make_room(shard);
	entry = &shard->entries[index];
	*entry = (struct entry){ .key = { key[0], key[1] }, .window = window };
	entry->next_in_chain = *chain_of(shard, key);
	*chain_of(shard, key) = index;
	link_newest(shard, index);
	return entry;
}

/* Whoever looked at the clock before others rolled on comes late, and is counted with them. */
static void roll(struct entry *entry, int64_t window)
{
	if (window <= entry->window)
		return;
	entry->past = window == entry->window + 1 ? entry->present : 0;
	entry->present = 0;
	entry->window = window;
}

/* Requests of the last 60 seconds, as if those of the past window had been spread evenly. */
static int64_t estimate(const struct entry *entry, int64_t elapsed_us)
{
	return entry->present + entry->past * (WINDOW_US - elapsed_us) / WINDOW_US;
}

static int64_t whole_seconds(int64_t us)
{
	return us <= 0 ? 1 : (us + 999999) / 1000000;
}

/* How long until one more fits: in this window as the past one fades, else some way into the next.
 */
static int64_t wait_us(const struct entry *entry, int64_t quota, int64_t elapsed_us)
{
	int64_t room = quota - entry->present - 1;

	if (room >= 0 && entry->past > 0)
		return WINDOW_US - elapsed_us - room * WINDOW_US / entry->past;
	return WINDOW_US - elapsed_us + WINDOW_US / quota;
}

static bool take(struct entry *entry, int64_t elapsed_us, struct budget *budget)
{
	int64_t used = estimate(entry, elapsed_us);

	if (used >= budget->quota) {
		budget->remaining = 0;
		budget->reset_s = whole_seconds(wait_us(entry, budget->quota, elapsed_us));
		return false;
	}
	entry->present++;
	budget->remaining = budget->quota - used - 1;
	budget->reset_s = whole_seconds(WINDOW_US - elapsed_us);
	return true;
}

static void shard_init(struct shard *shard)
{
	pthread_mutex_init(&shard->lock, NULL);
	shard->newest = NONE;
	shard->oldest = NONE;
	for (size_t i = 0; i < SHARD_CHAINS; i++)
		shard->chains[i] = NONE;
}

struct limits *limits_make(const struct settings *settings)
{
	struct limits *limits = calloc(1, sizeof(*limits));

	if (!limits)
		abort();
	limits->quotas[LIMIT_ADDRESS] = settings->rate_limit_address_per_minute;
	limits->quotas[LIMIT_SIGN_IN] = settings->rate_limit_sign_in_per_minute;
	limits->quotas[LIMIT_CLIENT] = settings->rate_limit_per_minute;
	limits->quotas[LIMIT_CHECKS] = settings->rate_limit_account_checks_per_minute;
	randombytes_buf(limits->secret, sizeof(limits->secret));
	for (size_t i = 0; i < SHARD_COUNT; i++)
		shard_init(&limits->shards[i]);
	return limits;
}

struct limits *limits_free(struct limits *limits)
{
	for (size_t i = 0; limits && i < SHARD_COUNT; i++)
		pthread_mutex_destroy(&limits->shards[i].lock);
	free(limits);
	return NULL;
}

static void hash_key(
	const struct limits *limits, enum limit_class class, const char *key, uint64_t ret_key[2])
{
	unsigned char text[128];
	size_t length = strnlen(key, sizeof(text) - 1);

	for (size_t half = 0; half < 2; half++) {
		text[0] = (unsigned char)((size_t) class * 2 + half);
		memcpy(text + 1, key, length);
		crypto_shorthash((unsigned char *)&ret_key[half], text, length + 1, limits->secret);
	}
}

static struct shard *shard_of(struct limits *limits, enum limit_class class, uint64_t hash)
{
	bool is_known = class == LIMIT_CLIENT || class == LIMIT_CHECKS;

	return &limits->shards[hash % BANK_SHARDS + (is_known ? BANK_SHARDS : 0)];
}

bool limits_take(struct limits *limits, enum limit_class class, const char *key, int64_t now_us,
	struct budget *ret_budget)
{
	int64_t window = now_us / WINDOW_US;
	uint64_t hash[2];
	struct shard *shard;
	struct entry *entry;
	bool is_taken;

	*ret_budget = (struct budget){ policies[class], limits->quotas[class], 0, 0 };
	if (ret_budget->quota <= 0)
		return true;
	hash_key(limits, class, key, hash);
	shard = shard_of(limits, class, hash[0]);
	pthread_mutex_lock(&shard->lock);
	entry = touch(shard, hash, window);
	roll(entry, window);
	is_taken = take(entry, entry->window == window ? now_us % WINDOW_US : 0, ret_budget);
	pthread_mutex_unlock(&shard->lock);
	if (!is_taken)
		atomic_fetch_add_explicit(&limits->refused, 1, memory_order_relaxed);
	return is_taken;
}

void limits_address_key(const char *address, char out[static 64])
{
	struct in6_addr bytes;

	if (inet_pton(AF_INET6, address, &bytes) != 1) {
		out[0] = '\0';
		strncat(out, address, 63);
		return;
	}
	memset(bytes.s6_addr + 8, 0, 8);
	inet_ntop(AF_INET6, &bytes, out, 64);
}

int64_t limits_refused_total(const struct limits *limits)
{
	return atomic_load_explicit(&limits->refused, memory_order_relaxed);
}
