/* SPDX-License-Identifier: Apache-2.0 */
/* How memory of a request is taken, handed over and given back. Sanitizers watch the rest. */
#include "base/arena.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void allocations_are_aligned_and_apart(void **state)
{
	struct arena *arena = arena_new();
	unsigned char *memory[300];

	(void)state;
	for (size_t i = 0; i < 300; i++) {
		memory[i] = arena_alloc(arena, i);
		assert_int_equal((uintptr_t)memory[i] % alignof(max_align_t), 0);
		memset(memory[i], (int)(i & 0xff), i);
	}
	for (size_t i = 0; i < 300; i++) {
		for (size_t at = 0; at < i; at++)
			assert_int_equal(memory[i][at], i & 0xff);
	}
	assert_null(arena_free(arena));
}

static void large_allocations_get_their_own_block(void **state)
{
	struct arena *arena = arena_new();
	char *small = arena_strdup(arena, "small");
	char *large = arena_alloc(arena, 3u << 20);

	(void)state;
	memset(large, 'x', 3u << 20);
	assert_string_equal(small, "small");
	assert_string_equal(arena_strdup(arena, "after"), "after");
	arena_free(arena);
}

static void zalloc_clears_memory_that_was_used_before(void **state)
{
	static const unsigned char zeros[4096];
	struct arena *arena = arena_new();

	(void)state;
	memset(arena_alloc(arena, sizeof(zeros)), 0xff, sizeof(zeros));
	arena_reset(arena);
	assert_memory_equal(arena_zalloc(arena, sizeof(zeros)), zeros, sizeof(zeros));
	arena_free(arena);
}

static void reset_keeps_the_block_for_the_next_request(void **state)
{
	struct arena *arena = arena_new();
	void *first = arena_alloc(arena, 100);

	(void)state;
	arena_reset(arena);
	assert_ptr_equal(arena_alloc(arena, 100), first);
	/* Grown to several blocks, the largest that may be kept holds all of it the next time. */
	for (int i = 0; i < 100; i++)
		arena_alloc(arena, 1000);
	arena_reset(arena);
	first = arena_alloc(arena, 1000);
	assert_ptr_not_equal(first, NULL);
	arena_free(arena);
}

static void copies_end_in_nul(void **state)
{
	struct arena *arena = arena_new();

	(void)state;
	assert_string_equal(arena_strdup(arena, ""), "");
	assert_string_equal(arena_strndup(arena, "abcdef", 3), "abc");
	assert_memory_equal(arena_strndup(arena, "a\0b", 3), "a\0b\0", 4);
	assert_string_equal(arena_strndup(arena, NULL, 0), "");
	arena_free(arena);
}

static void printf_has_room_for_any_length(void **state)
{
	struct arena *arena = arena_new();
	char *text = arena_printf(arena, "%s-%d-%020000d", "deal", 7, 1);

	(void)state;
	assert_int_equal(strlen(text), strlen("deal-7-") + 20000);
	assert_memory_equal(text, "deal-7-000", 10);
	assert_string_equal(text + 20000, "0000001");
	arena_free(arena);
}

struct disposal {
	int number;
	int *order;
	int *count;
};

static void note_disposal(void *object)
{
	struct disposal *disposal = object;

	disposal->order[(*disposal->count)++] = disposal->number;
}

static void defer_three(struct arena *arena, int *order, int *count)
{
	for (int i = 1; i <= 3; i++) {
		struct disposal *disposal = arena_alloc(arena, sizeof(*disposal));

		*disposal = (struct disposal){ i, order, count };
		arena_defer(arena, note_disposal, disposal);
	}
}

static void disposers_run_last_first_and_once(void **state)
{
	struct arena *arena = arena_new();
	int order[6] = { 0 };
	int count = 0;

	(void)state;
	defer_three(arena, order, &count);
	arena_defer(arena, note_disposal, NULL);
	arena_reset(arena);
	assert_int_equal(count, 3);
	assert_memory_equal(order, ((int[]){ 3, 2, 1 }), 3 * sizeof(int));
	arena_reset(arena);
	assert_int_equal(count, 3);
	defer_three(arena, order, &count);
	arena_free(arena);
	assert_int_equal(count, 6);
}

static void freeing_nothing_is_allowed(void **state)
{
	(void)state;
	assert_null(arena_free(NULL));
	assert_null(arena_free(arena_new()));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(allocations_are_aligned_and_apart),
		cmocka_unit_test(large_allocations_get_their_own_block),
		cmocka_unit_test(zalloc_clears_memory_that_was_used_before),
		cmocka_unit_test(reset_keeps_the_block_for_the_next_request),
		cmocka_unit_test(copies_end_in_nul),
		cmocka_unit_test(printf_has_room_for_any_length),
		cmocka_unit_test(disposers_run_last_first_and_once),
		cmocka_unit_test(freeing_nothing_is_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
