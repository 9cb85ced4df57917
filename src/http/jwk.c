/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JWK becomes an EVP_PKEY through OSSL_PARAM, never through text: there is no PEM to be parsed
 * and nothing to be quoted. What is weak or odd is refused here once: short keys, keys so long that
 * a verification costs milliseconds, an exponent under which everything verifies, a point beside
 * its curve.
 */
#include "http/jwk.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <string.h>

#include "base/text.h"

#define RSA_BITS_MIN  2048
#define RSA_BITS_MAX  4096
#define EXPONENT_BITS 64
#define NUMBER_BYTES  (RSA_BITS_MAX / 8 + 1) /* some write a leading zero */
#define POINT_BYTES   (1 + 2 * 48)

struct curve {
	const char *jwk_name;
	const char *group;
	size_t number_bytes;
};

static const struct curve curves[] = {
	{ "P-256", "prime256v1", 32 },
	{ "P-384", "secp384r1", 48 },
};

/* The bytes of a base64url member; false when it is not one or longer than `most`. */
static bool member_bytes(const json_t *jwk, const char *name, size_t most,
	unsigned char out[NUMBER_BYTES + 2], size_t *ret_length)
{
	const char *text = json_string_value(json_object_get(jwk, name));

	return text && strlen(text) < BASE64URL_BYTES(most) &&
	       base64url_decode(text, strlen(text), out, ret_length) && *ret_length > 0;
}

static BIGNUM *member_number(const json_t *jwk, const char *name)
{
	unsigned char bytes[NUMBER_BYTES + 2];
	size_t length;

	return member_bytes(jwk, name, NUMBER_BYTES, bytes, &length)
		       ? BN_bin2bn(bytes, (int)length, NULL)
		       : NULL;
}

static EVP_PKEY *key_from(const char *type, OSSL_PARAM_BLD *builder)
{
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(builder);
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *key = NULL;

	if (params && context && EVP_PKEY_fromdata_init(context) == 1)
		(void)EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, params);
	OSSL_PARAM_free(params);
	EVP_PKEY_CTX_free(context);
	return key;
}

static EVP_PKEY *key_of_rsa(const json_t *jwk)
{
	BIGNUM *n = member_number(jwk, "n");
	BIGNUM *e = member_number(jwk, "e");
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EVP_PKEY *key = NULL;
	bool is_sound = n && e && builder && BN_num_bits(n) >= RSA_BITS_MIN &&
			BN_num_bits(n) <= RSA_BITS_MAX && BN_is_odd(n) && BN_is_odd(e) &&
			!BN_is_one(e) && BN_num_bits(e) <= EXPONENT_BITS;

	if (is_sound && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
		OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		key = key_from("RSA", builder);
	OSSL_PARAM_BLD_free(builder);
	BN_free(n);
	BN_free(e);
	return key;
}

static const struct curve *curve_of(const json_t *jwk)
{
	const char *name = json_string_value(json_object_get(jwk, "crv"));

	for (size_t i = 0; name && i < sizeof curves / sizeof *curves; i++)
		if (strcmp(name, curves[i].jwk_name) == 0)
			return &curves[i];
	return NULL;
}

/* 04 || x || y, with both of their full length (RFC 7518 §6.2.1.2). */
static bool point_of(const json_t *jwk, size_t number_bytes, unsigned char point[POINT_BYTES])
{
	static const char *const names[] = { "x", "y" };
	unsigned char bytes[NUMBER_BYTES + 2];
	size_t length;

	point[0] = POINT_CONVERSION_UNCOMPRESSED;
	for (size_t i = 0; i < 2; i++) {
		if (!member_bytes(jwk, names[i], number_bytes, bytes, &length) ||
			length != number_bytes)
			return false;
		memcpy(point + 1 + i * number_bytes, bytes, number_bytes);
	}
	return true;
}

/* OpenSSL refuses a point that is not on the curve. */
static EVP_PKEY *key_of_ec(const json_t *jwk)
{
	const struct curve *curve = curve_of(jwk);
	unsigned char point[POINT_BYTES];

	if (!curve || !point_of(jwk, curve->number_bytes, point))
		return NULL;
	OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
	EVP_PKEY *key = NULL;
	if (builder &&
		OSSL_PARAM_BLD_push_utf8_string(
			builder, OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0) == 1 &&
		OSSL_PARAM_BLD_push_octet_string(
			builder, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * curve->number_bytes) == 1)
		key = key_from("EC", builder);
	OSSL_PARAM_BLD_free(builder);
	return key;
}

EVP_PKEY *jwk_public_key(const json_t *jwk)
{
	const char *type = json_string_value(json_object_get(jwk, "kty"));
	EVP_PKEY *key = NULL;

	if (type && strcmp(type, "RSA") == 0)
		key = key_of_rsa(jwk);
	else if (type && strcmp(type, "EC") == 0)
		key = key_of_ec(jwk);
	ERR_clear_error();
	return key;
}

EVP_PKEY *jwk_public_key_text(const char *text)
{
	json_t *jwk = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	EVP_PKEY *key = jwk_public_key(jwk);

	json_decref(jwk);
	return key;
}
