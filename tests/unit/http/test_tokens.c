/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access tokens. The first tests show the use, then come the attacks: every row of a table is one
 * thing an attacker may change in an otherwise good token, signed with our own key where that makes
 * the attack stronger.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/token_cache.h"
#include "http/tokens.h"

#include "base/clock.h"

#include <jwt.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define ISSUER "https://api.example.test"
#define NOW_S  INT64_C(1800000000)
#define NOW_US (NOW_S * CLOCK_SECOND_US)
#define LIFE_S 600

#define USER    "01932bf3-4d33-7f44-8d34-6c7d8e9fa0b1"
#define CLIENT  "01932bf3-4d33-7f44-8d34-6c7d8e9fa0c2"
#define PROGRAM "01932bf0-1a00-7c11-8a01-3f5f6f7a8b01"
#define PARTNER "01932bf0-1a00-7c11-8a01-3f5f6f7a8b02"
#define SESSION "01932bf0-1a00-7c11-8a01-3f5f6f7a8b03"
#define GRANT   "01932bf3-4d33-7f44-8d34-6c7d8e9fa0c7"

struct fixture {
	struct arena *arena;
	struct keys *keys;
	struct tokens *tokens;
	struct key_record records[2]; /* active, next */
	struct key *key;              /* the active one */
	EVP_PKEY *active;
	EVP_PKEY *stranger;
	char *public_pem;
};

static struct fixture fixture;

static int make_keys(void **state)
{
	struct text fault = TEXT_INIT;
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL;
	(void)state;

	fixture.arena = arena_new();
	fixture.keys = keys_make();
	assert_true(key_generate(JWS_RS256, fixture.arena, &fixture.records[0]));
	assert_true(key_generate(JWS_RS256, fixture.arena, &fixture.records[1]));
	fixture.records[0].state = "active";
	fixture.records[1].state = "next";
	assert_true(keys_install(fixture.keys, fixture.records, 2, &fault));
	fixture.key = keys_signer(fixture.keys);
	fixture.active = fixture.key->pkey;
	fixture.stranger = EVP_RSA_gen(2048);
	PEM_write_bio_PUBKEY(bio, fixture.active);
	long length = BIO_get_mem_data(bio, &data);
	fixture.public_pem = arena_strndup(fixture.arena, data, (size_t)length);
	BIO_free(bio);
	return 0;
}

static int drop_keys(void **state)
{
	(void)state;
	key_release(fixture.key);
	EVP_PKEY_free(fixture.stranger);
	keys_free(fixture.keys);
	arena_free(fixture.arena);
	return 0;
}

static int set_up(void **state)
{
	struct text fault = TEXT_INIT;
	(void)state;

	assert_true(keys_install(fixture.keys, fixture.records, 2, &fault));
	fixture.tokens = tokens_make(fixture.keys, ISSUER, LIFE_S);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fixture.tokens = tokens_free(fixture.tokens);
	return 0;
}

static struct actor a_user(void)
{
	return (struct actor){
		.is_user = true,
		.id = USER,
		.program_id = PROGRAM,
		.session_id = SESSION,
		.role = ROLE_admin,
		.scopes = role_scopes(ROLE_admin),
		.issued_at_us = NOW_US,
	};
}

static struct actor a_client(void)
{
	return (struct actor){
		.id = CLIENT,
		.client_id = CLIENT,
		.program_id = PROGRAM,
		.partner_id = PARTNER,
		.scopes = SCOPE_BIT(deals_read) | SCOPE_BIT(deals_write),
		.issued_at_us = NOW_US,
	};
}

/* ---- forging ---- */

static char *encode(const void *bytes, size_t length)
{
	char *text = arena_alloc(fixture.arena, BASE64URL_BYTES(length));

	base64url_encode(bytes, length, text);
	return text;
}

static char *input_of(const char *header, const char *payload)
{
	return arena_printf(fixture.arena, "%s.%s", encode(header, strlen(header)),
		encode(payload, strlen(payload)));
}

static char *with_signature(const char *input, EVP_PKEY *key, const EVP_MD *digest)
{
	unsigned char signature[512];
	size_t length = sizeof signature;
	EVP_MD_CTX *context = EVP_MD_CTX_new();

	assert_int_equal(EVP_DigestSignInit(context, NULL, digest, NULL, key), 1);
	assert_int_equal(EVP_DigestSign(context, signature, &length, (const unsigned char *)input,
				 strlen(input)),
		1);
	EVP_MD_CTX_free(context);
	return arena_printf(fixture.arena, "%s.%s", input, encode(signature, length));
}

static const char *good_header(void)
{
	return arena_printf(fixture.arena, "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}",
		fixture.records[0].kid);
}

static json_t *good_claims(void)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:s, s:s, s:s}", "iss", ISSUER,
		"aud", ISSUER, "sub", USER, "client_id", "partnerd", "iat", (json_int_t)NOW_S,
		"exp", (json_int_t)(NOW_S + LIFE_S), "jti", "01932bf0-1a00-7c11-8a01-3f5f6f7a8b04",
		"scope", "deals:read", "program_id", PROGRAM, "role", "admin", "sid", SESSION);
}

static char *text_of(json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);
	char *copy = arena_strdup(fixture.arena, text);

	free(text);
	json_decref(value);
	return copy;
}

/* Signed by us, with this header and payload. */
static char *forge(const char *header, const char *payload)
{
	return with_signature(input_of(header, payload), fixture.active, EVP_sha256());
}

static char *good_token(void)
{
	return forge(good_header(), text_of(good_claims()));
}

static enum token_verdict judge_at(const char *token, size_t length, int64_t now_us)
{
	struct actor actor;

	return tokens_verify(fixture.tokens, token, length, now_us, &actor);
}

static enum token_verdict judge(const char *token)
{
	return judge_at(token, strlen(token), NOW_US);
}

/* ---- use ---- */

