/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON pointers in fragment form (RFC 6901 §6). While something is walked, the place is a chain of
 * frames on the C stack, so that knowing it costs nothing; it becomes text only when there is
 * something to say about it.
 */
#ifndef PARTNERD_CONTRACT_POINTER_H
#define PARTNERD_CONTRACT_POINTER_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/text.h"

struct pointer {
	const struct pointer *parent; /* NULL: `name` is the text of the root, as it is */
	const char *name;             /* of the member; NULL: the element at `index` */
	size_t index;
};

#define POINTER_ROOT(text)          (&(struct pointer){ NULL, (text), 0 })
#define POINTER_MEMBER(parent, key) (&(struct pointer){ (parent), (key), 0 })
#define POINTER_ITEM(parent, at)    (&(struct pointer){ (parent), NULL, (at) })

/* Names longer than this are cut: an answer must not grow by what a caller writes into it. */
#define POINTER_NAME_BYTES 128

void pointer_append(struct text *text, const struct pointer *pointer);
char *pointer_render(struct arena *arena, const struct pointer *pointer);

/* Appends "<pointer>: <sentence>" to `reterr`. Returns false, so callers `return` it. */
bool pointer_fail(struct text *reterr, const struct pointer *pointer, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The value "#/a/b~1c/0" names in `document`, or NULL. */
const json_t *pointer_resolve(const json_t *document, const char *reference);

#endif
