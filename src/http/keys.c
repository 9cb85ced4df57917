/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing keys in memory. Every key is parsed once, when the set changes, and kept as an EVP_PKEY:
 * OpenSSL 3 takes more than a millisecond to parse a PEM, which is fifteen times what a
 * verification costs. Readers take a reference under a read lock and work outside of it, so a
 * rotation never waits for a signature.
 *
 * One algorithm is bound to every key, RS256 or ES256; a token never chooses.
 */
#include "http/keys.h"

#include "base/clock.h"

#include <inttypes.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define RSA_BITS_MIN  2048
#define RSA_BITS_MAX  4096 /* more only makes every verification slow */
#define RSA_BYTES_MAX (RSA_BITS_MAX / 8)
#define P256_BYTES    32
#define ASK_PERIOD_US CLOCK_SECOND_US
#define ASK_WAIT_MS   250

struct key_set {
	struct key *items[KEYS_MAX];
	size_t count;
};

struct keys {
	pthread_rwlock_t lock;
	struct key_set set;
	unsigned char installed[SHA256_DIGEST_LENGTH]; /* fingerprint of the set's records */
	_Atomic uint64_t generation;
	pthread_mutex_t reading; /* held from reading the table to installing what was read */
	int64_t asked_us;        /* monotonic: last reload for a token; under `reading` */
};

/* One member of a public key as base64url: big-endian, for a curve of its full length. */
static bool key_member(const EVP_PKEY *key, const char *member, int least_bytes,
	char out[BASE64URL_BYTES(RSA_BYTES_MAX)])
{
	unsigned char bytes[RSA_BYTES_MAX];
	BIGNUM *number = NULL;

	if (EVP_PKEY_get_bn_param(key, member, &number) != 1)
		return false;
	int length = BN_num_bytes(number) > least_bytes ? BN_num_bytes(number) : least_bytes;
	bool fits = length <= RSA_BYTES_MAX && BN_bn2binpad(number, bytes, length) == length;
	if (fits)
		base64url_encode(bytes, (size_t)length, out);
	BN_free(number);
	return fits;
}

/* The members that make a public key, by the names of JWK. */
struct public_members {
	bool is_ec;
	char first[BASE64URL_BYTES(RSA_BYTES_MAX)];  /* n or x */
	char second[BASE64URL_BYTES(RSA_BYTES_MAX)]; /* e or y */
};

static bool public_members(const EVP_PKEY *key, struct public_members *members)
{
	members->is_ec = jws_own_alg(key) == JWS_ES256;
	if (members->is_ec)
		return key_member(key, OSSL_PKEY_PARAM_EC_PUB_X, P256_BYTES, members->first) &&
		       key_member(key, OSSL_PKEY_PARAM_EC_PUB_Y, P256_BYTES, members->second);
	return key_member(key, OSSL_PKEY_PARAM_RSA_N, 0, members->first) &&
	       key_member(key, OSSL_PKEY_PARAM_RSA_E, 0, members->second);
}

bool key_thumbprint(const EVP_PKEY *key, char ret_kid[static KEY_KID_BYTES])
{
	struct public_members members;
	unsigned char digest[SHA256_DIGEST_LENGTH];
	struct text canonical = TEXT_INIT;

	if (!public_members(key, &members))
		return false;
	/* RFC 7638 §3: the required members, sorted, without white space. */
	if (members.is_ec)
		text_appendf(&canonical,
			"{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"%s\",\"y\":\"%s\"}",
			members.first, members.second);
	else
		text_appendf(&canonical, "{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}",
			members.second, members.first);
	bool done = EVP_Digest(canonical.bytes, canonical.length, digest, NULL, EVP_sha256(),
			    NULL) == 1;
	text_release(&canonical);
	if (done)
		base64url_encode(digest, sizeof digest, ret_kid);
	return done;
}

static json_t *public_jwk(const EVP_PKEY *key, const char *kid)
{
	struct public_members members;
	const char *alg = jws_alg_text(jws_own_alg(key));

	if (!public_members(key, &members))
		return NULL;
	if (members.is_ec)
		return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "kty", "EC", "kid", kid,
			"use", "sig", "alg", alg, "crv", "P-256", "x", members.first, "y",
			members.second);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "kty", "RSA", "kid", kid, "use", "sig",
		"alg", alg, "n", members.first, "e", members.second);
}

static char *private_pem(EVP_PKEY *key, struct arena *arena)
{
	BIO *bio = BIO_new(BIO_s_secmem());
	char *pem = NULL;
	char *data = NULL;

	if (bio && PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
		long length = BIO_get_mem_data(bio, &data);
		pem = arena_strndup(arena, data, (size_t)length);
	}
	BIO_free(bio);
	return pem;
}

