/* SPDX-License-Identifier: Apache-2.0 */
/* Cursors and entity tags from outside: refused or taken, never more than that. */
#include <stdint.h>
#include <string.h>

#include "http/engines.h"

static struct app app = { .secret = "0123456789abcdef0123456789abcde" };
static const struct actor actor = { .program_id = "01932c07-5f1e-7c3a-9b1d-2f6a4f0d9c11" };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request request = { .app = &app, .actor = &actor, .arena = arena_new() };
	struct cursor cursor;
	struct problem problem = PROBLEM_INIT;
	const char *text = arena_strndup(request.arena, (const char *)data, size);
	if (cursor_read(&request, text, 1, &cursor, &problem) && strlen(cursor.id) > 36)
		__builtin_trap();
	(void)etag_matches(text, "3", size % 2 == 0);
	arena_free(request.arena);
	return 0;
}
