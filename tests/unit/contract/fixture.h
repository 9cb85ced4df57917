/* SPDX-License-Identifier: Apache-2.0 */
/* A schema, a value and the judgement, from JSON written with single quotes. */
#ifndef PARTNERD_TESTS_CONTRACT_FIXTURE_H
#define PARTNERD_TESTS_CONTRACT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "contract/schema.h"

struct fixture {
	struct arena *arena;
	json_t *document;
	const struct schema *schema;
	struct text error;
	struct problem problem;
	char line[4096]; /* every violation as "code where" lines */
};

static inline json_t *json_of(const char *text)
{
	char *copy = strdup(text);
	json_error_t error;
	json_t *value;

	for (char *at = copy; *at; at++)
		if (*at == '\'')
			*at = '"';
	value = json_loads(copy, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &error);
	if (!value)
		fail_msg("%s in %s", error.text, copy);
	free(copy);
	return value;
}

/* Compiles the document itself as a schema; components may stand under "x-components". */
static inline const struct schema *fixture_compile(struct fixture *fixture, const char *schema)
{
	*fixture = (struct fixture){ .arena = arena_new(), .document = json_of(schema) };
	fixture->schema = schema_compile(
		fixture->arena, fixture->document, fixture->document, &fixture->error);
	return fixture->schema;
}

static inline void fixture_release(struct fixture *fixture)
{
	text_release(&fixture->error);
	json_decref(fixture->document);
	fixture->arena = arena_free(fixture->arena);
}

static inline void describe(struct fixture *fixture)
{
	fixture->line[0] = '\0';
	for (size_t i = 0; i < fixture->problem.violation_count; i++) {
		const struct violation *violation = &fixture->problem.violations[i];
		size_t length = strlen(fixture->line);

		snprintf(fixture->line + length, sizeof(fixture->line) - length, "%s%s %s",
			i ? "\n" : "", violation_code_text(violation->code), violation->where);
	}
}

/* "" when the value is valid, else its violations. */
static inline const char *fixture_judge(struct fixture *fixture, const char *value)
{
	json_t *json = json_of(value);
	bool is_valid;

	memset(&fixture->problem, 0, sizeof(fixture->problem));
	is_valid = schema_validate(fixture->schema, NULL, json, fixture->arena, &fixture->problem);
	assert_int_equal(is_valid, fixture->problem.violation_count == 0);
	assert_int_equal(is_valid, !fixture->problem.is_set);
	describe(fixture);
	json_decref(json);
	return fixture->line;
}

/* One schema, one value. */
static inline void assert_judged(const char *schema, const char *value, const char *violations)
{
	struct fixture fixture;

	if (!fixture_compile(&fixture, schema))
		fail_msg("%s", fixture.error.bytes);
	assert_string_equal(fixture_judge(&fixture, value), violations);
	fixture_release(&fixture);
}

/* The sentence of the first violation. */
static inline void assert_detail(const char *schema, const char *value, const char *detail)
{
	struct fixture fixture;

	if (!fixture_compile(&fixture, schema))
		fail_msg("%s", fixture.error.bytes);
	assert_string_not_equal(fixture_judge(&fixture, value), "");
	assert_string_equal(fixture.problem.violations[0].detail, detail);
	fixture_release(&fixture);
}

static inline void assert_refused(const char *schema, const char *error)
{
	struct fixture fixture;

	if (fixture_compile(&fixture, schema))
		fail_msg("compiled: %s", schema);
	assert_string_equal(fixture.error.bytes, error);
	fixture_release(&fixture);
}

#endif