bool key_generate(enum jws_alg alg, struct arena *arena, struct key_record *ret_record)
{
	EVP_PKEY *key = alg == JWS_ES256 ? EVP_EC_gen("P-256") : EVP_RSA_gen(RSA_BITS_MIN);
	char *kid = arena_alloc(arena, KEY_KID_BYTES);
	char *pem = key ? private_pem(key, arena) : NULL;
	json_t *jwk = pem && key_thumbprint(key, kid) ? public_jwk(key, kid) : NULL;
	char *jwk_text = jwk ? json_dumps(jwk, JSON_COMPACT) : NULL;

	*ret_record =
		(struct key_record){ .kid = kid, .alg = jws_alg_text(alg), .private_pem = pem };
	if (jwk_text)
		ret_record->public_jwk = arena_strdup(arena, jwk_text);
	free(jwk_text);
	json_decref(jwk);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return ret_record->public_jwk != NULL;
}

void key_release(struct key *key)
{
	if (!key || atomic_fetch_sub(&key->holders, 1) > 1)
		return;
	EVP_PKEY_free(key->pkey);
	json_decref(key->jwk);
	free(key);
}

static EVP_PKEY *parse_pem(const char *pem)
{
	BIO *bio = BIO_new_mem_buf(pem, -1);
	EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"") : NULL;

	BIO_free(bio);
	return key;
}

/*
 * NULL, or why the record cannot be used. `known` is this key as it is held already, or NULL: an
 * instance that has not been told of a new encryption key goes on with what it opened before.
 */
static const char *key_load(
	struct key *key, const struct key_record *record, const struct key *known)
{
	char kid[KEY_KID_BYTES];

	if (record->private_pem)
		key->pkey = parse_pem(record->private_pem);
	else if (known)
		key->pkey = EVP_PKEY_dup(known->pkey);
	ERR_clear_error();
	if (!key->pkey && !record->private_pem)
		return "it was sealed with another encryption_key";
	if (!key->pkey)
		return "the private key cannot be read";
	key->alg = jws_own_alg(key->pkey);
	if (strcmp(record->alg, jws_alg_text(key->alg)) != 0 || !jws_alg_fits(key->alg, key->pkey))
		return "the algorithm is not RS256 or ES256, or not the key's";
	if (key->alg == JWS_RS256 && (EVP_PKEY_get_bits(key->pkey) < RSA_BITS_MIN ||
					     EVP_PKEY_get_bits(key->pkey) > RSA_BITS_MAX))
		return "the key has not between 2048 and 4096 bits";
	if (!key_thumbprint(key->pkey, kid) || strcmp(kid, record->kid) != 0)
		return "the kid is not the thumbprint of the key";
	/* Made anew from the key, so that a row can never publish a private member. */
	key->jwk = public_jwk(key->pkey, kid);
	memcpy(key->kid, kid, sizeof kid);
	strncpy(key->state, record->state, sizeof key->state - 1);
	key->retired_us = record->retired_us;
	return key->jwk ? NULL : "the public key cannot be written";
}

static struct key *key_make(
	const struct key_record *record, const struct key *known, struct text *reterr)
{
	struct key *key = calloc(1, sizeof *key);

	if (!key)
		abort();
	atomic_store(&key->holders, 1);
	const char *fault = key_load(key, record, known);
	if (!fault)
		return key;
	text_appendf(reterr, "Signing key %s is left out: %s. ", record->kid, fault);
	key_release(key);
	return NULL;
}

static void set_clear(struct key_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		key_release(set->items[i]);
	set->count = 0;
}

static struct key *set_find(const struct key_set *set, const char *kid)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->items[i]->kid, kid) == 0)
			return set->items[i];
	return NULL;
}

static struct key *set_active(const struct key_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		if (strcmp(set->items[i]->state, "active") == 0)
			return set->items[i];
	return NULL;
}

/* Of the records, not of the keys: one that cannot be opened is left out of the set. */
static void fingerprint(const struct key_record *records, size_t count,
	unsigned char out[static SHA256_DIGEST_LENGTH])
{
	struct text text = TEXT_INIT;

	for (size_t i = 0; i < count; i++)
		text_appendf(&text, "%s %s %" PRId64 "\n", records[i].kid, records[i].state,
			records[i].retired_us);
	SHA256((const unsigned char *)(text.bytes ? text.bytes : ""), text.length, out);
	text_release(&text);
}

