/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one place that makes and judges signatures. An algorithm is a row: the digest, the kind of
 * key it is for, and the length an ECDSA signature must have. JOSE writes an ECDSA signature as two
 * numbers of fixed length, OpenSSL wants DER, so those are rewritten before they are judged.
 */
#include "http/jws.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <string.h>

#define SIGNATURE_MAX 512 /* RSA 4096 */
#define DER_MAX       112 /* two numbers of 48 bytes, their signs and heads */

struct algorithm {
	const char *name;
	const EVP_MD *(*digest)(void);
	int curve;           /* NID; 0: RSA */
	size_t number_bytes; /* of r and s; 0: RSA */
};

static const struct algorithm algorithms[] = {
	[JWS_RS256] = { "RS256", EVP_sha256, 0, 0 },
	[JWS_RS384] = { "RS384", EVP_sha384, 0, 0 },
	[JWS_RS512] = { "RS512", EVP_sha512, 0, 0 },
	[JWS_ES256] = { "ES256", EVP_sha256, NID_X9_62_prime256v1, 32 },
	[JWS_ES384] = { "ES384", EVP_sha384, NID_secp384r1, 48 },
};

const char *jws_alg_text(enum jws_alg alg)
{
	return algorithms[alg].name;
}

bool jws_alg_parse(const char *text, enum jws_alg *ret_alg)
{
	for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++)
		if (strcmp(text, algorithms[i].name) == 0) {
			*ret_alg = (enum jws_alg)i;
			return true;
		}
	return false;
}

static bool is_on_curve(const EVP_PKEY *key, int curve)
{
	char group[64];
	size_t length;

	return EVP_PKEY_is_a(key, "EC") &&
	       EVP_PKEY_get_utf8_string_param(
		       key, OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof group, &length) == 1 &&
	       OBJ_txt2nid(group) == curve;
}

bool jws_alg_fits(enum jws_alg alg, const EVP_PKEY *key)
{
	int curve = algorithms[alg].curve;

	return curve == 0 ? EVP_PKEY_is_a(key, "RSA") == 1 : is_on_curve(key, curve);
}

enum jws_alg jws_own_alg(const EVP_PKEY *key)
{
	return jws_alg_fits(JWS_ES256, key) ? JWS_ES256 : JWS_RS256;
}

/* ---- the envelope ---- */

bool jws_split(const char *token, size_t length, struct jws *ret_jws)
{
	if (length > JWS_MAX_BYTES)
		return false;
	const char *first = memchr(token, '.', length);
	if (!first)
		return false;
	const char *end = token + length;
	const char *second = memchr(first + 1, '.', (size_t)(end - first - 1));
	if (!second || memchr(second + 1, '.', (size_t)(end - second - 1)))
		return false;
	ret_jws->header = (struct slice){ token, (size_t)(first - token) };
	ret_jws->payload = (struct slice){ first + 1, (size_t)(second - first - 1) };
	ret_jws->signature = (struct slice){ second + 1, (size_t)(end - second - 1) };
	ret_jws->input = (struct slice){ token, (size_t)(second - token) };
	return ret_jws->header.length && ret_jws->payload.length && ret_jws->signature.length;
}

json_t *jws_object(struct slice segment)
{
	unsigned char bytes[JWS_MAX_BYTES];
	size_t length;

	if (segment.length > JWS_MAX_BYTES ||
		!base64url_decode(segment.bytes, segment.length, bytes, &length))
		return NULL;
	json_t *value = json_loadb((const char *)bytes, length, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(value))
		return value;
	json_decref(value);
	return NULL;
}

/* ---- signatures ---- */

/* r || s as DER, or 0 when that cannot be. */
static size_t der_of(const unsigned char *raw, size_t number_bytes, unsigned char der[DER_MAX])
{
	ECDSA_SIG *signature = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, (int)number_bytes, NULL);
	BIGNUM *s = BN_bin2bn(raw + number_bytes, (int)number_bytes, NULL);
	int length = 0;

	if (signature && r && s && ECDSA_SIG_set0(signature, r, s) == 1) {
		r = s = NULL; /* they are the signature's now */
		length = i2d_ECDSA_SIG(signature, NULL);
		if (length > 0 && length <= DER_MAX)
			length = i2d_ECDSA_SIG(signature, &der);
		else
			length = 0;
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(signature);
	return length > 0 ? (size_t)length : 0;
}

