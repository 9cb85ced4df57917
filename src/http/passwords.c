/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords by argon2id and random secrets. argon2id costs memory on purpose, so a small gate lets
 * two run and eight wait; whoever comes later is told to come again, instead of holding one more
 * worker. A user that does not exist is verified against a hash nobody knows the password of, so
 * that the time of an answer does not tell who is known.
 */
#include "http/passwords.h"

#include "base/text.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define SECRET_BYTES       32
#define RETRY_AFTER_BUSY_S 1

static struct {
	unsigned long long iterations;
	size_t memory_bytes;
	char nobody[crypto_pwhash_STRBYTES]; /* hash of a random password */
} cost = { 2, (size_t)19456 * 1024, "" };

static struct {
	pthread_mutex_t lock;
	pthread_cond_t freed;
	int running;
	int waiting;
} gate = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0 };

static bool gate_enter(struct problem *problem)
{
	pthread_mutex_lock(&gate.lock);
	if (gate.running >= PASSWORDS_RUNNING_MAX && gate.waiting >= PASSWORDS_WAITING_MAX) {
		pthread_mutex_unlock(&gate.lock);
		problem_set(problem, PROBLEM_unavailable, "Too many sign-ins at the moment.");
		problem->retry_after_s = RETRY_AFTER_BUSY_S;
		return false;
	}
	gate.waiting++;
	while (gate.running >= PASSWORDS_RUNNING_MAX)
		pthread_cond_wait(&gate.freed, &gate.lock);
	gate.waiting--;
	gate.running++;
	pthread_mutex_unlock(&gate.lock);
	return true;
}

static void gate_leave(void)
{
	pthread_mutex_lock(&gate.lock);
	gate.running--;
	pthread_cond_signal(&gate.freed);
	pthread_mutex_unlock(&gate.lock);
}

/* False only when memory is short, which the caller answers with `unavailable`. */
static bool hash_text(const char *password, size_t length, char out[static crypto_pwhash_STRBYTES])
{
	return crypto_pwhash_str_alg(out, password, length, cost.iterations, cost.memory_bytes,
		       crypto_pwhash_ALG_ARGON2ID13) == 0;
}

void passwords_configure(const struct settings *settings)
{
	unsigned char password[SECRET_BYTES];

	if (sodium_init() < 0)
		abort();
	cost.iterations = (unsigned long long)settings->password_iterations;
	cost.memory_bytes = (size_t)settings->password_memory_kib * 1024;
	randombytes_buf(password, sizeof password);
	if (!hash_text((const char *)password, sizeof password, cost.nobody))
		abort(); /* the settings ask for more memory than there is */
}

const char *password_hash(const char *password, struct arena *arena, struct problem *problem)
{
	char hash[crypto_pwhash_STRBYTES];
	size_t length = strlen(password);

	if (length > PASSWORD_MAX_BYTES) {
		problem_add(problem, arena, PLACE_POINTER, "#/password", VIOLATION_too_long,
			"At most %d bytes.", PASSWORD_MAX_BYTES);
		return NULL;
	}
	if (!gate_enter(problem))
		return NULL;
	bool done = hash_text(password, length, hash);
	gate_leave();
	if (!done) {
		problem_set(problem, PROBLEM_unavailable, "Try again shortly.");
		problem_cause(problem, "argon2id: out of memory");
		return NULL;
	}
	return arena_strdup(arena, hash);
}

enum password_verdict password_verify(
	const char *stored, const char *password, struct problem *problem)
{
	size_t length = strlen(password);
	bool is_known = stored && stored[0] && length <= PASSWORD_MAX_BYTES;
	const char *hash = is_known ? stored : cost.nobody;

	/* A password beyond the limit is never right; what is hashed in its place has the usual
	 * length. */
	if (length > PASSWORD_MAX_BYTES)
		length = PASSWORD_MAX_BYTES;
	if (!gate_enter(problem))
		return PASSWORD_BUSY;
	bool matches = crypto_pwhash_str_verify(hash, password, length) == 0;
	gate_leave();
	if (!matches || !is_known)
		return PASSWORD_WRONG;
	if (crypto_pwhash_str_needs_rehash(hash, cost.iterations, cost.memory_bytes) != 0)
		return PASSWORD_RIGHT_REHASH;
	return PASSWORD_RIGHT;
}

const char *secret_make(const char *prefix, struct arena *arena)
{
	unsigned char bytes[SECRET_BYTES];
	char text[BASE64URL_BYTES(SECRET_BYTES)];

	randombytes_buf(bytes, sizeof bytes);
	base64url_encode(bytes, sizeof bytes, text);
	const char *secret = arena_printf(arena, "%s%s", prefix, text);
	sodium_memzero(bytes, sizeof bytes);
	sodium_memzero(text, sizeof text);
	return secret;
}

const char *secret_hash(const char *secret, struct arena *arena)
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	char *text = arena_alloc(arena, 2 + 2 * sizeof digest + 1);

	crypto_hash_sha256(digest, (const unsigned char *)secret, strlen(secret));
	memcpy(text, "\\x", 2);
	hex_encode(digest, sizeof digest, text + 2);
	return text;
}
