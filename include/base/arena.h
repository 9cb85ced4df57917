/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory with the life of a request or of one job iteration. Inputs are bounded before they reach
 * an arena (body size, depth, nodes, page size), so an allocation either succeeds or aborts the
 * process; callers never check for NULL and never free. What is not plain memory (a PGresult, a
 * json_t) is handed over with arena_defer.
 */
#ifndef PARTNERD_BASE_ARENA_H
#define PARTNERD_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

/* Makes an empty arena. The first block is allocated on first use. Aborts when memory is gone. */
struct arena *arena_new(void);

/* Runs the deferred disposers, last registered first, and keeps at most one block for reuse. */
void arena_reset(struct arena *arena);

/* Resets and releases the arena itself. NULL is accepted. Always returns NULL, so `a =
 * arena_free(a)` works. */
struct arena *arena_free(struct arena *arena);

/* Uninitialised memory, aligned for every type. `arena_zalloc` hands out zeroed memory. */
void *arena_alloc(struct arena *arena, size_t size)
	__attribute__((malloc, returns_nonnull, alloc_size(2)));
void *arena_zalloc(struct arena *arena, size_t size)
	__attribute__((malloc, returns_nonnull, alloc_size(2)));

/* NUL-terminated copies. `arena_strndup` copies exactly `length` bytes and adds the NUL. */
char *arena_strdup(struct arena *arena, const char *text) __attribute__((returns_nonnull));
char *arena_strndup(struct arena *arena, const char *text, size_t length)
	__attribute__((returns_nonnull));
char *arena_printf(struct arena *arena, const char *format, ...)
	__attribute__((returns_nonnull, format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *format, va_list args)
	__attribute__((returns_nonnull, format(printf, 2, 0)));

/* Calls `dispose(object)` when the arena is reset or freed. A NULL object is ignored. */
void arena_defer(struct arena *arena, void (*dispose)(void *object), void *object);

#endif
