/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access tokens by RFC 9068, judged by RFC 8725: the algorithm belongs to the key, never to the
 * token.
 *
 * libjwt 1.10.2 holds the claims of a token that is minted, and no more: it writes typ "JWT" into
 * every header and refuses to decode any other, so it can neither sign nor verify "at+jwt"; it
 * would also parse a PEM on every call, accept HS256 with our public key as the secret, take
 * duplicate claims, and report success for an expired token. So the JWS around the claims is made
 * and judged by jws.c, on parsed keys, with strict base64url and strict JSON.
 *
 * A token that passed is remembered (token_cache.c); every hit still checks its end, the keys and
 * the revocations.
 */
#include "http/tokens.h"

#include "base/clock.h"
#include "http/claims.h"
#include "http/jws.h"
#include "http/token_cache.h"

#include <jwt.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_TYPE "at+jwt"

struct tokens {
	struct keys *keys;
	struct token_cache *cache;
	struct revocations *revocations;
	char *issuer;
	int64_t life_s;
};

/* ---- mint ---- */

int64_t tokens_life_s(const struct tokens *tokens, const struct actor *actor)
{
	int64_t left_s =
		actor->expires_at_us / CLOCK_SECOND_US - actor->issued_at_us / CLOCK_SECOND_US;

	return actor->expires_at_us && left_s < tokens->life_s ? left_s : tokens->life_s;
}

static int add_person_claims(jwt_t *jwt, const struct actor *actor)
{
	int fault = jwt_add_grant(jwt, "client_id", TOKEN_CLIENT_USER) |
		    jwt_add_grant(jwt, "role", role_text(actor->role)) |
		    jwt_add_grant(jwt, "sid", actor->session_id);

	return actor->is_enrolling ? fault | jwt_add_grant_bool(jwt, "enrolling", 1) : fault;
}

static int add_machine_claims(jwt_t *jwt, const struct actor *actor)
{
	struct text networks = TEXT_INIT;
	char one[NETWORK_TEXT_BYTES];
	int fault = jwt_add_grant(jwt, "client_id", actor->id);

	for (size_t i = 0; i < actor->network_count; i++) {
		network_format(&actor->networks[i], one);
		text_appendf(&networks, "%s%s", i > 0 ? " " : "", one);
	}
	if (networks.length > 0)
		fault |= jwt_add_grant(jwt, "networks", networks.bytes);
	text_release(&networks);
	return fault;
}

/* The claims as JSON text, malloc'ed, or NULL. */
static char *claims_text(const struct tokens *tokens, const struct actor *actor)
{
	char scope[SCOPE_TEXT_BYTES];
	char jti[UUID_TEXT_BYTES];
	int64_t issued_s = actor->issued_at_us / CLOCK_SECOND_US;
	int64_t expires_s = issued_s + tokens_life_s(tokens, actor);
	jwt_t *jwt = NULL;

	if (jwt_new(&jwt) != 0)
		return NULL;
	uuid_v7(jti);
	scope_set_format(actor->scopes, scope);
	int fault = jwt_add_grant(jwt, "iss", tokens->issuer) |
		    jwt_add_grant(jwt, "aud", tokens->issuer) |
		    jwt_add_grant(jwt, "sub", actor->id) | jwt_add_grant(jwt, "jti", jti) |
		    jwt_add_grant(jwt, "scope", scope) |
		    jwt_add_grant(jwt, "program_id", actor->program_id) |
		    jwt_add_grant_int(jwt, "iat", (long)issued_s) |
		    jwt_add_grant_int(jwt, "exp", (long)expires_s);
	if (actor->partner_id[0])
		fault |= jwt_add_grant(jwt, "partner_id", actor->partner_id);
	if (actor->grant_id[0])
		fault |= jwt_add_grant(jwt, "grant_id", actor->grant_id);
	fault |= actor->is_user ? add_person_claims(jwt, actor) : add_machine_claims(jwt, actor);
	char *text = fault ? NULL : jwt_get_grants_json(jwt, NULL);
	jwt_free(jwt);
	return text;
}

static const char *sign(const char *claims, const struct key *key, struct arena *arena)
{
	const char *header =
		arena_printf(arena, "{\"alg\":\"%s\",\"kid\":\"%s\",\"typ\":\"" TOKEN_TYPE "\"}",
			jws_alg_text(key->alg), key->kid);

	return jws_sign(header, claims, key->alg, key->pkey, arena);
}

