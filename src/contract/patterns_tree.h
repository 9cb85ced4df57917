/* SPDX-License-Identifier: Apache-2.0 */
/* The syntax tree of a regular expression: what patterns_parse.c makes and patterns.c turns into a
 * program. */
#ifndef PARTNERD_CONTRACT_PATTERNS_TREE_H
#define PARTNERD_CONTRACT_PATTERNS_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

#define PATTERN_REPEAT_NONE UINT32_MAX /* `max` of a repetition without end */

struct range {
	uint32_t low, high;
};

struct set {
	const struct range *ranges;
	size_t count;
};

enum node_kind {
	NODE_EMPTY,
	NODE_SET,
	NODE_START,
	NODE_END,
	NODE_CONCAT,
	NODE_EITHER,
	NODE_REPEAT
};

struct node {
	enum node_kind kind;
	const struct node *left, *right;
	struct set set;    /* NODE_SET: one code point out of these */
	uint32_t min, max; /* NODE_REPEAT */
};

/* NULL, and what is wrong in `reterr`, when the source is outside the supported part of ECMA 262.
 */
const struct node *pattern_parse(struct arena *arena, const char *source, const char **reterr);

/* The code point at `*at`, which advances. Never passes `end`; broken UTF-8 reads as single bytes.
 */
uint32_t pattern_read_point(const char **at, const char *end);

#endif
