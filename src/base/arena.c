/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chain of blocks, each filled from the front; only the newest is filled. Blocks double from 8
 * KiB to 1 MiB, so a long answer costs few calls of malloc and a short one a single block, which
 * then serves every later request. A block larger than ARENA_KEEP_BYTES is not kept: one large
 * request must not fix the memory of a worker for ever.
 *
 * Under AddressSanitizer free room is poisoned and allocations stand apart, so use after a reset
 * and writing past the end are reported as they would be with malloc.
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define ARENA_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ARENA_ASAN 1
#endif
#endif

#ifdef ARENA_ASAN
#include <sanitizer/asan_interface.h>
#define ARENA_POISON(bytes, size)   ASAN_POISON_MEMORY_REGION(bytes, size)
#define ARENA_UNPOISON(bytes, size) ASAN_UNPOISON_MEMORY_REGION(bytes, size)
#define ARENA_GAP                   alignof(max_align_t)
#else
#define ARENA_POISON(bytes, size)   ((void)0)
#define ARENA_UNPOISON(bytes, size) ((void)0)
#define ARENA_GAP                   0
#endif

#define ARENA_FIRST_BYTES 8192
#define ARENA_GROWTH_MAX  ((size_t)1 << 20)
#define ARENA_KEEP_BYTES  ((size_t)256 << 10)

struct block {
	struct block *older;
	size_t size;
	size_t used;
	alignas(max_align_t) unsigned char bytes[];
};

struct disposer {
	struct disposer *older;
	void (*dispose)(void *object);
	void *object;
};

struct arena {
	struct block *newest;
	struct disposer *disposers;
};

static void *must_malloc(size_t size)
{
	void *memory = malloc(size);

	if (!memory)
		abort();
	return memory;
}

static size_t round_up(size_t size)
{
	const size_t mask = alignof(max_align_t) - 1;

	if (size > SIZE_MAX / 4)
		abort();
	return (size + mask) & ~mask;
}

static void block_push(struct arena *arena, size_t least)
{
	size_t size = arena->newest ? arena->newest->size * 2 : ARENA_FIRST_BYTES;
	struct block *block;

	if (size > ARENA_GROWTH_MAX)
		size = ARENA_GROWTH_MAX;
	if (size < least)
		size = least;
	block = must_malloc(sizeof(*block) + size);
	block->older = arena->newest;
	block->size = size;
	block->used = 0;
	ARENA_POISON(block->bytes, size);
	arena->newest = block;
}

static void block_free(struct block *block)
{
	ARENA_UNPOISON(block->bytes, block->size);
	free(block);
}

/* Frees every block but the largest that may be kept, and returns that one, empty. */
static struct block *blocks_trim(struct block *newest, size_t keep_max)
{
	struct block *kept = NULL;

	while (newest) {
		struct block *block = newest;

		newest = block->older;
		if (block->size > keep_max || (kept && kept->size >= block->size)) {
			block_free(block);
			continue;
		}
		if (kept)
			block_free(kept);
		kept = block;
	}
	if (kept) {
		kept->older = NULL;
		kept->used = 0;
		ARENA_POISON(kept->bytes, kept->size);
	}
	return kept;
}

static void disposers_run(struct arena *arena)
{
	while (arena->disposers) {
		struct disposer *disposer = arena->disposers;

		arena->disposers = disposer->older;
		disposer->dispose(disposer->object);
	}
}

struct arena *arena_new(void)
{
	struct arena *arena = must_malloc(sizeof(*arena));

	*arena = (struct arena){ NULL, NULL };
	return arena;
}

void arena_reset(struct arena *arena)
{
	disposers_run(arena);
	arena->newest = blocks_trim(arena->newest, ARENA_KEEP_BYTES);
}

struct arena *arena_free(struct arena *arena)
{
	if (!arena)
		return NULL;
	disposers_run(arena);
	blocks_trim(arena->newest, 0);
	free(arena);
	return NULL;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	size_t taken = round_up(size) + ARENA_GAP;
	unsigned char *memory;

	if (!arena->newest || arena->newest->size - arena->newest->used < taken)
		block_push(arena, taken);
	memory = arena->newest->bytes + arena->newest->used;
	arena->newest->used += taken;
	ARENA_UNPOISON(memory, size);
	return memory;
}

void *arena_zalloc(struct arena *arena, size_t size)
{
	return memset(arena_alloc(arena, size), 0, size);
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strlen(text));
}

char *arena_strndup(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_alloc(arena, length + 1);

	if (length > 0)
		memcpy(copy, text, length);
	copy[length] = '\0';
	return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	text = arena_vprintf(arena, format, args);
	va_end(args);
	return text;
}

char *arena_vprintf(struct arena *arena, const char *format, va_list args)
{
	va_list again;
	char *text;
	int length;

	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, args);
	if (length < 0)
		abort();
	text = arena_alloc(arena, (size_t)length + 1);
	vsnprintf(text, (size_t)length + 1, format, again);
	va_end(again);
	return text;
}

void arena_defer(struct arena *arena, void (*dispose)(void *object), void *object)
{
	struct disposer *disposer;

	if (!object)
		return;
	disposer = arena_alloc(arena, sizeof(*disposer));
	*disposer = (struct disposer){ arena->disposers, dispose, object };
	arena->disposers = disposer;
}