struct keys *keys_make(void)
{
	struct keys *keys = calloc(1, sizeof *keys);

	if (!keys)
		abort();
	pthread_rwlock_init(&keys->lock, NULL);
	atomic_store(&keys->generation, 1);
	pthread_mutex_init(&keys->reading, NULL);
	keys->asked_us = clock_monotonic_us() - ASK_PERIOD_US;
	return keys;
}

struct keys *keys_free(struct keys *keys)
{
	if (!keys)
		return NULL;
	set_clear(&keys->set);
	pthread_mutex_destroy(&keys->reading);
	pthread_rwlock_destroy(&keys->lock);
	free(keys);
	return NULL;
}

static struct key *hold(struct key *key)
{
	if (key)
		atomic_fetch_add(&key->holders, 1);
	return key;
}

static struct key *hold_known(struct keys *keys, const char *kid)
{
	pthread_rwlock_rdlock(&keys->lock);
	struct key *key = hold(set_find(&keys->set, kid));
	pthread_rwlock_unlock(&keys->lock);
	return key;
}

static void load_set(struct keys *keys, struct key_set *fresh, const struct key_record *records,
	size_t count, struct text *reterr)
{
	fresh->count = 0;
	for (size_t i = 0; i < count && fresh->count < KEYS_MAX; i++) {
		struct key *known = hold_known(keys, records[i].kid);
		struct key *key = key_make(&records[i], known, reterr);
		if (key)
			fresh->items[fresh->count++] = key;
		key_release(known);
	}
}

bool keys_equal(struct keys *keys, const struct key_record *records, size_t count)
{
	unsigned char asked[SHA256_DIGEST_LENGTH];

	fingerprint(records, count, asked);
	pthread_rwlock_rdlock(&keys->lock);
	bool is_same = count > 0 && memcmp(keys->installed, asked, sizeof asked) == 0;
	pthread_rwlock_unlock(&keys->lock);
	return is_same;
}

bool keys_install(
	struct keys *keys, const struct key_record *records, size_t count, struct text *reterr)
{
	struct key_set fresh;
	struct key_set old;

	if (keys_equal(keys, records, count))
		return true;
	load_set(keys, &fresh, records, count, reterr);
	if (!set_active(&fresh)) {
		set_clear(&fresh);
		text_append_string(reterr, "There is no usable active signing key.");
		return false;
	}
	pthread_rwlock_wrlock(&keys->lock);
	old = keys->set;
	keys->set = fresh;
	fingerprint(records, count, keys->installed);
	atomic_fetch_add(&keys->generation, 1);
	pthread_rwlock_unlock(&keys->lock);
	set_clear(&old);
	return true;
}

struct key *keys_signer(struct keys *keys)
{
	pthread_rwlock_rdlock(&keys->lock);
	struct key *key = hold(set_active(&keys->set));
	pthread_rwlock_unlock(&keys->lock);
	return key;
}

struct key *keys_verifier(struct keys *keys, const char *kid, int64_t now_us)
{
	pthread_rwlock_rdlock(&keys->lock);
	struct key *key = set_find(&keys->set, kid);
	/* The next key counts: another instance may have seen the rotation first and sign with it
	 * already. */
	if (key && key->retired_us != 0 && now_us >= key->retired_us)
		key = NULL;
	hold(key);
	pthread_rwlock_unlock(&keys->lock);
	return key;
}

uint64_t keys_generation(struct keys *keys)
{
	return atomic_load_explicit(&keys->generation, memory_order_acquire);
}

void keys_reading_begin(struct keys *keys)
{
	pthread_mutex_lock(&keys->reading);
}

void keys_reading_end(struct keys *keys)
{
	pthread_mutex_unlock(&keys->reading);
}

bool keys_reading_ask(struct keys *keys, bool *ret_is_turn)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += ASK_WAIT_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	if (pthread_mutex_timedlock(&keys->reading, &until) != 0)
		return false;
	int64_t now_us = clock_monotonic_us();
	*ret_is_turn = now_us - keys->asked_us >= ASK_PERIOD_US;
	if (*ret_is_turn)
		keys->asked_us = now_us;
	return true;
}

json_t *keys_jwks(struct keys *keys)
{
	json_t *list = json_array();

	pthread_rwlock_rdlock(&keys->lock);
	for (size_t i = 0; i < keys->set.count; i++)
		json_array_append_new(list, json_deep_copy(keys->set.items[i]->jwk));
	pthread_rwlock_unlock(&keys->lock);
	return json_pack("{s:o}", "keys", list);
}
