/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords by argon2id and random secrets. argon2id costs time and memory on purpose, so a small
 * gate lets two run and eight wait; whoever comes later is told to come again. Two threads do
 * nothing but hash, at a priority so low that whatever else the process has to do goes first; only
 * they have it, for a thread that is put aside must hold no lock and no connection that others wait
 * for. A user that does not exist is verified against a hash nobody knows the password of, so that
 * the time of an answer does not tell who is known.
 */
#include "http/passwords.h"

#include "base/text.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define SECRET_BYTES       32
#define SECRET_HINT_LENGTH 4
#define HASHER_NICENESS    10 /* a tenth of the share of an ordinary thread */
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

/* One hash to be made or compared. */
struct job {
	const char *password;
	size_t length;
	const char *stored;                /* to compare with, or NULL: make one */
	char made[crypto_pwhash_STRBYTES]; /* when `stored` is NULL */
	bool is_done, is_good;
};

/* The gate lets no more jobs in than there are hashers. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t asked, answered;
	struct job *jobs[PASSWORDS_RUNNING_MAX]; /* not yet begun */
	pthread_t threads[PASSWORDS_RUNNING_MAX];
	size_t count; /* threads that run */
	bool is_stopping;
} hashers = { .lock = PTHREAD_MUTEX_INITIALIZER,
	.asked = PTHREAD_COND_INITIALIZER,
	.answered = PTHREAD_COND_INITIALIZER };

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

static void job_do(struct job *job)
{
	if (job->stored)
		job->is_good =
			crypto_pwhash_str_verify(job->stored, job->password, job->length) == 0;
	else
		job->is_good = hash_text(job->password, job->length, job->made);
}

/* NULL when the threads shall end. */
static struct job *next_job(void)
{
	struct job *job = NULL;

	pthread_mutex_lock(&hashers.lock);
	while (!job && !hashers.is_stopping) {
		for (size_t i = 0; i < PASSWORDS_RUNNING_MAX && !job; i++) {
			job = hashers.jobs[i];
			hashers.jobs[i] = NULL;
		}
		if (!job)
			pthread_cond_wait(&hashers.asked, &hashers.lock);
	}
	pthread_mutex_unlock(&hashers.lock);
	return job;
}

static void *hasher(void *context)
{
	(void)context;
	/* Of this thread alone, as Linux has it. */
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), HASHER_NICENESS);
	for (struct job *job = next_job(); job; job = next_job()) {
		job_do(job);
		pthread_mutex_lock(&hashers.lock);
		job->is_done = true;
		pthread_cond_broadcast(&hashers.answered);
		pthread_mutex_unlock(&hashers.lock);
	}
	return NULL;
}

bool passwords_start(void)
{
	hashers.is_stopping = false;
	for (; hashers.count < PASSWORDS_RUNNING_MAX; hashers.count++)
		if (pthread_create(&hashers.threads[hashers.count], NULL, hasher, NULL) != 0) {
			passwords_stop();
			return false;
		}
	return true;
}

void passwords_stop(void)
{
	pthread_mutex_lock(&hashers.lock);
	hashers.is_stopping = true;
	pthread_cond_broadcast(&hashers.asked);
	pthread_mutex_unlock(&hashers.lock);
	for (; hashers.count > 0; hashers.count--)
		pthread_join(hashers.threads[hashers.count - 1], NULL);
}

static void hand_over(struct job *job)
{
	size_t place = 0;

	pthread_mutex_lock(&hashers.lock);
	while (hashers.jobs[place])
		place++;
	hashers.jobs[place] = job;
	pthread_cond_signal(&hashers.asked);
	while (!job->is_done)
		pthread_cond_wait(&hashers.answered, &hashers.lock);
	pthread_mutex_unlock(&hashers.lock);
}

/* False when too many wait already; else the job is done. */
static bool job_run(struct job *job, struct problem *problem)
{
	if (!gate_enter(problem))
		return false;
	if (hashers.count > 0)
		hand_over(job);
	else
		job_do(job);
	gate_leave();
	return true;
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
	size_t length = strlen(password);
	struct job job = { .password = password, .length = length };

	if (length > PASSWORD_MAX_BYTES) {
		problem_add(problem, arena, PLACE_POINTER, "#/password", VIOLATION_too_long,
			"At most %d bytes.", PASSWORD_MAX_BYTES);
		return NULL;
	}
	if (!job_run(&job, problem))
		return NULL;
	if (!job.is_good) {
		problem_set(problem, PROBLEM_unavailable, "Try again shortly.");
		problem_cause(problem, "argon2id: out of memory");
		return NULL;
	}
	return arena_strdup(arena, job.made);
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
	struct job job = { .password = password, .length = length, .stored = hash };
	if (!job_run(&job, problem))
		return PASSWORD_BUSY;
	if (!job.is_good || !is_known)
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

const char *secret_hint(const char *secret)
{
	size_t length = strlen(secret);

	return secret + (length > SECRET_HINT_LENGTH ? length - SECRET_HINT_LENGTH : 0);
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
