/* SPDX-License-Identifier: Apache-2.0 */
/* A contract that speaks of other scopes or roles than the server has keeps it from starting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/bindings.h"

/* The words of a table as the schema's enum; `wrong` stands in for the first of them. */
static void write_enum(struct text *yaml, const char *schema, const char *(*word_at)(int),
	int count, const char *wrong)
{
	text_appendf(yaml, "    %s: {type: string, enum: [", schema);
	for (int i = 0; i < count; i++)
		text_appendf(yaml, "%s'%s'", i > 0 ? ", " : "",
			i == 0 && wrong != NULL ? wrong : word_at(i));
	text_append_string(yaml, "]}\n");
}

static const char *scope_word(int i)
{
	return scope_text((enum scope)i);
}

static const char *role_word(int i)
{
	return role_text((enum role)i);
}

/* What is said of a contract whose first scope and role are these and whose operation asks for
 * `asked`; "" is nothing. */
static const char *faults_of(const char *scope, const char *role, const char *asked)
{
	static char said[512];
	struct text yaml = TEXT_INIT, error = TEXT_INIT;
	text_append_string(&yaml, "openapi: 3.1.0\ncomponents:\n"
				  "  securitySchemes: {oauth2: {type: oauth2}}\n  schemas:\n");
	write_enum(&yaml, "Scope", scope_word, SCOPE_COUNT, scope);
	write_enum(&yaml, "Role", role_word, ROLE_COUNT, role);
	text_appendf(&yaml,
		"paths: {/a: {get: {operationId: getA, security: [{oauth2: ['%s']}], "
		"responses: {'204': {description: d}}}}}\n",
		asked);
	struct contract *contract = contract_load(yaml.bytes, yaml.length, &error);
	if (contract == NULL)
		fail_msg("%s", error.bytes);
	bool good = bindings_check_access(contract, &error);
	assert_int_equal(good, error.length == 0);
	snprintf(said, sizeof said, "%s", good ? "" : error.bytes);
	contract_free(contract);
	text_release(&yaml);
	text_release(&error);
	return said;
}

static void the_same_words_are_good(void **state)
{
	(void)state;
	assert_string_equal(faults_of(NULL, NULL, "deals:read"), "");
}

static void other_words_are_named(void **state)
{
	(void)state;
	assert_string_equal(faults_of("program:look", NULL, "deals:read"),
		"schema 'Scope' has 'program:look' where the server has 'program:read'\n");
	assert_string_equal(faults_of(NULL, "root", "deals:read"),
		"schema 'Role' has 'root' where the server has 'admin'\n");
}

static void nobody_can_have_an_unknown_scope(void **state)
{
	(void)state;
	assert_string_equal(
		faults_of(NULL, NULL, "deals:delete"), "getA: no such scope 'deals:delete'\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_words_are_good),
		cmocka_unit_test(other_words_are_named),
		cmocka_unit_test(nobody_can_have_an_unknown_scope),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
