/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first byte chooses a schema (or says that the input is one), the rest is JSON. No crash, no
 * leak; the answer and the violations agree, each violation has a place and a sentence, and judging
 * twice gives the same.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "contract/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const schemas[] = {
	"{\"type\":\"object\",\"required\":[\"amount\",\"name\"],\"additionalProperties\":false,"
	"\"properties\":{"
	"\"amount\":{\"type\":\"integer\",\"minimum\":-10,\"maximum\":9007199254740991,"
	"\"multipleOf\":5},"
	"\"name\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":20,\"pattern\":\"^[A-Z]\\\\w*("
	" \\\\w+){0,3}$\"},"
	"\"ids\":{\"type\":\"object\",\"maxProperties\":3,\"propertyNames\":{\"maxLength\":4},"
	"\"additionalProperties\":{\"type\":[\"string\",\"null\"],\"format\":\"uuid\"}},"
	"\"status\":{\"enum\":[\"won\",\"lost\",null,1.5]}}}",
	"{\"type\":\"object\",\"properties\":{\"next\":{\"$ref\":\"#\"},\"all\":{\"type\":"
	"\"array\",\"maxItems\":5,"
	"\"uniqueItems\":true,\"items\":{\"$ref\":\"#\"}},\"id\":{\"readOnly\":true}},"
	"\"additionalProperties\":false}",
	"{\"type\":\"array\",\"items\":{\"discriminator\":{\"propertyName\":\"kind\"},\"oneOf\":[{"
	"\"type\":\"object\","
	"\"required\":[\"kind\"],\"properties\":{\"kind\":{\"const\":\"a\"},\"at\":{\"format\":"
	"\"date-time\"},"
	"\"on\":{\"format\":\"date\"}}},{\"type\":\"object\",\"required\":[\"kind\"],"
	"\"properties\":{\"kind\":{\"enum\":"
	"[\"b\",\"c\"]},\"mail\":{\"format\":\"email\"},\"host\":{\"format\":\"hostname\"},\"uri\":"
	"{\"format\":\"uri\"},"
	"\"ref\":{\"format\":\"uri-reference\"}},\"additionalProperties\":false},{\"type\":"
	"\"null\"}]}}",
	"{\"items\":{\"type\":[\"number\",\"string\",\"boolean\"],\"exclusiveMinimum\":0,"
	"\"exclusiveMaximum\":1e10,"
	"\"format\":\"int32\",\"pattern\":\"(a|b)*c?[^d-f\\\\s]\"},\"minItems\":1,\"x-message\":"
	"\"Said otherwise.\"}",
};

#define SCHEMA_COUNT (sizeof(schemas) / sizeof(schemas[0]))

static void check_violations(const struct problem *problem, bool is_valid)
{
	if (is_valid != (problem->violation_count == 0) ||
		problem->violation_count > PROBLEM_MAX_VIOLATIONS)
		abort();
	for (size_t i = 0; i < problem->violation_count; i++)
		if (!problem->violations[i].where || problem->violations[i].where[0] != '#' ||
			!problem->violations[i].detail || problem->violations[i].detail[0] == '\0')
			abort();
}

static void judge(const char *schema, const char *json, size_t size)
{
	struct arena *arena = arena_new();
	struct text error = TEXT_INIT;
	struct problem once = PROBLEM_INIT, twice = PROBLEM_INIT;
	json_t *node = json_loads(schema, 0, NULL);
	json_t *value = json_loadb(json, size, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	const struct schema *compiled = schema_compile(arena, node, node, &error);

	if (!compiled)
		abort();
	if (value) {
		bool is_valid = schema_validate(compiled, compiled, value, arena, &once);

		check_violations(&once, is_valid);
		if (schema_validate(compiled, NULL, value, arena, &twice) != is_valid ||
			once.violation_count != twice.violation_count)
			abort();
	}
	json_decref(value);
	json_decref(node);
	arena_free(arena);
}

/* The input as a schema, held against itself: whatever is not supported is said, never ignored. */
static void compile(const char *json, size_t size)
{
	struct arena *arena = arena_new();
	struct text error = TEXT_INIT;
	struct problem problem = PROBLEM_INIT;
	json_t *node = json_loadb(json, size, JSON_REJECT_DUPLICATES, NULL);
	const struct schema *compiled = node ? schema_compile(arena, node, node, &error) : NULL;

	if (node && !compiled == (error.length == 0))
		abort();
	if (compiled) {
		check_violations(&problem, schema_validate(compiled, NULL, node, arena, &problem));
		memset(&problem, 0, sizeof(problem));
		schema_validate_text(compiled, "p", (struct slice){ json, size }, arena, &problem);
	}
	text_release(&error);
	json_decref(node);
	arena_free(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *json = (const char *)data + 1;

	if (size == 0)
		return 0;
	if (data[0] < SCHEMA_COUNT)
		judge(schemas[data[0]], json, size - 1);
	else
		compile(json, size - 1);
	return 0;
}