const char *tokens_mint(struct tokens *tokens, const struct actor *actor, struct arena *arena)
{
	struct key *key = keys_signer(tokens->keys);
	char *claims = key ? claims_text(tokens, actor) : NULL;
	const char *token = claims ? sign(claims, key, arena) : NULL;

	free(claims);
	key_release(key);
	return token;
}

/* ---- verify: the envelope ---- */

/*
 * jku, x5u, jwk and the like are never looked at; "crit" names extensions we would have to
 * understand (RFC 7515 §4.1.11), and there is none. The kid is compared with kids in memory,
 * nothing else is done with it.
 */
static bool header_kid(
	struct slice segment, char ret_kid[static KEY_KID_BYTES], enum jws_alg *ret_alg)
{
	json_t *header = jws_object(segment);
	const char *kid = claim_text(header, "kid", KEY_KID_BYTES - 1);
	const char *alg = claim_text(header, "alg", 16);
	bool is_ours = kid && alg && jws_alg_parse(alg, ret_alg) &&
		       claim_is(header, "typ", TOKEN_TYPE) && !json_object_get(header, "crit");

	if (is_ours)
		strcpy(ret_kid, kid);
	json_decref(header);
	return is_ours;
}

/* ---- verify: the claims ---- */

static bool claim_uuid(const json_t *claims, const char *name, char out[static UUID_TEXT_BYTES])
{
	const char *text = claim_text(claims, name, UUID_TEXT_BYTES - 1);

	if (!text || !uuid_is_valid(text, strlen(text)))
		return false;
	strcpy(out, text);
	return true;
}

static bool claims_person(const json_t *claims, struct actor *actor)
{
	const char *role = claim_text(claims, "role", 64);

	if (!role || !role_parse(role, &actor->role) ||
		!claim_uuid(claims, "sid", actor->session_id))
		return false;
	if ((role_side(actor->role) == SIDE_PARTNER) != (actor->partner_id[0] != '\0'))
		return false;
	/* What was taken from the role since is gone at once. */
	actor->is_user = true;
	actor->scopes &= role_scopes(actor->role);
	actor->is_enrolling = json_object_get(claims, "enrolling") != NULL;
	if (actor->is_enrolling)
		actor->scopes = 0;
	return true;
}

/* A list that is there names at least one network: none would mean all. */
static bool claim_networks(const json_t *claims, struct actor *actor)
{
	const char *text = claim_text(claims, "networks", TOKEN_MAX_BYTES);

	return text &&
	       networks_parse(text, actor->networks, CLIENT_MAX_NETWORKS, &actor->network_count);
}

static bool claims_machine(const json_t *claims, struct actor *actor)
{
	if (!claim_uuid(claims, "client_id", actor->client_id) ||
		strcmp(actor->client_id, actor->id) != 0)
		return false;
	if (json_object_get(claims, "role") || json_object_get(claims, "sid"))
		return false;
	if (json_object_get(claims, "networks") && !claim_networks(claims, actor))
		return false;
	actor->scopes &= operator_scopes(actor->partner_id[0] ? SIDE_PARTNER : SIDE_VENDOR);
	return true;
}

static bool claims_principal(const json_t *claims, struct actor *actor)
{
	const json_t *scope = json_object_get(claims, "scope");

	if (!claim_uuid(claims, "sub", actor->id) ||
		!claim_uuid(claims, "program_id", actor->program_id))
		return false;
	if (json_object_get(claims, "partner_id") &&
		!claim_uuid(claims, "partner_id", actor->partner_id))
		return false;
	if (!json_is_string(scope) || !scope_set_parse(json_string_value(scope), &actor->scopes))
		return false;
	if (!claim_uuid(claims, "jti", actor->token_id))
		return false;
	if (json_object_get(claims, "grant_id") && !claim_uuid(claims, "grant_id", actor->grant_id))
		return false;
	return claim_is(claims, "client_id", TOKEN_CLIENT_USER) ? claims_person(claims, actor)
								: claims_machine(claims, actor);
}

static bool claims_hold(
	const struct tokens *tokens, struct slice payload, int64_t now_us, struct actor *actor)
{
	json_t *claims = jws_object(payload);

	memset(actor, 0, sizeof *actor);
	bool hold = claims && claim_is(claims, "iss", tokens->issuer) &&
		    claim_names(claims, "aud", tokens->issuer) &&
		    claims_in_time(claims, now_us, TOKEN_SKEW_S, &actor->issued_at_us,
			    &actor->expires_at_us) &&
		    claims_principal(claims, actor);
	json_decref(claims);
	return hold;
}

static int64_t earlier(int64_t a_us, int64_t b_us)
{
	return a_us < b_us ? a_us : b_us;
}

