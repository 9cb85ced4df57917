/* SPDX-License-Identifier: Apache-2.0 */
/* Percent-decoding as RFC 3986 §2.1 has it, for targets, queries and forms. */
#ifndef PARTNERD_SRC_HTTP_PERCENT_H
#define PARTNERD_SRC_HTTP_PERCENT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/text.h"

/* Every '%' is followed by two hexadecimal digits. */
bool percent_is_valid(struct slice text);

/*
 * Decodes onto the arena, NUL-terminated. False when an escape is broken, a NUL comes out, or what
 * comes out is not UTF-8. `plus_is_space`: the rule of forms and queries.
 */
bool percent_decode(
	struct arena *arena, struct slice text, bool plus_is_space, struct slice *ret_text);

#endif