static void minted_token_is_verified(void **state)
{
	struct actor user = a_user();
	struct actor actor;
	(void)state;

	const char *token = tokens_mint(fixture.tokens, &user, fixture.arena);
	assert_non_null(token);
	for (int i = 0; i < 2; i++) { /* the second time from memory */
		memset(&actor, 0xff, sizeof actor);
		assert_int_equal(
			tokens_verify(fixture.tokens, token, strlen(token), NOW_US, &actor),
			TOKEN_OK);
		assert_true(actor.is_user);
		assert_string_equal(actor.id, USER);
		assert_string_equal(actor.program_id, PROGRAM);
		assert_string_equal(actor.partner_id, "");
		assert_string_equal(actor.client_id, "");
		assert_string_equal(actor.session_id, SESSION);
		assert_int_equal(actor.role, ROLE_admin);
		assert_int_equal(actor.scopes, role_scopes(ROLE_admin));
		assert_int_equal(actor.issued_at_us, NOW_US);
		assert_int_equal(actor.expires_at_us, NOW_US + LIFE_S * CLOCK_SECOND_US);
	}
}

static void client_token_is_verified(void **state)
{
	struct actor client = a_client();
	struct actor actor;
	(void)state;

	const char *token = tokens_mint(fixture.tokens, &client, fixture.arena);
	assert_int_equal(
		tokens_verify(fixture.tokens, token, strlen(token), NOW_US, &actor), TOKEN_OK);
	assert_false(actor.is_user);
	assert_string_equal(actor.id, CLIENT);
	assert_string_equal(actor.client_id, CLIENT);
	assert_string_equal(actor.partner_id, PARTNER);
	assert_string_equal(actor.session_id, "");
	assert_int_equal(actor.scopes, SCOPE_BIT(deals_read) | SCOPE_BIT(deals_write));
}

static json_t *segment(const char *text, size_t length)
{
	unsigned char bytes[TOKEN_MAX_BYTES];
	size_t decoded;

	assert_true(base64url_decode(text, length, bytes, &decoded));
	return json_loadb((const char *)bytes, decoded, JSON_REJECT_DUPLICATES, NULL);
}

/* What the client may do, from where and until when travels in its token. */
static void client_terms_are_carried(void **state)
{
	struct actor client = a_client();
	struct actor actor;
	(void)state;

	strcpy(client.grant_id, GRANT);
	assert_true(networks_parse("10.0.0.0/8 2001:db8::/32", client.networks, CLIENT_MAX_NETWORKS,
		&client.network_count));
	client.expires_at_us = NOW_US + 7 * CLOCK_SECOND_US;
	assert_int_equal(tokens_life_s(fixture.tokens, &client), 7);
	const char *token = tokens_mint(fixture.tokens, &client, fixture.arena);
	for (int i = 0; i < 2; i++) { /* the second time from memory */
		assert_int_equal(
			tokens_verify(fixture.tokens, token, strlen(token), NOW_US, &actor),
			TOKEN_OK);
		assert_string_equal(actor.grant_id, GRANT);
		assert_int_equal(actor.network_count, 2);
		assert_true(client_may_come_from(actor.networks, 2, "2001:db8::1"));
		assert_false(client_may_come_from(actor.networks, 2, "192.0.2.1"));
	}
	assert_int_equal(
		judge_at(token, strlen(token), NOW_US + 7 * CLOCK_SECOND_US), TOKEN_EXPIRED);
	client.expires_at_us = NOW_US + 2 * LIFE_S * CLOCK_SECOND_US;
	assert_int_equal(tokens_life_s(fixture.tokens, &client), LIFE_S);
}

static void client_terms_are_strict(void **state)
{
	static const struct {
		const char *claim, *json;
	} cases[] = {
		{ "grant_id", "\"none\"" },
		{ "grant_id", "null" },
		{ "networks", "\"\"" },
		{ "networks", "\"10.0.0.0/8 \"" },
		{ "networks", "\"everywhere\"" },
		{ "networks", "\"10.0.0.0/8,::1\"" },
		{ "networks", "[]" },
		{ "networks", "[\"10.0.0.0/8\"]" },
		{ "networks", "null" },
	};
	struct actor client = a_client();
	(void)state;

	const char *minted = tokens_mint(fixture.tokens, &client, fixture.arena);
	const char *payload = strchr(minted, '.') + 1;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		json_t *claims = segment(payload, strcspn(payload, "."));

		json_object_set_new(
			claims, cases[i].claim, json_loads(cases[i].json, JSON_DECODE_ANY, NULL));
		assert_int_equal(judge(forge(good_header(), text_of(claims))), TOKEN_INVALID);
	}
}

/* RFC 9068 §2: what others read in our tokens. */
static void minted_token_has_the_members_of_the_rfc(void **state)
{
	struct actor client = a_client();
	(void)state;

	const char *token = tokens_mint(fixture.tokens, &client, fixture.arena);
	const char *payload = strchr(token, '.') + 1;
	json_t *header = segment(token, (size_t)(payload - 1 - token));
	json_t *claims = segment(payload, strcspn(payload, "."));
	assert_string_equal(json_string_value(json_object_get(header, "typ")), "at+jwt");
	assert_string_equal(json_string_value(json_object_get(header, "alg")), "RS256");
	assert_string_equal(
		json_string_value(json_object_get(header, "kid")), fixture.records[0].kid);
	assert_int_equal(json_object_size(header), 3);
	assert_string_equal(json_string_value(json_object_get(claims, "iss")), ISSUER);
	assert_string_equal(json_string_value(json_object_get(claims, "aud")), ISSUER);
	assert_string_equal(json_string_value(json_object_get(claims, "sub")), CLIENT);
	assert_string_equal(json_string_value(json_object_get(claims, "client_id")), CLIENT);
	assert_string_equal(
		json_string_value(json_object_get(claims, "scope")), "deals:read deals:write");
	assert_string_equal(json_string_value(json_object_get(claims, "partner_id")), PARTNER);
	assert_int_equal(json_integer_value(json_object_get(claims, "iat")), NOW_S);
	assert_int_equal(json_integer_value(json_object_get(claims, "exp")), NOW_S + LIFE_S);
	assert_true(json_is_string(json_object_get(claims, "jti")));
	assert_null(json_object_get(claims, "role"));
	assert_null(json_object_get(claims, "sid"));
	json_decref(header);
	json_decref(claims);
}

