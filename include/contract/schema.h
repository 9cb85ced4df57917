/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Schema as the contract uses it (architecture.md §2), compiled once into nodes and run over
 * json_t. A keyword outside the supported subset is an error when the schema is compiled, never
 * silently ignored. Validation collects every violation (up to PROBLEM_MAX_VIOLATIONS) with JSON
 * pointers in fragment form.
 */
#ifndef PARTNERD_CONTRACT_SCHEMA_H
#define PARTNERD_CONTRACT_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/problem.h"
#include "base/text.h"

struct schema;

/*
 * Compiles the schema at `node`; `document` resolves "#/components/…" references, recursive ones
 * too. The result lives on `arena` and points into `document`, which must outlive it. NULL and a
 * sentence in `reterr` when a keyword, a format, a pattern or a reference is not supported.
 */
const struct schema *schema_compile(
	struct arena *arena, const json_t *document, const json_t *node, struct text *reterr);

/*
 * Adds a violation to `problem` for everything in `value` the schema does not allow; true when
 * there is none. `output` may be NULL: the schema of the answer, by which an unknown member at the
 * top is told apart as read-only.
 */
bool schema_validate(const struct schema *schema, const struct schema *output, const json_t *value,
	struct arena *arena, struct problem *problem);

/*
 * One scalar given as text (a query or path parameter): type integer, boolean and number are parsed
 * strictly, strings are taken as they are. `name` stands in the violation, which is of
 * PLACE_PARAMETER.
 */
bool schema_validate_text(const struct schema *schema, const char *name, struct slice value,
	struct arena *arena, struct problem *problem);

/* Is `name` a property of this object schema (references followed)? Used by `partnerd check`. */
bool schema_has_property(const struct schema *schema, const char *name);
/* The schema of a property, or of the items of an array; NULL when there is none. */
const struct schema *schema_property(const struct schema *schema, const char *name);
const struct schema *schema_items(const struct schema *schema);
/* Names of the properties in order of the contract; NULL past the end. */
const char *schema_property_name(const struct schema *schema, size_t index);
bool schema_is_required(const struct schema *schema, const char *name);
/* The strings of an enum; NULL past the end or when there is no enum. */
const char *schema_enum_at(const struct schema *schema, size_t index);
/* The default of the schema, or NULL. */
const json_t *schema_default(const struct schema *schema);

#endif
