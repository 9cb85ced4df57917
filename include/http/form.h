/* SPDX-License-Identifier: Apache-2.0 */
/*
 * application/x-www-form-urlencoded, read strictly: a name given twice, a broken escape, a NUL or
 * bytes that are not UTF-8 refuse the whole form. What a field means is the caller's matter.
 */
#ifndef PARTNERD_HTTP_FORM_H
#define PARTNERD_HTTP_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/problem.h"
#include "base/text.h"

#define FORM_MAX_FIELDS 32

struct form {
	struct {
		const char *name;
		const char *value;
	} fields[FORM_MAX_FIELDS];
	size_t count;
};

/* False and invalid_encoding or invalid_parameter in `problem`. Strings live on `arena`. */
bool form_parse(
	struct form *ret_form, struct arena *arena, struct slice body, struct problem *problem);

/* NULL when absent or empty: RFC 6749 §3.2 treats both alike. */
const char *form_value(const struct form *form, const char *name);

#endif
