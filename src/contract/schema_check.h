/* SPDX-License-Identifier: Apache-2.0 */
/* Checks of single values and the sentences about them: shared by bodies (json_t) and parameters
 * (text). */
#ifndef PARTNERD_CONTRACT_SCHEMA_CHECK_H
#define PARTNERD_CONTRACT_SCHEMA_CHECK_H

#include "contract/schema_node.h"

/* One run over one value. */
struct validator {
	struct arena *arena;
	struct problem *problem;
	enum violation_place place;
	const struct schema *output; /* of the answer, or NULL */
	size_t depth;
	bool has_failed;
};

/* No more violations would be kept: the rest need not be looked at. */
bool is_full(const struct validator *validator);

/* About the value itself: the schema's own message, when it has one, wins over the sentence given.
 */
void report(struct validator *validator, const struct schema *schema, const struct pointer *where,
	enum violation_code code, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* About a member's presence or name. */
void report_member(struct validator *validator, const struct pointer *where,
	enum violation_code code, const char *format, ...) __attribute__((format(printf, 4, 5)));
void report_type(
	struct validator *validator, const struct schema *schema, const struct pointer *where);
void report_choice(
	struct validator *validator, const struct schema *schema, const struct pointer *where);
void report_tags(
	struct validator *validator, const struct schema *schema, const struct pointer *where);

void check_size(struct validator *validator, const struct schema *schema,
	const struct pointer *where, size_t size, size_t min, size_t max, const char *noun);
void check_number(struct validator *validator, const struct schema *schema,
	const struct pointer *where, long double value);
/* `text` is UTF-8. Control characters are refused in every text, a wrong format before a wrong
 * length. */
void check_string(struct validator *validator, const struct schema *schema,
	const struct pointer *where, struct slice text);
/* The name in `where` as a string; `names` is propertyNames or NULL. */
void check_name(
	struct validator *validator, const struct schema *names, const struct pointer *where);

/* The property a caller probably meant, or NULL. */
const char *nearest_name(const struct schema *schema, const char *name);

#endif