static bool verify(const struct algorithm *algorithm, EVP_PKEY *key, struct slice input,
	const unsigned char *signature, size_t length)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool holds = context &&
		     EVP_DigestVerifyInit(context, NULL, algorithm->digest(), NULL, key) == 1 &&
		     EVP_DigestVerify(context, signature, length,
			     (const unsigned char *)input.bytes, input.length) == 1;

	EVP_MD_CTX_free(context);
	ERR_clear_error();
	return holds;
}

bool jws_signature_holds(
	enum jws_alg alg, EVP_PKEY *key, struct slice input, struct slice signature)
{
	const struct algorithm *algorithm = &algorithms[alg];
	unsigned char bytes[BASE64URL_BYTES(SIGNATURE_MAX)];
	unsigned char der[DER_MAX];
	size_t length;

	if (signature.length >= sizeof bytes || !jws_alg_fits(alg, key) ||
		!base64url_decode(signature.bytes, signature.length, bytes, &length))
		return false;
	if (algorithm->curve == 0)
		return length == (size_t)EVP_PKEY_get_size(key) &&
		       verify(algorithm, key, input, bytes, length);
	if (length != 2 * algorithm->number_bytes)
		return false;
	length = der_of(bytes, algorithm->number_bytes, der);
	return length > 0 && verify(algorithm, key, input, der, length);
}

static void append_base64url(struct text *text, const void *bytes, size_t length)
{
	text_reserve(text, BASE64URL_BYTES(length));
	text->length += base64url_encode(bytes, length, text->bytes + text->length);
}

/* DER as r || s, each of its full length. */
static bool raw_of(const unsigned char *der, size_t length, size_t number_bytes, unsigned char *raw)
{
	ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)length);
	int width = (int)number_bytes;
	bool done = signature && BN_bn2binpad(ECDSA_SIG_get0_r(signature), raw, width) == width &&
		    BN_bn2binpad(ECDSA_SIG_get0_s(signature), raw + number_bytes, width) == width;

	ECDSA_SIG_free(signature);
	return done;
}

bool jws_signature_append(struct text *out, enum jws_alg alg, EVP_PKEY *key, struct slice input)
{
	unsigned char signature[SIGNATURE_MAX];
	unsigned char raw[SIGNATURE_MAX];
	size_t length = sizeof signature;
	size_t number_bytes = algorithms[alg].number_bytes;
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool done = context && jws_alg_fits(alg, key) &&
		    EVP_DigestSignInit(context, NULL, algorithms[alg].digest(), NULL, key) == 1 &&
		    EVP_DigestSign(context, signature, &length, (const unsigned char *)input.bytes,
			    input.length) == 1;

	EVP_MD_CTX_free(context);
	if (done && number_bytes > 0)
		done = raw_of(signature, length, number_bytes, raw);
	ERR_clear_error();
	if (done && number_bytes > 0)
		append_base64url(out, raw, 2 * number_bytes);
	else if (done)
		append_base64url(out, signature, length);
	return done;
}

const char *jws_sign(const char *header, const char *claims, enum jws_alg alg, EVP_PKEY *key,
	struct arena *arena)
{
	struct text input = TEXT_INIT;
	struct text signature = TEXT_INIT;
	const char *token = NULL;

	append_base64url(&input, header, strlen(header));
	text_append_char(&input, '.');
	append_base64url(&input, claims, strlen(claims));
	if (jws_signature_append(&signature, alg, key, (struct slice){ input.bytes, input.length }))
		token = arena_printf(arena, "%s.%s", input.bytes, signature.bytes);
	text_release(&input);
	text_release(&signature);
	return token;
}