/* Everything but the cache. Fills `entry` on TOKEN_OK. */
static enum token_verdict judge(struct tokens *tokens, const char *token, size_t length,
	int64_t now_us, struct token_entry *entry)
{
	struct jws jws;
	char kid[KEY_KID_BYTES];
	enum jws_alg alg;

	if (!jws_split(token, length, &jws) || !header_kid(jws.header, kid, &alg))
		return TOKEN_INVALID;
	struct key *key = keys_verifier(tokens->keys, kid, now_us);
	if (!key)
		return TOKEN_UNKNOWN_KEY;
	/* The key says by which algorithm, and the header has to agree. */
	bool holds = alg == key->alg &&
		     jws_signature_holds(key->alg, key->pkey, jws.input, jws.signature);
	int64_t retired_us = key->retired_us;
	key_release(key);
	if (!holds || !claims_hold(tokens, jws.payload, now_us, &entry->actor))
		return TOKEN_INVALID;
	if (revocations_hit(tokens->revocations, &entry->actor))
		return TOKEN_INVALID;
	/* Never longer than a token of ours lives: revocations are remembered for that time only.
	 */
	entry->good_until_us = earlier(entry->actor.expires_at_us,
		entry->actor.issued_at_us + tokens->life_s * CLOCK_SECOND_US);
	if (now_us >= entry->good_until_us)
		return TOKEN_EXPIRED;
	if (retired_us)
		entry->good_until_us = earlier(entry->good_until_us, retired_us);
	return TOKEN_OK;
}

/* A hit is good when its time is not over, the keys are the same, and nobody revoked it since it
 * was last looked at. */
static bool find_known(struct tokens *tokens, const unsigned char *digest, int64_t now_us,
	struct token_entry *entry)
{
	uint64_t revocation_generation = revocations_generation(tokens->revocations);

	if (!token_cache_find(tokens->cache, digest, entry) || now_us >= entry->good_until_us ||
		entry->keys_generation != keys_generation(tokens->keys))
		return false;
	if (entry->revocation_generation == revocation_generation)
		return true;
	if (revocations_hit(tokens->revocations, &entry->actor))
		return false;
	entry->revocation_generation = revocation_generation;
	token_cache_put(tokens->cache, digest, entry, now_us);
	return true;
}

struct tokens *tokens_make(struct keys *keys, const char *issuer, int64_t access_token_s)
{
	struct tokens *tokens = calloc(1, sizeof *tokens);
	char *copy = strdup(issuer);

	if (!tokens || !copy)
		abort();
	tokens->keys = keys;
	tokens->issuer = copy;
	tokens->life_s = access_token_s;
	tokens->cache = token_cache_make();
	tokens->revocations =
		revocations_make((access_token_s + TOKEN_REVOKE_EXTRA_S) * CLOCK_SECOND_US);
	return tokens;
}

struct tokens *tokens_free(struct tokens *tokens)
{
	if (!tokens)
		return NULL;
	token_cache_free(tokens->cache);
	revocations_free(tokens->revocations);
	free(tokens->issuer);
	free(tokens);
	return NULL;
}

enum token_verdict tokens_verify(struct tokens *tokens, const char *token, size_t length,
	int64_t now_us, struct actor *ret_actor)
{
	unsigned char digest[TOKEN_DIGEST_BYTES];
	struct token_entry entry;

	if (length == 0 || length > TOKEN_MAX_BYTES)
		return TOKEN_INVALID;
	token_digest(token, length, digest);
	if (find_known(tokens, digest, now_us, &entry)) {
		*ret_actor = entry.actor;
		return TOKEN_OK;
	}
	/* Read before judging, so that what changes meanwhile is seen by the next hit. */
	entry.keys_generation = keys_generation(tokens->keys);
	entry.revocation_generation = revocations_generation(tokens->revocations);
	enum token_verdict verdict = judge(tokens, token, length, now_us, &entry);
	if (verdict != TOKEN_OK)
		return verdict;
	token_cache_put(tokens->cache, digest, &entry, now_us);
	*ret_actor = entry.actor;
	return TOKEN_OK;
}

void revocation_add(struct tokens *tokens, const char *principal_id, int64_t revoked_us)
{
	revocations_put(tokens->revocations, principal_id, revoked_us);
}

bool revocation_reload(struct tokens *tokens, struct db *db)
{
	return revocations_reload(tokens->revocations, db);
}

uint64_t revocation_generation(struct tokens *tokens)
{
	return revocations_generation(tokens->revocations);
}

bool revocation_hits(struct tokens *tokens, const struct actor *actor)
{
	return revocations_hit(tokens->revocations, actor);
}
