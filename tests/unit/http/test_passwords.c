/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords and secrets: what is stored, what is refused, and how many may be hashed at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/passwords.h"

#include <pthread.h>
#include <string.h>

#define CROWD 64

static const struct settings cheap = { .password_memory_kib = 64, .password_iterations = 1 };
static const struct settings dearer = { .password_memory_kib = 128, .password_iterations = 1 };
/* Slow enough that a crowd of 64 is at the gate before the first two are through. */
static const struct settings slow = { .password_memory_kib = 65536, .password_iterations = 4 };

static void hash_verifies(void **state)
{
	struct arena *arena = arena_new();
	struct problem problem = PROBLEM_INIT;
	(void)state;

	passwords_configure(&cheap);
	const char *hash = password_hash("correct horse", arena, &problem);
	assert_non_null(hash);
	assert_memory_equal(hash, "$argon2id$v=19$m=64,t=1,p=1$", 28);
	assert_int_equal(password_verify(hash, "correct horse", &problem), PASSWORD_RIGHT);
	assert_int_equal(password_verify(hash, "correct horsE", &problem), PASSWORD_WRONG);
	assert_int_equal(password_verify(hash, "", &problem), PASSWORD_WRONG);
	assert_string_not_equal(hash, password_hash("correct horse", arena, &problem));
	assert_false(problem.is_set);
	arena_free(arena);
}

static void unknown_users_are_wrong(void **state)
{
	struct problem problem = PROBLEM_INIT;
	(void)state;

	passwords_configure(&cheap);
	assert_int_equal(password_verify(NULL, "correct horse", &problem), PASSWORD_WRONG);
	assert_int_equal(password_verify("", "correct horse", &problem), PASSWORD_WRONG);
	assert_int_equal(password_verify("not a hash", "correct horse", &problem), PASSWORD_WRONG);
	assert_false(problem.is_set);
}

static void long_passwords_are_refused(void **state)
{
	struct arena *arena = arena_new();
	struct problem problem = PROBLEM_INIT;
	char password[PASSWORD_MAX_BYTES + 2];
	(void)state;

	passwords_configure(&cheap);
	memset(password, 'a', sizeof password);
	password[PASSWORD_MAX_BYTES] = '\0';
	const char *hash = password_hash(password, arena, &problem);
	assert_non_null(hash);
	assert_int_equal(password_verify(hash, password, &problem), PASSWORD_RIGHT);

	/* One byte more is not the same password cut short. */
	password[PASSWORD_MAX_BYTES] = 'a';
	password[PASSWORD_MAX_BYTES + 1] = '\0';
	assert_int_equal(password_verify(hash, password, &problem), PASSWORD_WRONG);
	assert_false(problem.is_set);
	assert_null(password_hash(password, arena, &problem));
	assert_int_equal(problem.code, PROBLEM_validation_failed);
	assert_string_equal(problem.violations[0].where, "#/password");
	arena_free(arena);
}

static void new_costs_ask_for_a_new_hash(void **state)
{
	struct arena *arena = arena_new();
	struct problem problem = PROBLEM_INIT;
	(void)state;

	passwords_configure(&cheap);
	const char *hash = password_hash("correct horse", arena, &problem);
	passwords_configure(&dearer);
	assert_int_equal(password_verify(hash, "correct horse", &problem), PASSWORD_RIGHT_REHASH);
	assert_int_equal(password_verify(hash, "wrong", &problem), PASSWORD_WRONG);
	arena_free(arena);
}

struct guest {
	pthread_barrier_t *door;
	const char *hash;
	enum password_verdict verdict;
	struct problem problem;
};

static void *sign_in(void *context)
{
	struct guest *guest = context;

	pthread_barrier_wait(guest->door);
	guest->verdict = password_verify(guest->hash, "correct horse", &guest->problem);
	return NULL;
}

static void crowds_are_told_to_come_again(void **state)
{
	static struct guest guests[CROWD];
	struct arena *arena = arena_new();
	struct problem problem = PROBLEM_INIT;
	pthread_t threads[CROWD];
	pthread_barrier_t door;
	int right = 0;
	int busy = 0;
	(void)state;

	passwords_configure(&slow);
	const char *hash = password_hash("correct horse", arena, &problem);
	pthread_barrier_init(&door, NULL, CROWD);
	for (int i = 0; i < CROWD; i++) {
		guests[i] = (struct guest){ .door = &door, .hash = hash };
		pthread_create(&threads[i], NULL, sign_in, &guests[i]);
	}
	for (int i = 0; i < CROWD; i++) {
		pthread_join(threads[i], NULL);
		right += guests[i].verdict == PASSWORD_RIGHT;
		if (guests[i].verdict != PASSWORD_BUSY)
			continue;
		busy++;
		assert_int_equal(guests[i].problem.code, PROBLEM_unavailable);
		assert_true(guests[i].problem.retry_after_s > 0);
	}
	assert_int_equal(right + busy, CROWD);
	assert_true(right >= PASSWORDS_RUNNING_MAX + PASSWORDS_WAITING_MAX);
	assert_true(busy > 0);
	/* The gate is open again afterwards. */
	assert_int_equal(password_verify(hash, "correct horse", &problem), PASSWORD_RIGHT);
	pthread_barrier_destroy(&door);
	arena_free(arena);
}

/* As in a server: what the callers did themselves above is done by threads of their own. */
static void hashers_do_the_same(void **state)
{
	for (int turn = 0; turn < 2; turn++) {
		assert_true(passwords_start());
		hash_verifies(state);
		long_passwords_are_refused(state);
		new_costs_ask_for_a_new_hash(state);
		crowds_are_told_to_come_again(state);
		passwords_stop();
	}
	hash_verifies(state);
}

static void secrets_are_random_and_hashed(void **state)
{
	struct arena *arena = arena_new();
	(void)state;

	const char *secret = secret_make(SECRET_PREFIX_CLIENT, arena);
	assert_int_equal(strlen(secret), 4 + 43);
	assert_memory_equal(secret, "pds_", 4);
	assert_string_not_equal(secret, secret_make(SECRET_PREFIX_CLIENT, arena));
	assert_string_equal(secret_hash("abc", arena),
		"\\xba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_verifies),
		cmocka_unit_test(unknown_users_are_wrong),
		cmocka_unit_test(long_passwords_are_refused),
		cmocka_unit_test(new_costs_ask_for_a_new_hash),
		cmocka_unit_test(crowds_are_told_to_come_again),
		cmocka_unit_test(hashers_do_the_same),
		cmocka_unit_test(secrets_are_random_and_hashed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
