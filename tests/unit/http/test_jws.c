/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures and keys: the vectors of RFC 7515, what each algorithm demands, and keys that must not
 * be taken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/jwk.h"
#include "http/jws.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* RFC 7515 A.3 */
#define VECTOR_X "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
#define VECTOR_Y "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
static const char vector_token[] =
	"eyJhbGciOiJFUzI1NiJ9."
	"eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0"
	"cnVlfQ."
	"DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
#define VECTOR_JWK \
	"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" VECTOR_X "\",\"y\":\"" VECTOR_Y "\"}"

static bool token_holds(const char *token, enum jws_alg alg, EVP_PKEY *key)
{
	struct jws jws;

	return jws_split(token, strlen(token), &jws) &&
	       jws_signature_holds(alg, key, jws.input, jws.signature);
}

static void ecdsa_vector_of_the_rfc(void **state)
{
	EVP_PKEY *key = jwk_public_key_text(VECTOR_JWK);
	struct jws jws;
	(void)state;

	assert_non_null(key);
	assert_true(jws_split(vector_token, strlen(vector_token), &jws));
	json_t *header = jws_object(jws.header);
	assert_string_equal(json_string_value(json_object_get(header, "alg")), "ES256");
	json_decref(header);
	assert_true(token_holds(vector_token, JWS_ES256, key));
	assert_false(token_holds(vector_token, JWS_ES384, key));
	assert_false(token_holds(vector_token, JWS_RS256, key));
	EVP_PKEY_free(key);
}

static char *encoded(const unsigned char *bytes, size_t length)
{
	char *text = malloc(BASE64URL_BYTES(length));

	assert_non_null(text);
	base64url_encode(bytes, length, text);
	return text;
}

static char *rsa_jwk(const EVP_PKEY *key)
{
	static const char *const names[] = { OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E };
	char *members[2];
	char *jwk = NULL;

	for (size_t i = 0; i < 2; i++) {
		BIGNUM *number = NULL;
		unsigned char bytes[1024];
		assert_int_equal(EVP_PKEY_get_bn_param(key, names[i], &number), 1);
		members[i] = encoded(bytes, (size_t)BN_bn2bin(number, bytes));
		BN_free(number);
	}
	assert_true(asprintf(&jwk, "{\"kty\":\"RSA\",\"n\":\"%s\",\"e\":\"%s\"}", members[0],
			    members[1]) > 0);
	free(members[0]);
	free(members[1]);
	return jwk;
}

static void every_rsa_algorithm_round_trips(void **state)
{
	struct arena *arena = arena_new();
	EVP_PKEY *key = EVP_RSA_gen(2048);
	char *jwk = rsa_jwk(key);
	EVP_PKEY *public = jwk_public_key_text(jwk);
	(void)state;

	assert_non_null(public);
	for (enum jws_alg alg = JWS_RS256; alg <= JWS_RS512; alg++) {
		const char *token = jws_sign("{}", "{\"a\":1}", alg, key, arena);
		assert_non_null(token);
		for (enum jws_alg other = JWS_RS256; other <= JWS_ES384; other++)
			assert_int_equal(token_holds(token, other, public), other == alg);
	}
	EVP_PKEY_free(key);
	EVP_PKEY_free(public);
	free(jwk);
	arena_free(arena);
}

/* The signature as JOSE writes it: r and s of `number_bytes` each. */
static char *ecdsa_signature(
	EVP_PKEY *key, const EVP_MD *digest, const char *input, size_t number_bytes)
{
	unsigned char der[200];
	unsigned char raw[96];
	size_t length = sizeof der;
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	assert_int_equal(EVP_DigestSignInit(context, NULL, digest, NULL, key), 1);
	assert_int_equal(
		EVP_DigestSign(context, der, &length, (const unsigned char *)input, strlen(input)),
		1);
	EVP_MD_CTX_free(context);
	const unsigned char *at = der;
	ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &at, (long)length);
	BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, (int)number_bytes);
	BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + number_bytes, (int)number_bytes);
	ECDSA_SIG_free(signature);
	return encoded(raw, 2 * number_bytes);
}