static void role_bounds_the_scopes(void **state)
{
	json_t *claims = good_claims();
	struct actor actor;
	(void)state;

	json_object_set_new(claims, "role", json_string("viewer"));
	json_object_set_new(claims, "scope", json_string("deals:read users:manage"));
	const char *token = forge(good_header(), text_of(claims));
	assert_int_equal(
		tokens_verify(fixture.tokens, token, strlen(token), NOW_US, &actor), TOKEN_OK);
	assert_int_equal(actor.scopes, SCOPE_BIT(deals_read) & role_scopes(ROLE_viewer));
}

static json_t *client_claims(void)
{
	json_t *claims = good_claims();

	json_object_del(claims, "role");
	json_object_del(claims, "sid");
	json_object_set_new(claims, "sub", json_string(CLIENT));
	json_object_set_new(claims, "client_id", json_string(CLIENT));
	json_object_set_new(claims, "partner_id", json_string(PARTNER));
	return claims;
}

static void side_bounds_the_scopes(void **state)
{
	json_t *claims = client_claims();
	struct actor actor;
	(void)state;

	json_object_set_new(claims, "scope", json_string("deals:read deals:approve audit:read"));
	const char *token = forge(good_header(), text_of(claims));
	assert_int_equal(
		tokens_verify(fixture.tokens, token, strlen(token), NOW_US, &actor), TOKEN_OK);
	assert_int_equal(actor.scopes, SCOPE_BIT(deals_read));
}

static void clients_speak_for_themselves(void **state)
{
	static const char *const strange[][2] = {
		{ "client_id", USER },
		{ "sub", USER },
		{ "role", "admin" },
		{ "sid", SESSION },
	};
	(void)state;

	assert_int_equal(judge(forge(good_header(), text_of(client_claims()))), TOKEN_OK);
	for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
		json_t *claims = client_claims();
		json_object_set_new(claims, strange[i][0], json_string(strange[i][1]));
		if (judge(forge(good_header(), text_of(claims))) != TOKEN_INVALID)
			fail_msg("client with %s = %s", strange[i][0], strange[i][1]);
	}
}

/* ---- claims ---- */

/* `value` is JSON; NULL removes the claim. */
static const struct claim_case {
	const char *name;
	const char *value;
	enum token_verdict verdict;
} claim_cases[] = {
	{ "extra", "\"ignored\"", TOKEN_OK },
	{ "iss", NULL, TOKEN_INVALID },
	{ "iss", "\"https://evil.example\"", TOKEN_INVALID },
	{ "iss", "\"https://api.example.test/\"", TOKEN_INVALID },
	{ "iss", "[\"https://api.example.test\"]", TOKEN_INVALID },
	{ "iss", "1", TOKEN_INVALID },
	{ "aud", NULL, TOKEN_INVALID },
	{ "aud", "\"https://other.example\"", TOKEN_INVALID },
	{ "aud", "[]", TOKEN_INVALID },
	{ "aud", "[\"https://other.example\"]", TOKEN_INVALID },
	{ "aud", "[\"https://api.example.test\", 7]", TOKEN_INVALID },
	{ "aud", "[\"https://other.example\", \"https://api.example.test\"]", TOKEN_OK },
	{ "aud", "{\"https://api.example.test\": true}", TOKEN_INVALID },
	{ "exp", NULL, TOKEN_INVALID },
	{ "exp", "1800000000", TOKEN_INVALID }, /* not after iat */
	{ "exp", "1800000600.0", TOKEN_INVALID },
	{ "exp", "1.8000006e9", TOKEN_INVALID },
	{ "exp", "\"1800000600\"", TOKEN_INVALID },
	{ "exp", "-1", TOKEN_INVALID },
	{ "exp", "0", TOKEN_INVALID },
	{ "exp", "true", TOKEN_INVALID },
	{ "exp", "null", TOKEN_INVALID },
	{ "exp", "9223372036854775807", TOKEN_INVALID },
	{ "iat", NULL, TOKEN_INVALID },
	{ "iat", "1800000060", TOKEN_OK }, /* a clock a minute ahead */
	{ "iat", "1800000061", TOKEN_INVALID },
	{ "iat", "1799999999.5", TOKEN_INVALID },
	{ "iat", "\"1800000000\"", TOKEN_INVALID },
	{ "iat", "-1", TOKEN_INVALID },
	{ "iat", "1799999399", TOKEN_EXPIRED }, /* no token lives longer than ours do */
	{ "nbf", "1800000000", TOKEN_OK },
	{ "nbf", "1800000060", TOKEN_OK },
	{ "nbf", "1800000061", TOKEN_INVALID },
	{ "nbf", "\"0\"", TOKEN_INVALID },
	{ "nbf", "1.5", TOKEN_INVALID },
	{ "nbf", "null", TOKEN_INVALID },
	{ "sub", NULL, TOKEN_INVALID },
	{ "sub", "\"admin\"", TOKEN_INVALID },
	{ "sub", "7", TOKEN_INVALID },
	{ "sub", "\"01932bf3-4d33-7f44-8d34-6c7d8e9fa0b1'--\"", TOKEN_INVALID },
	{ "client_id", NULL, TOKEN_INVALID },
	{ "client_id", "\"other\"", TOKEN_INVALID },
	{ "client_id", "\"01932bf3-4d33-7f44-8d34-6c7d8e9fa0b1\"",
		TOKEN_INVALID }, /* a client has no role */
	{ "jti", NULL, TOKEN_INVALID },
	{ "jti", "\"\"", TOKEN_INVALID },
	{ "jti", "1", TOKEN_INVALID },
	{ "scope", NULL, TOKEN_INVALID },
	{ "scope", "[\"deals:read\"]", TOKEN_INVALID },
	{ "scope", "\"deals:read root\"", TOKEN_INVALID },
	{ "scope", "\"deals:read,users:manage\"", TOKEN_INVALID },
	{ "program_id", NULL, TOKEN_INVALID },
	{ "program_id", "\"*\"", TOKEN_INVALID },
	{ "program_id", "\"\"", TOKEN_INVALID },
	{ "partner_id", "\"*\"", TOKEN_INVALID },
	{ "partner_id", "null", TOKEN_INVALID },
	{ "partner_id", "\"01932bf0-1a00-7c11-8a01-3f5f6f7a8b02\"",
		TOKEN_INVALID }, /* admin is the vendor's */
	{ "role", NULL, TOKEN_INVALID },
	{ "role", "\"root\"", TOKEN_INVALID },
	{ "role", "\"partner_admin\"", TOKEN_INVALID }, /* without a partner */
	{ "role", "0", TOKEN_INVALID },
	{ "sid", NULL, TOKEN_INVALID },
	{ "sid", "\"none\"", TOKEN_INVALID },
};

