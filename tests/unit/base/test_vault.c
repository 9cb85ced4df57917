/* SPDX-License-Identifier: Apache-2.0 */
/* What a vault seals, only the same key opens, for the same purpose, unchanged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/vault.h"

#define KEY_A "0101010101010101010101010101010101010101010101010101010101010101"
#define KEY_B "0202020202020202020202020202020202020202020202020202020202020202"

static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static struct vault *vault_of(const char *key, const char *previous)
{
	const struct settings settings = { .encryption_key = key,
		.encryption_key_file = "",
		.encryption_key_previous = previous };
	struct text fault = TEXT_INIT;
	struct vault *vault = vault_open(&settings, &fault);

	if (!vault)
		fail_msg("%s", fault.bytes);
	text_release(&fault);
	return vault;
}

static bool opens(const struct vault *vault, const char *purpose, const char *sealed)
{
	struct slice bytes;

	return vault_unseal(vault, purpose, sealed, arena, &bytes) && slice_is(bytes, "secret");
}

static void opens_what_it_sealed(void **state)
{
	struct vault *vault = vault_of(KEY_A, "");
	const char *sealed = vault_seal(vault, "totp 1", "secret", 6, arena);
	const char *again = vault_seal(vault, "totp 1", "secret", 6, arena);

	(void)state;
	assert_true(opens(vault, "totp 1", sealed));
	assert_true(vault_is_current(vault, sealed));
	assert_string_not_equal(sealed, again);
	assert_null(strstr(sealed, "secret"));
	assert_false(opens(vault, "totp 2", sealed));
	vault_free(vault);
}

static void keeps_empty_and_binary_bytes(void **state)
{
	static const char bytes[] = { 'a', '\0', (char)0xff, '\n' };
	struct vault *vault = vault_of(KEY_A, "");
	struct slice opened;

	(void)state;
	assert_true(vault_unseal(vault, "p", vault_seal(vault, "p", "", 0, arena), arena, &opened));
	assert_int_equal(opened.length, 0);
	assert_true(vault_unseal(
		vault, "p", vault_seal(vault, "p", bytes, sizeof bytes, arena), arena, &opened));
	assert_int_equal(opened.length, sizeof bytes);
	assert_memory_equal(opened.bytes, bytes, sizeof bytes);
	vault_free(vault);
}

static void refuses_every_changed_byte(void **state)
{
	struct vault *vault = vault_of(KEY_A, "");
	const char *sealed = vault_seal(vault, "p", "secret", 6, arena);

	(void)state;
	for (size_t i = 0; sealed[i]; i++) {
		char *changed = arena_strdup(arena, sealed);
		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		assert_false(opens(vault, "p", changed));
		changed[i] = '\0';
		assert_false(opens(vault, "p", changed));
	}
	assert_false(opens(vault, "p", arena_printf(arena, "%sA", sealed)));
	vault_free(vault);
}

static void opens_what_the_key_before_sealed(void **state)
{
	struct vault *old = vault_of(KEY_A, "");
	struct vault *both = vault_of(KEY_B, KEY_A);
	struct vault *fresh = vault_of(KEY_B, "");
	const char *sealed = vault_seal(old, "p", "secret", 6, arena);

	(void)state;
	assert_true(opens(both, "p", sealed));
	assert_false(vault_is_current(both, sealed));
	assert_true(vault_is_current(both, vault_seal(both, "p", "secret", 6, arena)));
	assert_false(opens(fresh, "p", sealed));
	assert_true(opens(fresh, "p", vault_seal(both, "p", "secret", 6, arena)));
	vault_free(old);
	vault_free(both);
	vault_free(fresh);
}

static void refuse_settings(const char *key, const char *file, const char *why)
{
	const struct settings settings = {
		.encryption_key = key, .encryption_key_file = file, .encryption_key_previous = ""
	};
	struct text fault = TEXT_INIT;

	assert_null(vault_open(&settings, &fault));
	assert_non_null(strstr(fault.bytes, why));
	assert_null(strstr(fault.bytes, KEY_A));
	text_release(&fault);
}

/* A file with these bytes; opens with it, or says why not. */
static void check_file(const char *bytes, const char *why)
{
	char path[] = "/tmp/partnerd-vault-XXXXXX";
	const struct settings settings = {
		.encryption_key = "", .encryption_key_file = path, .encryption_key_previous = ""
	};
	struct text fault = TEXT_INIT;
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, strlen(bytes)), strlen(bytes));
	close(fd);
	if (why) {
		refuse_settings("", path, why);
	} else {
		struct vault *vault = vault_open(&settings, &fault);
		struct vault *same = vault_of(KEY_A, "");
		assert_non_null(vault);
		assert_true(opens(same, "p", vault_seal(vault, "p", "secret", 6, arena)));
		vault_free(vault);
		vault_free(same);
	}
	unlink(path);
}

static void needs_exactly_one_key(void **state)
{
	(void)state;
	refuse_settings("", "", "openssl rand -hex 32");
	refuse_settings(KEY_A, "/tmp/x", "not both");
	refuse_settings("", "/nonexistent/key", "cannot be read");
	check_file(KEY_A "\n", NULL);
	check_file(KEY_A, NULL);
	check_file("", "64 hexadecimal digits");
	check_file(KEY_A "00", "64 hexadecimal digits");
	check_file("x" KEY_A, "64 hexadecimal digits");
	check_file(KEY_A KEY_A KEY_A, "64 hexadecimal digits");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(opens_what_it_sealed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(keeps_empty_and_binary_bytes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(refuses_every_changed_byte, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			opens_what_the_key_before_sealed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(needs_exactly_one_key, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