static void ecdsa_belongs_to_its_curve(void **state)
{
	EVP_PKEY *p256 = EVP_EC_gen("P-256");
	EVP_PKEY *p384 = EVP_EC_gen("P-384");
	char *small = ecdsa_signature(p256, EVP_sha256(), "input", 32);
	char *large = ecdsa_signature(p384, EVP_sha384(), "input", 48);
	/* The wrong digest for the curve: ES256 with a key of P-384. */
	char *mixed = ecdsa_signature(p384, EVP_sha256(), "input", 48);
	(void)state;

	assert_true(jws_signature_holds(JWS_ES256, p256, SLICE("input"), slice_of(small)));
	assert_true(jws_signature_holds(JWS_ES384, p384, SLICE("input"), slice_of(large)));
	assert_false(jws_signature_holds(JWS_ES256, p256, SLICE("inpuT"), slice_of(small)));
	assert_false(jws_signature_holds(JWS_ES384, p384, SLICE("input"), slice_of(mixed)));
	assert_false(jws_signature_holds(JWS_ES256, p384, SLICE("input"), slice_of(mixed)));
	assert_false(jws_signature_holds(JWS_ES384, p256, SLICE("input"), slice_of(small)));
	free(small);
	free(large);
	free(mixed);
	EVP_PKEY_free(p256);
	EVP_PKEY_free(p384);
}

/* CVE-2022-21449 and its like: numbers that are no signature, and shapes that are not JOSE's. */
static void odd_ecdsa_signatures_do_not_hold(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	unsigned char raw[128] = { 0 };
	unsigned char der[200];
	size_t length = sizeof der;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	(void)state;

	static const size_t lengths[] = { 1, 32, 63, 64, 65, 96, 128 };
	for (size_t fill = 0; fill < 3; fill++)
		for (size_t i = 0; i < COUNT(lengths); i++) {
			memset(raw, fill == 0 ? 0 : fill == 1 ? 1 : 0xff, sizeof raw);
			char *text = encoded(raw, lengths[i]);
			assert_false(jws_signature_holds(
				JWS_ES256, key, SLICE("input"), slice_of(text)));
			free(text);
		}
	EVP_DigestSignInit(context, NULL, EVP_sha256(), NULL, key);
	EVP_DigestSign(context, der, &length, (const unsigned char *)"input", 5);
	EVP_MD_CTX_free(context);
	char *text = encoded(der, length);
	assert_false(jws_signature_holds(JWS_ES256, key, SLICE("input"), slice_of(text)));
	free(text);
	EVP_PKEY_free(key);
}

static void rsa_signatures_have_the_length_of_the_key(void **state)
{
	struct arena *arena = arena_new();
	EVP_PKEY *key = EVP_RSA_gen(2048);
	const char *token = jws_sign("{}", "{}", JWS_RS256, key, arena);
	(void)state;

	assert_true(token_holds(token, JWS_RS256, key));
	assert_false(token_holds(arena_printf(arena, "%sAAAA", token), JWS_RS256, key));
	assert_false(token_holds(arena_printf(arena, "%s=", token), JWS_RS256, key));
	assert_false(token_holds("e30.e30.AA", JWS_RS256, key));
	EVP_PKEY_free(key);
	arena_free(arena);
}

/* Two numbers of 32 bytes each, however small they are. */
static void elliptic_signatures_have_one_length(void **state)
{
	struct arena *arena = arena_new();
	EVP_PKEY *key = EVP_EC_gen("P-256");
	(void)state;

	assert_int_equal(jws_own_alg(key), JWS_ES256);
	for (int i = 0; i < 300; i++) {
		const char *claims = arena_printf(arena, "{\"n\":%d}", i);
		const char *token = jws_sign("{}", claims, JWS_ES256, key, arena);
		assert_int_equal(strlen(strrchr(token, '.') + 1), 86);
		assert_true(token_holds(token, JWS_ES256, key));
		assert_false(token_holds(token, JWS_RS256, key));
		assert_null(jws_sign("{}", claims, JWS_RS256, key, arena));
	}
	EVP_PKEY_free(key);
	arena_free(arena);
}

