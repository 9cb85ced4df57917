/* SPDX-License-Identifier: Apache-2.0 */
/* The values of `format` for strings. A new format is one row in formats.c. */
#ifndef PARTNERD_CONTRACT_FORMATS_H
#define PARTNERD_CONTRACT_FORMATS_H

#include <stdbool.h>
#include <stddef.h>

struct format {
	const char *name;
	bool (*is_valid)(const char *bytes, size_t length);
	const char *sentence; /* for people: what is expected */
};

/* NULL when the format is not supported. */
const struct format *format_find(const char *name);

#endif
