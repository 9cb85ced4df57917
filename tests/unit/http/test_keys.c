/* SPDX-License-Identifier: Apache-2.0 */
/* Signing keys: names by thumbprint, what is let into the set, what is published, and for how long
 * a key is good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/keys.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define NOW_US INT64_C(1800000000000000)

struct fixture {
	struct arena *arena;
	struct keys *keys;
	struct key_record records[3]; /* next, active, retiring */
	struct text fault;
};

static int set_up(void **state)
{
	static const char *const states[] = { "next", "active", "retiring" };
	static struct fixture fixture;

	fixture = (struct fixture){ .arena = arena_new(), .keys = keys_make() };
	for (int i = 0; i < 3; i++) {
		assert_true(key_generate(JWS_RS256, fixture.arena, &fixture.records[i]));
		fixture.records[i].state = states[i];
	}
	fixture.records[2].retired_us = NOW_US;
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	text_release(&fixture->fault);
	keys_free(fixture->keys);
	arena_free(fixture->arena);
	return 0;
}

static bool knows(struct keys *keys, const char *kid, int64_t now_us)
{
	struct key *key = keys_verifier(keys, kid, now_us);

	key_release(key);
	return key != NULL;
}

/* The example of RFC 7638 §3.1. */
static void thumbprint_is_that_of_the_rfc(void **state)
{
	static const char modulus[] = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtV"
				      "T86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCi"
				      "FV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_"
				      "RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnY"
				      "b9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-"
				      "bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0"
				      "Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
	unsigned char bytes[512];
	size_t length;
	char kid[KEY_KID_BYTES];
	EVP_PKEY *key = NULL;
	(void)state;

	assert_true(base64url_decode(modulus, strlen(modulus), bytes, &length));
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *number = BN_bin2bn(bytes, (int)length, NULL);
	BIGNUM *exponent = BN_new();
	BN_set_word(exponent, 65537);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, number);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, exponent);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	assert_int_equal(EVP_PKEY_fromdata_init(context), 1);
	assert_int_equal(EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params), 1);
	assert_true(key_thumbprint(key, kid));
	assert_string_equal(kid, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(context);
	OSSL_PARAM_free(params);
	BN_free(exponent);
	BN_free(number);
	OSSL_PARAM_BLD_free(build);
}

static void set_signs_with_the_active_key(void **state)
{
	struct fixture *fixture = *state;

	assert_null(keys_signer(fixture->keys));
	assert_true(keys_install(fixture->keys, fixture->records, 3, &fixture->fault));
	struct key *key = keys_signer(fixture->keys);
	assert_non_null(key);
	assert_string_equal(key->kid, fixture->records[1].kid);
	/* It stays good for who holds it, whatever becomes of the set. */
	assert_true(keys_install(fixture->keys, fixture->records + 1, 1, &fixture->fault));
	assert_int_equal(EVP_PKEY_get_bits(key->pkey), 2048);
	key_release(key);
}

static void keys_are_good_until_they_retire(void **state)
{
	struct fixture *fixture = *state;

	assert_true(keys_install(fixture->keys, fixture->records, 3, &fixture->fault));
	assert_true(knows(fixture->keys, fixture->records[0].kid, NOW_US));
	assert_true(knows(fixture->keys, fixture->records[1].kid, NOW_US));
	assert_true(knows(fixture->keys, fixture->records[2].kid, NOW_US - 1));
	assert_false(knows(fixture->keys, fixture->records[2].kid, NOW_US));
	assert_false(knows(fixture->keys, "../../etc/passwd", NOW_US));
	assert_false(knows(fixture->keys, "", NOW_US));
}

static void jwks_has_public_members_only(void **state)
{
	static const char *const members[] = { "kty", "kid", "use", "alg", "n", "e" };
	struct fixture *fixture = *state;
	const json_t *jwk;
	size_t index;

	assert_true(keys_install(fixture->keys, fixture->records, 3, &fixture->fault));
	json_t *jwks = keys_jwks(fixture->keys);
	const json_t *list = json_object_get(jwks, "keys");
	assert_int_equal(json_array_size(list), 3);
	json_array_foreach (list, index, jwk) {
		assert_int_equal(json_object_size(jwk), 6);
		for (size_t i = 0; i < 6; i++)
			assert_true(json_is_string(json_object_get(jwk, members[i])));
		assert_string_equal(json_string_value(json_object_get(jwk, "kid")),
			fixture->records[index].kid);
		assert_string_equal(json_string_value(json_object_get(jwk, "e")), "AQAB");
	}
	json_decref(jwks);
}

/* What a row says is public is not what is published: that is made from the key. */
static void jwks_does_not_repeat_the_row(void **state)
{
	struct fixture *fixture = *state;

	fixture->records[1].public_jwk = "{\"kty\":\"RSA\",\"d\":\"private\"}";
	assert_true(keys_install(fixture->keys, fixture->records, 3, &fixture->fault));
	json_t *jwks = keys_jwks(fixture->keys);
	const json_t *jwk = json_array_get(json_object_get(jwks, "keys"), 1);
	assert_null(json_object_get(jwk, "d"));
	json_decref(jwks);
}

static char *pem_of(struct arena *arena, EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;

	assert_non_null(key);
	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL), 1);
	long length = BIO_get_mem_data(bio, &data);
	char *pem = arena_strndup(arena, data, (size_t)length);
	BIO_free(bio);
	EVP_PKEY_free(key);
	return pem;
}