static void claims_are_strict(void **state)
{
	(void)state;

	assert_int_equal(judge(good_token()), TOKEN_OK);
	for (size_t i = 0; i < sizeof claim_cases / sizeof *claim_cases; i++) {
		const struct claim_case *one = &claim_cases[i];
		json_t *claims = good_claims();
		if (one->value)
			json_object_set_new(
				claims, one->name, json_loads(one->value, JSON_DECODE_ANY, NULL));
		else
			json_object_del(claims, one->name);
		enum token_verdict verdict = judge(forge(good_header(), text_of(claims)));
		if (verdict != one->verdict)
			fail_msg("claim %s = %s: verdict %d", one->name,
				one->value ? one->value : "absent", verdict);
	}
}

static void expiry_is_told_of_honest_tokens_only(void **state)
{
	struct actor user = a_user();
	json_t *claims = good_claims();
	int64_t end_us = NOW_US + LIFE_S * CLOCK_SECOND_US;
	(void)state;

	const char *token = tokens_mint(fixture.tokens, &user, fixture.arena);
	assert_int_equal(judge_at(token, strlen(token), end_us), TOKEN_EXPIRED);
	assert_int_equal(judge_at(token, strlen(token), end_us - 1), TOKEN_OK);
	assert_int_equal(
		judge_at(token, strlen(token), end_us), TOKEN_EXPIRED); /* though remembered */
	json_object_set_new(claims, "aud", json_string("https://other.example"));
	token = forge(good_header(), text_of(claims));
	assert_int_equal(judge_at(token, strlen(token), end_us), TOKEN_INVALID);
	token = with_signature(
		input_of(good_header(), text_of(good_claims())), fixture.stranger, EVP_sha256());
	assert_int_equal(judge_at(token, strlen(token), end_us), TOKEN_INVALID);
}

static void claims_are_one_unambiguous_object(void **state)
{
	char *claims = text_of(good_claims());
	char *open = arena_strndup(fixture.arena, claims, strlen(claims) - 1);
	const char *bad[] = {
		arena_printf(fixture.arena, "%s,\"sub\":\"" CLIENT "\"}", open),
		arena_printf(fixture.arena, "%s,\"role\":\"admin\"}", open),
		arena_printf(fixture.arena, "%s,\"extra\":{\"a\":1,\"a\":2}}", open),
		arena_printf(fixture.arena, "[%s]", claims),
		arena_printf(fixture.arena, "%s%s", claims, claims),
		arena_printf(fixture.arena, "\xEF\xBB\xBF%s", claims),
		arena_printf(fixture.arena, "%s,\"extra\":\"a\\u0000b\"}", open),
		arena_printf(fixture.arena, "%s,\"extra\":\"\xff\"}", open),
		open,
		"null",
		"{}",
		"0",
		" ",
	};
	(void)state;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (judge(forge(good_header(), bad[i])) != TOKEN_INVALID)
			fail_msg("payload %s", bad[i]);
	assert_int_equal(judge(forge(good_header(), arena_printf(fixture.arena, " %s\n", claims))),
		TOKEN_OK);
}

/* ---- header ---- */

