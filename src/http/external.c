/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The envelope of a foreign token: which provider, which key, does the signature hold, is it an
 * access token, is it in time. Issuer and audience are read before the signature is judged, for
 * they choose the key; nothing else of the token is used until it holds. A token never names a
 * place to get a key from: jku, x5u, jwk and x5c are not looked at.
 *
 * ID tokens are told from access tokens by typ (RFC 9068 §4). A provider that writes plain JWTs is
 * taken at its audience, and by the members that only ID and logout tokens have.
 */
#include "http/external.h"

#include "base/clock.h"
#include "http/app.h"
#include "http/claims.h"
#include "http/token_cache.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SUBJECT_MAX 255
#define ISSUER_MAX  500
#define TYPE_MAX    40

struct external {
	struct providers *providers;
	struct tokens *tokens;
	struct token_cache *cache;
};

struct envelope {
	struct jws jws;
	json_t *claims;
	char kid[SOURCE_KID_BYTES];
	enum jws_alg alg;
	bool is_plain; /* typ says JWT, or nothing */
};

struct external *external_make(
	struct db *db, const struct settings *settings, struct tokens *tokens, struct text *reterr)
{
	struct external *external = calloc(1, sizeof *external);

	if (!external)
		abort();
	external->providers = providers_make(db, settings, reterr);
	if (!external->providers) {
		free(external);
		return NULL;
	}
	external->tokens = tokens;
	external->cache = token_cache_make();
	return external;
}

struct external *external_free(struct external *external)
{
	if (!external)
		return NULL;
	providers_free(external->providers);
	token_cache_free(external->cache);
	free(external);
	return NULL;
}

struct providers *external_providers(struct external *external)
{
	return external->providers;
}

bool external_invalid(struct problem *problem)
{
	return problem_set(problem, PROBLEM_token_invalid, "The access token is not valid.");
}

/* ---- the envelope ---- */

/* RFC 9068 §2.1 and RFC 7515 §4.1.9; another type is no access token. */
static bool read_type(const json_t *header, bool *ret_is_plain)
{
	const char *type = claim_text(header, "typ", TYPE_MAX);

	*ret_is_plain = !json_object_get(header, "typ") || (type && strcasecmp(type, "JWT") == 0);
	return *ret_is_plain || (type && (strcasecmp(type, "at+jwt") == 0 ||
						 strcasecmp(type, "application/at+jwt") == 0));
}

static bool read_header(struct envelope *envelope)
{
	json_t *header = jws_object(envelope->jws.header);
	const char *kid = claim_text(header, "kid", sizeof envelope->kid - 1);
	const char *alg = claim_text(header, "alg", TYPE_MAX);
	bool is_good = kid && alg && jws_alg_parse(alg, &envelope->alg) &&
		       !json_object_get(header, "crit") && read_type(header, &envelope->is_plain);

	if (is_good)
		strcpy(envelope->kid, kid);
	json_decref(header);
	return is_good;
}

/* Members that ID tokens and logout tokens have, and access tokens do not (OpenID Connect Core §2,
 * Back-Channel Logout §2.4); token_use and typ are what some providers say instead. */
static bool is_another_token(const json_t *claims)
{
	static const char *const foreign[] = { "nonce", "at_hash", "c_hash", "s_hash", "events" };

	for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
		if (json_object_get(claims, foreign[i]))
			return true;
	if (json_object_get(claims, "token_use") && !claim_is(claims, "token_use", "access"))
		return true;
	return json_object_get(claims, "typ") && !claim_is(claims, "typ", "Bearer");
}

static bool signature_holds(
	const struct foreign_keys *keys, const struct envelope *envelope, bool *ret_is_known)
{
	EVP_PKEY *key = keys ? foreign_keys_find(keys, envelope->kid, envelope->alg) : NULL;

	*ret_is_known = key != NULL;
	return key && jws_signature_holds(
			      envelope->alg, key, envelope->jws.input, envelope->jws.signature);
}

static bool refuse_busy(struct problem *problem)
{
	problem->retry_after_s = 1;
	return problem_set(problem, PROBLEM_unavailable,
		"The keys of the identity provider cannot be read at the moment.");
}

/* The key may have been published a moment ago: then the keys are read once more. */
static bool check_signature(struct providers *providers, struct provider *provider,
	const struct envelope *envelope, struct problem *problem)
{
	enum source_answer answer = SOURCE_NO_TURN;
	uint64_t reading;
	bool is_known, has_keys;

	for (int i = 0; i < 2; i++) {
		struct foreign_keys *keys =
			source_keys(provider->source, clock_monotonic_us(), &reading);
		bool holds = signature_holds(keys, envelope, &is_known);
		has_keys = keys != NULL;
		foreign_keys_release(keys);
		if (holds)
			return true;
		if (is_known)
			return external_invalid(problem);
		if (i == 0)
			answer = providers_ask(providers, provider, reading);
		if (answer != SOURCE_READ)
			break;
	}
	if (answer == SOURCE_BUSY || !has_keys)
		return refuse_busy(problem);
	return external_invalid(problem);
}