static void unusable_keys_are_left_out(void **state)
{
	struct fixture *fixture = *state;
	struct key_record bad[] = { fixture->records[1], fixture->records[0], fixture->records[0],
		fixture->records[0], fixture->records[0], fixture->records[0] };

	bad[1].private_pem = pem_of(fixture->arena, EVP_EC_gen("P-256"));
	bad[2].private_pem = pem_of(fixture->arena, EVP_RSA_gen(1024));
	bad[3].private_pem = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
	bad[4].kid = "not-the-thumbprint";
	bad[5].alg = "HS256";
	assert_true(keys_install(fixture->keys, bad, 6, &fixture->fault));
	json_t *jwks = keys_jwks(fixture->keys);
	assert_int_equal(json_array_size(json_object_get(jwks, "keys")), 1);
	json_decref(jwks);
	assert_non_null(strstr(fixture->fault.bytes, "the algorithm is not RS256 or ES256"));
	assert_non_null(strstr(fixture->fault.bytes, "between 2048 and 4096 bits"));
	assert_non_null(strstr(fixture->fault.bytes, "cannot be read"));
	assert_non_null(strstr(fixture->fault.bytes, "not the thumbprint"));
	uint64_t first = keys_generation(fixture->keys);
	assert_true(keys_equal(fixture->keys, bad, 6));
	assert_true(keys_install(fixture->keys, bad, 6, &fixture->fault));
	assert_int_equal(keys_generation(fixture->keys), first);
}

static void set_without_an_active_key_is_refused(void **state)
{
	struct fixture *fixture = *state;

	assert_true(keys_install(fixture->keys, fixture->records, 3, &fixture->fault));
	assert_false(keys_install(fixture->keys, fixture->records, 1, &fixture->fault));
	assert_false(keys_install(fixture->keys, fixture->records, 0, &fixture->fault));
	assert_true(knows(fixture->keys, fixture->records[1].kid, NOW_US));
}

static void generation_follows_the_set(void **state)
{
	struct fixture *fixture = *state;

	assert_true(keys_install(fixture->keys, fixture->records, 3, &fixture->fault));
	uint64_t first = keys_generation(fixture->keys);
	assert_true(keys_install(fixture->keys, fixture->records, 3, &fixture->fault));
	assert_int_equal(keys_generation(fixture->keys), first);
	fixture->records[2].retired_us = NOW_US + 1;
	assert_true(keys_install(fixture->keys, fixture->records, 3, &fixture->fault));
	assert_int_not_equal(keys_generation(fixture->keys), first);
}

struct turns {
	struct keys *keys;
	atomic_int taken;
};

static void *take_turn(void *context)
{
	struct turns *turns = context;

	for (int i = 0; i < 1000; i++) {
		bool is_turn = false;
		if (!keys_reading_ask(turns->keys, &is_turn))
			continue;
		atomic_fetch_add(&turns->taken, is_turn);
		keys_reading_end(turns->keys);
	}
	return NULL;
}

static void one_caller_gets_the_turn(void **state)
{
	struct fixture *fixture = *state;
	struct turns turns = { .keys = fixture->keys };
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, take_turn, &turns);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	/* Four thousand asked within far less than a minute. */
	assert_true(turns.taken >= 1 && turns.taken < 60);
}

/* Who comes with a token of an unknown key does not wait for a database that does not answer. */
static void nobody_waits_for_long(void **state)
{
	struct fixture *fixture = *state;
	bool is_turn;

	keys_reading_begin(fixture->keys);
	assert_false(keys_reading_ask(fixture->keys, &is_turn));
	keys_reading_end(fixture->keys);
	assert_true(keys_reading_ask(fixture->keys, &is_turn));
	assert_true(is_turn);
	keys_reading_end(fixture->keys);
}

/* What another encryption key sealed is kept as it was opened before. */
static void known_key_outlives_its_seal(void **state)
{
	struct fixture *fixture = *state;

	assert_true(keys_install(fixture->keys, fixture->records, 3, &fixture->fault));
	for (int i = 0; i < 3; i++)
		fixture->records[i].private_pem = NULL;
	fixture->records[2].retired_us = NOW_US + 1;
	assert_true(keys_install(fixture->keys, fixture->records, 3, &fixture->fault));
	assert_true(knows(fixture->keys, fixture->records[2].kid, NOW_US));
	struct key *key = keys_signer(fixture->keys);
	assert_string_equal(key->kid, fixture->records[1].kid);
	assert_int_equal(EVP_PKEY_get_bits(key->pkey), 2048);
	key_release(key);

	struct keys *others = keys_make();
	assert_false(keys_install(others, fixture->records, 3, &fixture->fault));
	assert_non_null(strstr(fixture->fault.bytes, "another encryption_key"));
	keys_free(others);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thumbprint_is_that_of_the_rfc),
		cmocka_unit_test_setup_teardown(set_signs_with_the_active_key, set_up, tear_down),
		cmocka_unit_test_setup_teardown(keys_are_good_until_they_retire, set_up, tear_down),
		cmocka_unit_test_setup_teardown(jwks_has_public_members_only, set_up, tear_down),
		cmocka_unit_test_setup_teardown(jwks_does_not_repeat_the_row, set_up, tear_down),
		cmocka_unit_test_setup_teardown(unusable_keys_are_left_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			set_without_an_active_key_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(generation_follows_the_set, set_up, tear_down),
		cmocka_unit_test_setup_teardown(one_caller_gets_the_turn, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nobody_waits_for_long, set_up, tear_down),
		cmocka_unit_test_setup_teardown(known_key_outlives_its_seal, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
