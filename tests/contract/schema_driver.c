/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server's validator as a filter: reads lines of {"schema": …, "instance": …}, prints "valid",
 * "invalid" or "unsupported: <why>" for each. The other side of test_schema_differential.py.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "contract/schema.h"

static void judge(const json_t *line)
{
	const json_t *node = json_object_get(line, "schema");
	const json_t *instance = json_object_get(line, "instance");
	struct arena *arena = arena_new();
	struct problem problem = PROBLEM_INIT;
	struct text error = TEXT_INIT;
	const struct schema *schema = schema_compile(arena, node, node, &error);

	if (!schema)
		printf("unsupported: %s\n", error.bytes);
	else if (schema_validate(schema, /* output= */ NULL, instance, arena, &problem))
		puts("valid");
	else
		printf("invalid: %s %s\n", problem.violations[0].where,
			violation_code_text(problem.violations[0].code));
	text_release(&error);
	arena_free(arena);
}

int main(void)
{
	char *line = NULL;
	size_t capacity = 0;
	ssize_t length;

	while ((length = getline(&line, &capacity, stdin)) > 0) {
		json_t *value = json_loadb(line, (size_t)length, JSON_REJECT_DUPLICATES, NULL);

		if (value)
			judge(value);
		else
			puts("unsupported: not JSON");
		fflush(stdout);
		json_decref(value);
	}
	free(line);
	return 0;
}