/* ---- the claims ---- */

static int64_t earlier(int64_t a_us, int64_t b_us)
{
	return a_us < b_us ? a_us : b_us;
}

static bool check_claims(const struct provider *provider, const struct envelope *envelope,
	int64_t now_us, struct actor *actor, struct problem *problem)
{
	const json_t *claims = envelope->claims;

	if (envelope->is_plain && (!provider->accepts_plain_jwt || is_another_token(claims)))
		return external_invalid(problem);
	if (!claim_text(claims, "sub", SUBJECT_MAX) ||
		!claims_in_time(
			claims, now_us, TOKEN_SKEW_S, &actor->issued_at_us, &actor->expires_at_us))
		return external_invalid(problem);
	actor->expires_at_us = earlier(
		actor->expires_at_us, actor->issued_at_us + EXTERNAL_LIFE_S * CLOCK_SECOND_US);
	if (now_us < actor->expires_at_us)
		return true;
	return problem_set(problem, PROBLEM_token_expired, "The access token has expired.");
}

/* ---- all together ---- */

/* What is cut off is not refused here but looked at again, with all that the database says. */
static bool find_known(struct external *external, const unsigned char *digest, int64_t now_us,
	struct token_entry *entry)
{
	if (!token_cache_find(external->cache, digest, entry) || now_us >= entry->good_until_us ||
		entry->keys_generation != providers_generation(external->providers))
		return false;
	return entry->revocation_generation == revocation_generation(external->tokens) ||
	       !revocation_hits(external->tokens, &entry->actor);
}

static bool judge(struct external *external, struct request *request,
	const struct envelope *envelope, int64_t now_us, struct actor *actor,
	struct problem *problem)
{
	struct provider *provider = providers_find(external->providers, envelope->claims);

	if (!provider)
		return external_invalid(problem);
	memset(actor, 0, sizeof *actor);
	/* The table of revocations is asked as well, so memory need not be. */
	bool is_good = check_signature(external->providers, provider, envelope, problem) &&
		       check_claims(provider, envelope, now_us, actor, problem) &&
		       external_user(request, provider, envelope->claims, actor, problem);
	provider_release(provider);
	return is_good;
}

/* True when some program trusts the issuer that the token names. */
static bool is_concerned(struct external *external, struct slice token, struct envelope *envelope)
{
	*envelope = (struct envelope){ 0 };
	if (!jws_split(token.bytes, token.length, &envelope->jws))
		return false;
	envelope->claims = jws_object(envelope->jws.payload);
	const char *issuer = claim_text(envelope->claims, "iss", ISSUER_MAX);
	return issuer && providers_have(external->providers, issuer);
}

enum external_verdict external_verify(struct request *request, struct slice token,
	struct actor *ret_actor, struct problem *problem)
{
	struct external *external = request->app->external;
	int64_t now_us = clock_now_us();
	unsigned char digest[TOKEN_DIGEST_BYTES];
	struct token_entry entry;
	struct envelope envelope;
	enum external_verdict verdict = EXTERNAL_NONE;

	if (token.length > TOKEN_MAX_BYTES)
		return EXTERNAL_NONE;
	token_digest(token.bytes, token.length, digest);
	if (find_known(external, digest, now_us, &entry)) {
		*ret_actor = entry.actor;
		return EXTERNAL_OK;
	}
	/* Read before judging, so that what changes meanwhile is seen by the next hit. */
	entry.keys_generation = providers_generation(external->providers);
	entry.revocation_generation = revocation_generation(external->tokens);
	if (is_concerned(external, token, &envelope)) {
		bool is_good = read_header(&envelope) ? judge(external, request, &envelope, now_us,
								&entry.actor, problem)
						      : external_invalid(problem);
		verdict = is_good ? EXTERNAL_OK : EXTERNAL_REFUSED;
	}
	json_decref(envelope.claims);
	if (verdict != EXTERNAL_OK)
		return verdict;
	entry.good_until_us =
		earlier(entry.actor.expires_at_us, now_us + EXTERNAL_CACHE_S * CLOCK_SECOND_US);
	token_cache_put(external->cache, digest, &entry, now_us);
	*ret_actor = entry.actor;
	return EXTERNAL_OK;
}
