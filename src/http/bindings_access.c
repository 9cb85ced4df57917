/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `partnerd check`, the part about access: the contract and the table of scopes and roles
 * (domain/access.h) say the same words, and no operation asks for a scope that nobody can have.
 */
#include <string.h>

#include "bindings.h"
#include "domain/access.h"

static const char *scope_at(size_t i)
{
	return i < SCOPE_COUNT ? scope_text((enum scope)i) : NULL;
}

static const char *role_at(size_t i)
{
	return i < ROLE_COUNT ? role_text((enum role)i) : NULL;
}

/* The schema's enum is the table, word by word. */
static bool check_words(const struct contract *contract, const char *schema,
	const char *(*word_at)(size_t), struct text *reterr)
{
	const json_t *components = json_object_get(contract_document(contract), "components");
	const json_t *words = json_object_get(
		json_object_get(json_object_get(components, "schemas"), schema), "enum");
	for (size_t i = 0; word_at(i) != NULL || i < json_array_size(words); i++) {
		const char *said = json_string_value(json_array_get(words, i));
		const char *meant = word_at(i);
		if (said != NULL && meant != NULL && strcmp(said, meant) == 0)
			continue;
		text_appendf(reterr, "schema '%s' has '%s' where the server has '%s'\n", schema,
			said != NULL ? said : "", meant != NULL ? meant : "");
		return false;
	}
	return true;
}

static bool check_scopes(const struct operation *operation, struct text *reterr)
{
	bool good = true;
	for (const char *const *name = operation->scopes; *name != NULL; name++) {
		enum scope scope;
		if (scope_parse(*name, strlen(*name), &scope))
			continue;
		text_appendf(reterr, "%s: no such scope '%s'\n", operation->id, *name);
		good = false;
	}
	return good;
}

bool bindings_check_access(const struct contract *contract, struct text *reterr)
{
	bool good = check_words(contract, "Scope", scope_at, reterr);
	good = check_words(contract, "Role", role_at, reterr) && good;
	for (size_t i = 0; i < contract_operation_count(contract); i++)
		good = check_scopes(contract_operation(contract, i), reterr) && good;
	return good;
}