static void no_other_algorithm_is_known(void **state)
{
	static const char *const strangers[] = { "none", "None", "HS256", "HS384", "HS512", "rs256",
		"RS256 ", "PS256", "ES512", "ES256K", "EdDSA", "" };
	enum jws_alg alg;
	(void)state;

	for (size_t i = 0; i < COUNT(strangers); i++)
		assert_false(jws_alg_parse(strangers[i], &alg));
	for (enum jws_alg known = JWS_RS256; known <= JWS_ES384; known++) {
		assert_true(jws_alg_parse(jws_alg_text(known), &alg));
		assert_int_equal(alg, known);
	}
}

static void only_three_segments_are_a_token(void **state)
{
	static const char *const broken[] = { "", ".", "..", "a.b", "a.b.", ".b.c", "a..c",
		"a.b.c.d", "a.b.c.d.e" };
	struct jws jws;
	char *long_token = malloc(JWS_MAX_BYTES + 2);
	(void)state;

	for (size_t i = 0; i < COUNT(broken); i++)
		assert_false(jws_split(broken[i], strlen(broken[i]), &jws));
	assert_true(jws_split("a.b.c", 5, &jws));
	assert_true(slice_is(jws.input, "a.b"));
	memset(long_token, 'a', JWS_MAX_BYTES + 1);
	long_token[1] = long_token[3] = '.';
	assert_true(jws_split(long_token, JWS_MAX_BYTES, &jws));
	assert_false(jws_split(long_token, JWS_MAX_BYTES + 1, &jws));
	free(long_token);
}

/* ---- keys ---- */

static void weak_and_odd_keys_are_not_taken(void **state)
{
	static const char *const broken[] = {
		"{}",
		"[]",
		"null",
		"{\"kty\":\"oct\",\"k\":\"c2VjcmV0\"}",
		"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" VECTOR_X "\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"" VECTOR_X "\",\"y\":\"" VECTOR_Y "\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-521\",\"x\":\"" VECTOR_X "\",\"y\":\"" VECTOR_Y "\"}",
		/* beside the curve */
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" VECTOR_Y "\",\"y\":\"" VECTOR_X "\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" VECTOR_X "\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\",\"y\":\"AA\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":1,\"y\":2}",
		"{\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}",
		"{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"AQAB\"}",
		"{\"kty\":\"RSA\",\"e\":\"AQAB\"}",
		"{\"kty\":\"RSA\",\"kty\":\"EC\"}",
	};
	(void)state;

	for (size_t i = 0; i < COUNT(broken); i++)
		if (jwk_public_key_text(broken[i]))
			fail_msg("taken: %s", broken[i]);
}

static void rsa_keys_have_a_sound_size_and_exponent(void **state)
{
	EVP_PKEY *weak = EVP_RSA_gen(1024);
	EVP_PKEY *good = EVP_RSA_gen(2048);
	char *weak_jwk = rsa_jwk(weak);
	char *good_jwk = rsa_jwk(good);
	(void)state;

	assert_null(jwk_public_key_text(weak_jwk));
	/* e = 1: everything verifies. e = 2: even. */
	static const char *const exponents[] = { "AQ", "Ag", "AAAB", "AQAAAAAAAAAAAAAB" };
	char *at = strstr(good_jwk, "\"e\":");
	for (size_t i = 0; i < COUNT(exponents); i++) {
		char *jwk = NULL;
		assert_true(asprintf(&jwk, "%.*s\"e\":\"%s\"}", (int)(at - good_jwk), good_jwk,
				    exponents[i]) > 0);
		if (jwk_public_key_text(jwk))
			fail_msg("taken: e = %s", exponents[i]);
		free(jwk);
	}
	free(weak_jwk);
	free(good_jwk);
	EVP_PKEY_free(weak);
	EVP_PKEY_free(good);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ecdsa_vector_of_the_rfc),
		cmocka_unit_test(every_rsa_algorithm_round_trips),
		cmocka_unit_test(ecdsa_belongs_to_its_curve),
		cmocka_unit_test(odd_ecdsa_signatures_do_not_hold),
		cmocka_unit_test(rsa_signatures_have_the_length_of_the_key),
		cmocka_unit_test(elliptic_signatures_have_one_length),
		cmocka_unit_test(no_other_algorithm_is_known),
		cmocka_unit_test(only_three_segments_are_a_token),
		cmocka_unit_test(weak_and_odd_keys_are_not_taken),
		cmocka_unit_test(rsa_keys_have_a_sound_size_and_exponent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
