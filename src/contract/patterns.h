/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The regular expressions of `pattern`: the part of ECMA 262 a contract needs, matched in linear
 * time over code points. \d and \w are ASCII, as ECMA has them; a pattern without ^ and $ is
 * searched for.
 */
#ifndef PARTNERD_CONTRACT_PATTERNS_H
#define PARTNERD_CONTRACT_PATTERNS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/text.h"

struct pattern;

/* NULL and a sentence in `reterr` for what is not supported: look-around, back references, lazy
 * quantifiers, \b, \p. */
const struct pattern *pattern_compile(struct arena *arena, const char *source, struct text *reterr);

/* `bytes` must be UTF-8. Allocates nothing; the time is bounded by length times the size of the
 * program. */
bool pattern_matches(const struct pattern *pattern, const char *bytes, size_t length);

#endif