/* %s stands for the kid of the active key. */
static const struct header_case {
	const char *format;
	enum token_verdict verdict;
} header_cases[] = {
	{ "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}", TOKEN_OK },
	{ "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\",\"jku\":\"https://evil.example/"
	  "jwks\"}",
		TOKEN_OK },
	{ "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\",\"x5u\":\"https://evil.example/"
	  "c.pem\"}",
		TOKEN_OK },
	{ "{\"alg\":\"none\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}", TOKEN_INVALID },
	{ "{\"alg\":\"None\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}", TOKEN_INVALID },
	{ "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}", TOKEN_INVALID },
	{ "{\"alg\":\"RS512\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}", TOKEN_INVALID },
	{ "{\"alg\":\"PS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}", TOKEN_INVALID },
	{ "{\"alg\":\"ES256\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}", TOKEN_INVALID },
	{ "{\"alg\":\"rs256\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}", TOKEN_INVALID },
	{ "{\"alg\":[\"RS256\"],\"typ\":\"at+jwt\",\"kid\":\"%s\"}", TOKEN_INVALID },
	{ "{\"typ\":\"at+jwt\",\"kid\":\"%s\"}", TOKEN_INVALID },
	{ "{\"alg\":\"RS256\",\"typ\":\"JWT\",\"kid\":\"%s\"}", TOKEN_INVALID },
	{ "{\"alg\":\"RS256\",\"typ\":\"id+jwt\",\"kid\":\"%s\"}", TOKEN_INVALID },
	{ "{\"alg\":\"RS256\",\"typ\":1,\"kid\":\"%s\"}", TOKEN_INVALID },
	{ "{\"alg\":\"RS256\",\"kid\":\"%s\"}", TOKEN_INVALID },
	{ "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\",\"crit\":[\"exp\"]}",
		TOKEN_INVALID },
	{ "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\",\"crit\":null}", TOKEN_INVALID },
	{ "{\"alg\":\"none\",\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}", TOKEN_INVALID },
	{ "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\",\"kid\":\"x\"}", TOKEN_INVALID },
	{ "{\"alg\":\"RS256\",\"typ\":\"at+jwt\"}", TOKEN_INVALID },
	{ "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"\"}", TOKEN_INVALID },
	{ "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":7}", TOKEN_INVALID },
	{ "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":null}", TOKEN_INVALID },
	{ "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":[\"%s\"]}", TOKEN_INVALID },
	{ "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\\u0000\"}", TOKEN_INVALID },
	{ "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"%sA\"}",
		TOKEN_INVALID }, /* longer than any kid */
	{ "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"unknown\"}", TOKEN_UNKNOWN_KEY },
	{ "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"' or '1'='1\"}", TOKEN_UNKNOWN_KEY },
	{ "{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"../../../dev/null\"}",
		TOKEN_UNKNOWN_KEY },
	{ "[\"RS256\"]", TOKEN_INVALID },
	{ "{}", TOKEN_INVALID },
	{ "null", TOKEN_INVALID },
	{ "{\"alg\":\"RS256\"", TOKEN_INVALID },
};

static char *replace_kid(const char *format)
{
	const char *mark = strstr(format, "%s");

	if (!mark)
		return arena_strdup(fixture.arena, format);
	return arena_printf(fixture.arena, "%.*s%s%s", (int)(mark - format), format,
		fixture.records[0].kid, mark + 2);
}

static void headers_are_strict(void **state)
{
	char *claims = text_of(good_claims());
	(void)state;

	for (size_t i = 0; i < sizeof header_cases / sizeof *header_cases; i++) {
		enum token_verdict verdict =
			judge(forge(replace_kid(header_cases[i].format), claims));
		if (verdict != header_cases[i].verdict)
			fail_msg("header %s: verdict %d", header_cases[i].format, verdict);
	}
}

/* ---- signature ---- */

static void unsigned_tokens_are_refused(void **state)
{
	char *claims = text_of(good_claims());
	char *none = replace_kid("{\"alg\":\"none\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}");
	(void)state;

	assert_int_equal(
		judge(arena_printf(fixture.arena, "%s.", input_of(none, claims))), TOKEN_INVALID);
	assert_int_equal(
		judge(arena_printf(fixture.arena, "%s.AA", input_of(none, claims))), TOKEN_INVALID);
	assert_int_equal(judge(arena_printf(fixture.arena, "%s.", input_of(good_header(), claims))),
		TOKEN_INVALID);
	assert_int_equal(judge(input_of(good_header(), claims)), TOKEN_INVALID);
}

/* The public key as the secret of an HMAC, with an honest and with a lying header. */
static void public_key_is_no_secret(void **state)
{
	const char *headers[] = {
		replace_kid("{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}"),
		good_header(),
	};
	char *claims = text_of(good_claims());
	(void)state;

	for (size_t i = 0; i < 2; i++) {
		unsigned char mac[32];
		char *input = input_of(headers[i], claims);
		HMAC(EVP_sha256(), fixture.public_pem, (int)strlen(fixture.public_pem),
			(const unsigned char *)input, strlen(input), mac, NULL);
		assert_int_equal(
			judge(arena_printf(fixture.arena, "%s.%s", input, encode(mac, sizeof mac))),
			TOKEN_INVALID);
	}
}

/* What another library makes of our claims: libjwt's own tokens, with the public key as secret, and
 * unsigned. */
static void tokens_of_libjwt_are_refused(void **state)
{
	static const jwt_alg_t algorithms[] = { JWT_ALG_HS256, JWT_ALG_HS512, JWT_ALG_RS256,
		JWT_ALG_NONE };
	(void)state;

	for (size_t i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
		bool is_rsa = algorithms[i] == JWT_ALG_RS256;
		const char *key = is_rsa ? fixture.records[0].private_pem : fixture.public_pem;
		jwt_t *jwt = NULL;
		assert_int_equal(jwt_new(&jwt), 0);
		assert_int_equal(jwt_add_grants_json(jwt, text_of(good_claims())), 0);
		assert_int_equal(jwt_add_header(jwt, "kid", fixture.records[0].kid), 0);
		assert_int_equal(jwt_add_header(jwt, "typ", "at+jwt"), 0);
		if (algorithms[i] != JWT_ALG_NONE)
			assert_int_equal(jwt_set_alg(jwt, algorithms[i], (const unsigned char *)key,
						 (int)strlen(key)),
				0);
		char *token = jwt_encode_str(jwt);
		assert_non_null(token);
		assert_int_equal(judge(token), TOKEN_INVALID);
		free(token);
		jwt_free(jwt);
	}
}

static void other_keys_do_not_sign_for_us(void **state)
{
	char *input = input_of(good_header(), text_of(good_claims()));
	(void)state;

	assert_int_equal(
		judge(with_signature(input, fixture.stranger, EVP_sha256())), TOKEN_INVALID);
	/* Our own other key, under the wrong kid. */
	char *swapped = arena_printf(fixture.arena,
		"{\"alg\":\"RS256\",\"typ\":\"at+jwt\",\"kid\":\"%s\"}", fixture.records[1].kid);
	assert_int_equal(judge(forge(swapped, text_of(good_claims()))), TOKEN_INVALID);
	/* The right key with another digest. */
	assert_int_equal(judge(with_signature(input, fixture.active, EVP_sha512())), TOKEN_INVALID);
	assert_int_equal(judge(with_signature(input, fixture.active, EVP_sha1())), TOKEN_INVALID);
}

static void signatures_have_one_length(void **state)
{
	char *input = input_of(good_header(), text_of(good_claims()));
	unsigned char bytes[300] = { 0 };
	size_t length;
	(void)state;

	char *token = with_signature(input, fixture.active, EVP_sha256());
	const char *signature = strrchr(token, '.') + 1;
	assert_true(base64url_decode(signature, strlen(signature), bytes + 1, &length));
	assert_int_equal(length, 256);
	assert_int_equal(judge(arena_printf(fixture.arena, "%s.%s", input, encode(bytes + 1, 256))),
		TOKEN_OK);
	assert_int_equal(judge(arena_printf(fixture.arena, "%s.%s", input, encode(bytes, 257))),
		TOKEN_INVALID);
	assert_int_equal(judge(arena_printf(fixture.arena, "%s.%s", input, encode(bytes + 1, 257))),
		TOKEN_INVALID);
	assert_int_equal(judge(arena_printf(fixture.arena, "%s.%s", input, encode(bytes + 1, 255))),
		TOKEN_INVALID);
	memset(bytes, 0, sizeof bytes);
	assert_int_equal(judge(arena_printf(fixture.arena, "%s.%s", input, encode(bytes, 256))),
		TOKEN_INVALID);
}

/* No other character anywhere: stray bits, other alphabets, padding and white space included. */
static void every_character_counts(void **state)
{
	static const char substitutes[] = "ABQgw019-_+/=. \n%";
	char *token = good_token();
	size_t length = strlen(token);
	(void)state;

	assert_int_equal(judge(token), TOKEN_OK);
	for (size_t i = 0; i < length; i += i + 8 < length ? 3 : 1) {
		char kept = token[i];
		for (const char *other = substitutes; *other; other++) {
			token[i] = *other;
			if (*other != kept && judge(token) == TOKEN_OK)
				fail_msg("'%c' for '%c' at %zu of %zu", *other, kept, i, length);
		}
		token[i] = kept;
	}
	/* The last character has four bits that mean nothing: each of its fifteen twins must be
	 * refused. */
	for (const char *other = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
		*other; other++) {
		char kept = token[length - 1];
		token[length - 1] = *other;
		assert_int_equal(judge(token) == TOKEN_OK, *other == kept);
		token[length - 1] = kept;
	}
}

static void segments_are_counted(void **state)
{
	char *token = good_token();
	char *input = input_of(good_header(), text_of(good_claims()));
	const char *signature = strrchr(token, '.') + 1;
	const char *payload = strchr(token, '.') + 1;
	const char *bad[] = {
		"",
		".",
		"..",
		"...",
		"a",
		"a.b.c",
		arena_printf(fixture.arena, "%s.", token),
		arena_printf(fixture.arena, "%s.%s", token, signature),
		arena_printf(fixture.arena, ".%s", token),
		arena_printf(fixture.arena, ".%s", payload),
		arena_printf(fixture.arena, "%.*s..%s", (int)strcspn(token, "."), token, signature),
		arena_printf(fixture.arena, "%s..", input),
		arena_printf(fixture.arena, "%s=", token),
		arena_printf(fixture.arena, "%s==", token),
		arena_printf(fixture.arena, " %s", token),
		arena_printf(fixture.arena, "%s\n", token),
		arena_printf(fixture.arena, "\"%s\"", token),
	};
	(void)state;

	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (judge(bad[i]) != TOKEN_INVALID)
			fail_msg("token %s", bad[i]);
	assert_int_equal(
		judge_at(token, strlen(token) + 1, NOW_US), TOKEN_INVALID); /* with its NUL */
}

static void size_is_bounded(void **state)
{
	char *filler = arena_alloc(fixture.arena, TOKEN_MAX_BYTES + 1);
	json_t *claims = good_claims();
	(void)state;

	memset(filler, 'A', TOKEN_MAX_BYTES);
	filler[TOKEN_MAX_BYTES] = '\0';
	json_object_set_new(claims, "extra", json_stringn(filler, 4000));
	assert_int_equal(judge(forge(good_header(), text_of(claims))), TOKEN_OK);
	claims = good_claims();
	json_object_set_new(claims, "extra", json_string(filler));
	assert_int_equal(judge(forge(good_header(), text_of(claims))), TOKEN_INVALID);
	assert_int_equal(judge_at(filler, TOKEN_MAX_BYTES, NOW_US), TOKEN_INVALID);
	char *huge = arena_alloc(fixture.arena, 9000000);
	memset(huge, '.', 9000000);
	assert_int_equal(judge_at(huge, 9000000, NOW_US), TOKEN_INVALID);
	/* As deep as the size allows. */
	char *deep = arena_alloc(fixture.arena, 5001);
	memset(deep, '[', 5000);
	deep[5000] = '\0';
	assert_int_equal(judge(forge(good_header(), deep)), TOKEN_INVALID);
}

/* ---- keys ---- */

static void tokens_outlive_their_key_until_it_retires(void **state)
{
	struct key_record records[2] = { fixture.records[0], fixture.records[1] };
	struct text fault = TEXT_INIT;
	char *token = good_token();
	(void)state;

	assert_int_equal(judge(token), TOKEN_OK);
	records[0].state = "retiring";
	records[0].retired_us = NOW_US + 10;
	records[1].state = "active";
	assert_true(keys_install(fixture.keys, records, 2, &fault));
	assert_int_equal(judge_at(token, strlen(token), NOW_US + 9), TOKEN_OK);
	assert_int_equal(judge_at(token, strlen(token), NOW_US + 10), TOKEN_UNKNOWN_KEY);
	/* A key that is gone takes its tokens with it, also those that are remembered. */
	assert_int_equal(judge_at(token, strlen(token), NOW_US + 9), TOKEN_OK);
	assert_true(keys_install(fixture.keys, records + 1, 1, &fault));
	assert_int_equal(judge(token), TOKEN_UNKNOWN_KEY);
}

/* Another instance saw the rotation first. */
static void next_key_counts(void **state)
{
	struct text fault = TEXT_INIT;
	struct key_record records[2] = { fixture.records[0], fixture.records[1] };
	struct actor user = a_user();
	(void)state;

	records[0].state = "next";
	records[1].state = "active";
	assert_true(keys_install(fixture.keys, records, 2, &fault));
	const char *token = tokens_mint(fixture.tokens, &user, fixture.arena);
	assert_true(keys_install(fixture.keys, fixture.records, 2, &fault));
	assert_int_equal(judge(token), TOKEN_OK);
}

/* ---- revocation ---- */

static void revoked_principals_are_refused(void **state)
{
	struct actor user = a_user();
	struct actor client = a_client();
	(void)state;

	const char *of_user = tokens_mint(fixture.tokens, &user, fixture.arena);
	const char *of_client = tokens_mint(fixture.tokens, &client, fixture.arena);
	assert_int_equal(judge(of_user), TOKEN_OK);
	assert_int_equal(judge(of_client), TOKEN_OK);
	revocation_add(fixture.tokens, CLIENT, NOW_US);
	assert_int_equal(judge(of_client), TOKEN_INVALID);
	assert_int_equal(judge(of_user), TOKEN_OK);
	revocation_add(fixture.tokens, SESSION, NOW_US);
	assert_int_equal(judge(of_user), TOKEN_INVALID);
}

static void disabled_users_are_refused(void **state)
{
	struct actor user = a_user();
	(void)state;

	const char *token = tokens_mint(fixture.tokens, &user, fixture.arena);
	revocation_add(fixture.tokens, USER, NOW_US); /* before it was seen here */
	assert_int_equal(judge(token), TOKEN_INVALID);
}

/* The others of the same client stay good: the id says exactly which ones end. */
static void single_tokens_and_grants_are_revoked(void **state)
{
	struct actor client = a_client();
	struct actor actor;
	(void)state;

	strcpy(client.grant_id, GRANT);
	const char *one = tokens_mint(fixture.tokens, &client, fixture.arena);
	const char *two = tokens_mint(fixture.tokens, &client, fixture.arena);
	client.grant_id[0] ^= 1;
	const char *other = tokens_mint(fixture.tokens, &client, fixture.arena);
	assert_int_equal(tokens_verify(fixture.tokens, one, strlen(one), NOW_US, &actor), TOKEN_OK);
	revocation_add(fixture.tokens, actor.token_id, NOW_US);
	assert_int_equal(judge(one), TOKEN_INVALID);
	assert_int_equal(judge(two), TOKEN_OK);
	revocation_add(fixture.tokens, GRANT, NOW_US);
	assert_int_equal(judge(two), TOKEN_INVALID);
	assert_int_equal(judge(other), TOKEN_OK);
}

static void revocation_ends_what_was_before(void **state)
{
	struct actor user = a_user();
	int64_t slack_us = TOKEN_SKEW_S * CLOCK_SECOND_US;
	(void)state;

	const char *token = tokens_mint(fixture.tokens, &user, fixture.arena);
	revocation_add(fixture.tokens, USER, NOW_US - slack_us - 1);
	assert_int_equal(judge(token), TOKEN_OK);
	revocation_add(fixture.tokens, USER, NOW_US - slack_us);
	assert_int_equal(judge(token), TOKEN_INVALID);
	/* An older report does not undo a newer one. */
	revocation_add(fixture.tokens, USER, NOW_US - slack_us - 1);
	assert_int_equal(judge(token), TOKEN_INVALID);
}

/* An instance whose clock runs ahead, as far as clocks may, issued it before the revocation. */
static void a_clock_that_runs_ahead_brings_no_token_through(void **state)
{
	struct actor user = a_user();
	(void)state;

	user.issued_at_us = NOW_US + TOKEN_SKEW_S * CLOCK_SECOND_US;
	const char *token = tokens_mint(fixture.tokens, &user, fixture.arena);
	assert_int_equal(judge(token), TOKEN_OK);
	revocation_add(fixture.tokens, USER, NOW_US);
	assert_int_equal(judge(token), TOKEN_INVALID);
}

static void revocations_are_forgotten_by_age(void **state)
{
	struct revocations *revocations = revocations_make(1000);
	struct actor actor = a_user();
	char id[UUID_TEXT_BYTES];
	(void)state;

	for (int i = 0; i < 5000; i++) {
		uuid_v7(id);
		revocations_put(revocations, id, NOW_US + 1000);
	}
	revocations_put(revocations, USER, NOW_US);
	assert_true(revocations_hit(revocations, &actor));
	uint64_t generation = revocations_generation(revocations);
	revocations_take(revocations, NULL, NOW_US + 1000);
	assert_true(revocations_hit(revocations, &actor));
	assert_int_equal(revocations_generation(revocations), generation);
	revocations_take(revocations, NULL, NOW_US + 1001);
	assert_false(revocations_hit(revocations, &actor));
	strcpy(actor.session_id, id);
	assert_true(revocations_hit(revocations, &actor));
	revocations_take(revocations, NULL, NOW_US + 2001);
	assert_false(revocations_hit(revocations, &actor));
	revocations_free(revocations);
}

/* ---- memory of verified tokens ---- */

static void digest_is_sha256(void **state)
{
	unsigned char digest[TOKEN_DIGEST_BYTES];
	char hex[65];
	(void)state;

	token_digest("abc", 3, digest);
	hex_encode(digest, sizeof digest, hex);
	assert_string_equal(
		hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void cache_is_bounded(void **state)
{
	struct token_cache *cache = token_cache_make();
	struct token_entry entry = { .good_until_us = NOW_US + 1 };
	struct token_entry found;
	unsigned char digest[TOKEN_DIGEST_BYTES];
	int kept = 0;
	(void)state;

	for (int i = 0; i < 50000; i++) {
		token_digest((const char *)&i, sizeof i, digest);
		entry.actor.issued_at_us = i;
		token_cache_put(cache, digest, &entry, NOW_US);
	}
	for (int i = 0; i < 50000; i++) {
		token_digest((const char *)&i, sizeof i, digest);
		if (!token_cache_find(cache, digest, &found))
			continue;
		assert_int_equal(found.actor.issued_at_us, i);
		kept++;
	}
	assert_int_equal(kept, 8192);
	token_cache_free(cache);
}

/* Nine tokens of one set: the one that is over makes room, else the one used longest ago. */
static void cache_keeps_what_is_used(void **state)
{
	struct token_cache *cache = token_cache_make();
	struct token_entry entry = { .good_until_us = NOW_US + 1 };
	unsigned char digests[10][TOKEN_DIGEST_BYTES] = { { 0 } };
	(void)state;

	for (unsigned char i = 0; i < 10; i++)
		digests[i][31] = i;
	for (int i = 0; i < 8; i++)
		token_cache_put(cache, digests[i], &entry, NOW_US);
	assert_true(token_cache_find(cache, digests[0], &entry));
	token_cache_put(cache, digests[8], &entry, NOW_US);
	assert_true(token_cache_find(cache, digests[0], &entry));
	assert_false(token_cache_find(cache, digests[1], &entry));
	entry.good_until_us = NOW_US;
	token_cache_put(cache, digests[5], &entry, NOW_US);
	token_cache_put(cache, digests[9], &entry, NOW_US);
	assert_false(token_cache_find(cache, digests[5], &entry));
	assert_true(token_cache_find(cache, digests[2], &entry));
	token_cache_free(cache);
}

/* ---- threads ---- */

#define CROWD  4
#define ROUNDS 400

static const char *shared_tokens[8];

static void *verify_many(void *context)
{
	struct actor actor;
	(void)context;

	for (int i = 0; i < ROUNDS; i++) {
		const char *token = shared_tokens[i % 8];
		enum token_verdict verdict =
			tokens_verify(fixture.tokens, token, strlen(token), NOW_US, &actor);
		/* Only the tokens of the second half are ever revoked. */
		if (verdict != TOKEN_OK && (i % 8 < 4 || verdict != TOKEN_INVALID))
			return (void *)"refused";
		if (verdict == TOKEN_OK && strcmp(actor.program_id, PROGRAM) != 0)
			return (void *)"torn";
	}
	return NULL;
}

static void *revoke_and_rotate(void *context)
{
	struct key_record records[2] = { fixture.records[0], fixture.records[1] };
	struct text fault = TEXT_INIT;
	(void)context;

	for (int i = 0; i < 20; i++) {
		bool is_odd = i % 2;
		records[0].state = is_odd ? "next" : "active";
		records[1].state = is_odd ? "active" : "next";
		if (!keys_install(fixture.keys, records, 2, &fault))
			return (void *)"keys";
		json_decref(keys_jwks(fixture.keys));
		revocation_add(fixture.tokens, CLIENT, NOW_US + i);
	}
	return NULL;
}

static void threads_share_everything(void **state)
{
	struct actor user = a_user();
	struct actor client = a_client();
	pthread_t threads[CROWD + 1];
	void *fault;
	(void)state;

	for (int i = 0; i < 8; i++)
		shared_tokens[i] =
			tokens_mint(fixture.tokens, i < 4 ? &user : &client, fixture.arena);
	for (int i = 0; i < CROWD; i++)
		pthread_create(&threads[i], NULL, verify_many, NULL);
	pthread_create(&threads[CROWD], NULL, revoke_and_rotate, NULL);
	for (int i = 0; i <= CROWD; i++) {
		pthread_join(threads[i], &fault);
		assert_null(fault);
	}
	for (int i = 0; i < 8; i++)
		assert_int_equal(judge(shared_tokens[i]), i < 4 ? TOKEN_OK : TOKEN_INVALID);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(minted_token_is_verified),
		TEST(client_token_is_verified),
		TEST(minted_token_has_the_members_of_the_rfc),
		TEST(role_bounds_the_scopes),
		TEST(side_bounds_the_scopes),
		TEST(clients_speak_for_themselves),
		TEST(claims_are_strict),
		TEST(expiry_is_told_of_honest_tokens_only),
		TEST(claims_are_one_unambiguous_object),
		TEST(headers_are_strict),
		TEST(unsigned_tokens_are_refused),
		TEST(public_key_is_no_secret),
		TEST(tokens_of_libjwt_are_refused),
		TEST(other_keys_do_not_sign_for_us),
		TEST(signatures_have_one_length),
		TEST(every_character_counts),
		TEST(segments_are_counted),
		TEST(size_is_bounded),
		TEST(tokens_outlive_their_key_until_it_retires),
		TEST(next_key_counts),
		TEST(client_terms_are_carried),
		TEST(client_terms_are_strict),
		TEST(single_tokens_and_grants_are_revoked),
		TEST(revoked_principals_are_refused),
		TEST(disabled_users_are_refused),
		TEST(revocation_ends_what_was_before),
		TEST(a_clock_that_runs_ahead_brings_no_token_through),
		TEST(revocations_are_forgotten_by_age),
		TEST(digest_is_sha256),
		TEST(cache_is_bounded),
		TEST(cache_keeps_what_is_used),
		TEST(threads_share_everything),
	};

	return cmocka_run_group_tests(tests, make_keys, drop_keys);
}
