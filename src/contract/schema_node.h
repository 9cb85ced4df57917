/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compiled schema. It is made in two passes: schema_compile.c reads the keywords of each node,
 * schema_link.c then resolves what needs other nodes to be complete (chains of $ref, allOf, tags of
 * oneOf, required names, defaults). Afterwards it is read-only.
 */
#ifndef PARTNERD_CONTRACT_SCHEMA_NODE_H
#define PARTNERD_CONTRACT_SCHEMA_NODE_H

#include <stdint.h>

#include "contract/formats.h"
#include "contract/patterns.h"
#include "contract/pointer.h"
#include "contract/schema.h"

enum schema_type {
	SCHEMA_NULL = 1 << 0,
	SCHEMA_BOOLEAN = 1 << 1,
	SCHEMA_INTEGER = 1 << 2,
	SCHEMA_NUMBER = 1 << 3,
	SCHEMA_STRING = 1 << 4,
	SCHEMA_ARRAY = 1 << 5,
	SCHEMA_OBJECT = 1 << 6,
};

/* long double holds every int64 and every double exactly on the platforms we build for. */
struct bound {
	bool is_set;
	long double value;
};

struct property {
	const char *name;
	const struct schema *schema;
	bool required;
	bool read_only;
};

struct variant {
	const char *tag; /* value of the discriminator */
	const struct schema *schema;
};

enum link_state { LINK_PENDING, LINK_BUSY, LINK_DONE };

struct schema {
	/* An alias ($ref, "X or null") has a target and, of all below, only what annotates. */
	const struct schema *target;
	bool allows_null; /* beside a target or variants */

	unsigned types; /* enum schema_type; 0 = any */
	const json_t *enum_values;
	const json_t *const_value;
	const json_t *default_value;
	const char *message; /* x-message: the sentence of every violation of this value */
	bool read_only, write_only;

	struct bound minimum, maximum, above, below;
	int64_t multiple_of; /* 0 = any */

	size_t min_length, max_length; /* code points; maxima are SIZE_MAX when absent */
	const struct pattern *pattern;
	const struct format *format;

	size_t min_items, max_items;
	bool unique_items;
	const struct schema *items;

	struct property *properties; /* in order of the contract */
	const struct property **by_name;
	size_t property_count;
	size_t min_properties, max_properties;
	bool is_closed;                  /* additionalProperties: false */
	const struct schema *additional; /* of members that are no property, or NULL */
	const struct schema *names;      /* propertyNames, or NULL */

	const char *discriminator;
	struct variant *variants;
	size_t variant_count;

	/* For the second pass only. */
	struct schema *next;
	const char *where;
	enum link_state state;
	bool is_branch; /* written inside an allOf: `required` may name properties of its siblings
			 */
	bool has_constraints; /* more than type, properties and required */
	bool has_one_of;      /* the null branch of oneOf must not match twice */
	const json_t *required;
	const json_t *mapping;
	const struct schema **branches; /* of allOf or oneOf */
	size_t branch_count;
};

/* One $ref target: compiled once, whoever points at it. */
struct schema_target {
	struct schema_target *next;
	const json_t *node;
	struct schema *schema;
};

struct schema_compiler {
	struct arena *arena;
	const json_t *document;
	struct text *reterr;
	struct schema_target *targets;
	struct schema *pending; /* newest first */
	size_t depth;
};

#define SCHEMA_COMPILER_INIT(arena, document, reterr)        \
	{                                                    \
		(arena), (document), (reterr), NULL, NULL, 0 \
	}

/* First pass. NULL and a sentence in compiler->reterr when the schema is outside the subset. */
struct schema *schema_compiler_add(
	struct schema_compiler *compiler, const json_t *node, const struct pointer *where);
/* Second pass over everything added since the last one. Only then a schema may be used. */
bool schema_compiler_link(struct schema_compiler *compiler);

/* Follows aliases to the schema that says something. */
const struct schema *schema_follow(const struct schema *schema);
/* Can it be the schema of a parameter: one type, a scalar? */
bool schema_takes_text(const struct schema *schema);
const struct property *schema_find_property(const struct schema *schema, const char *name);

#endif
