/* SPDX-License-Identifier: Apache-2.0 */
/* Roles and scopes: what each may do, by cases/roles.tsv, and the spelling of scope lists. */
#include "domain/access.h"

#include "tsv.h"

/* The scopes of a row of roles.tsv, whose role is a role or "client:" and a side. */
static scope_set scopes_of(const struct tsv *tsv)
{
	const char *name = tsv_text(tsv, "role");
	enum side side = strcmp(tsv_text(tsv, "side"), "vendor") == 0 ? SIDE_VENDOR : SIDE_PARTNER;
	enum role role = ROLE_COUNT;

	if (strncmp(name, "client:", 7) == 0)
		return client_scopes(side);
	if (!role_parse(name, &role))
		fail_msg("%s:%d: no role", tsv->name, tsv->line);
	assert_int_equal(role_side(role), side);
	assert_string_equal(role_text(role), name);
	return role_scopes(role);
}

static void roles_have_the_scopes_of_their_row_and_no_other(void **state)
{
	struct tsv *tsv = tsv_open("roles.tsv");
	char text[SCOPE_TEXT_BYTES];

	(void)state;
	while (tsv_next(tsv)) {
		scope_set_format(scopes_of(tsv), text);
		tsv_expect_text(tsv, "scopes", text);
	}
	assert_int_equal(tsv->cases, ROLE_COUNT + 2);
	tsv_close(tsv);
}

static void the_partners_side_never_approves_or_audits(void **state)
{
	const scope_set vendor_only = SCOPE_BIT(program_manage) | SCOPE_BIT(tiers_manage) |
				      SCOPE_BIT(partners_manage) | SCOPE_BIT(deals_approve) |
				      SCOPE_BIT(audit_read);

	(void)state;
	assert_int_equal(client_scopes(SIDE_PARTNER) & vendor_only, 0);
	for (int i = 0; i < ROLE_COUNT; i++) {
		if (role_side((enum role)i) == SIDE_PARTNER)
			assert_int_equal(role_scopes((enum role)i) & vendor_only, 0);
	}
}

static void scopes_read_back_from_their_text(void **state)
{
	enum scope scope = SCOPE_COUNT;

	(void)state;
	for (int i = 0; i < SCOPE_COUNT; i++) {
		const char *text = scope_text((enum scope)i);

		assert_true(scope_parse(text, strlen(text), &scope));
		assert_int_equal(scope, i);
		assert_false(scope_parse(text, strlen(text) - 1, &scope));
	}
	assert_true(scope_parse("deals:read and more", 10, &scope));
	assert_int_equal(scope, SCOPE_deals_read);
	assert_false(scope_parse("", 0, &scope));
	assert_false(scope_parse("DEALS:READ", 10, &scope));
}

static void lists_are_separated_by_one_space(void **state)
{
	static const char *const refused[] = { "deals:read  deals:write", " deals:read",
		"deals:read ", "deals:read,deals:write", "deals:read\tdeals:write", "deals:delete",
		"deals:read x", " " };
	scope_set scopes = 1;

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_false(scope_set_parse(refused[i], &scopes));
	assert_int_equal(scopes, 1);
	assert_true(scope_set_parse("", &scopes));
	assert_int_equal(scopes, 0);
	assert_true(scope_set_parse("deals:write deals:read deals:write", &scopes));
	assert_int_equal(scopes, SCOPE_BIT(deals_read) | SCOPE_BIT(deals_write));
}

static void what_the_operator_gives_nobody_else_has(void **state)
{
	(void)state;
	for (int role = 0; role < ROLE_COUNT; role++)
		assert_false(role_scopes((enum role)role) & SCOPE_BIT(mails_read));
	assert_false(client_scopes(SIDE_VENDOR) & SCOPE_BIT(mails_read));
	assert_true(operator_scopes(SIDE_VENDOR) ==
		    (client_scopes(SIDE_VENDOR) | SCOPE_BIT(mails_read)));
	assert_true(operator_scopes(SIDE_PARTNER) == client_scopes(SIDE_PARTNER));
}

static void lists_are_written_in_the_order_of_the_table(void **state)
{
	char text[SCOPE_TEXT_BYTES];
	scope_set all = 0;
	scope_set again = 0;

	(void)state;
	scope_set_format(0, text);
	assert_string_equal(text, "");
	scope_set_format(SCOPE_BIT(audit_read) | SCOPE_BIT(program_read), text);
	assert_string_equal(text, "program:read audit:read");
	for (int i = 0; i < SCOPE_COUNT; i++)
		all |= UINT64_C(1) << i;
	scope_set_format(all, text);
	assert_true(scope_set_parse(text, &again));
	assert_int_equal(again, all);
	assert_int_equal(all, role_scopes(ROLE_admin) | operator_scopes(SIDE_VENDOR));
}

static void roles_say_what_their_people_do(void **state)
{
	(void)state;
	for (int i = 0; i < ROLE_COUNT; i++) {
		const char *description = role_description((enum role)i);

		assert_in_range(strlen(description), 10, 200);
		assert_int_not_equal(description[strlen(description) - 1], '.');
	}
	assert_string_equal(side_text(SIDE_VENDOR), "vendor");
	assert_string_equal(side_text(SIDE_PARTNER), "partner");
}

static void unknown_roles_are_refused(void **state)
{
	enum role role = ROLE_COUNT;

	(void)state;
	assert_false(role_parse("", &role));
	assert_false(role_parse("Admin", &role));
	assert_false(role_parse("partner", &role));
	assert_int_equal(role, ROLE_COUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roles_have_the_scopes_of_their_row_and_no_other),
		cmocka_unit_test(the_partners_side_never_approves_or_audits),
		cmocka_unit_test(scopes_read_back_from_their_text),
		cmocka_unit_test(lists_are_separated_by_one_space),
		cmocka_unit_test(what_the_operator_gives_nobody_else_has),
		cmocka_unit_test(lists_are_written_in_the_order_of_the_table),
		cmocka_unit_test(roles_say_what_their_people_do),
		cmocka_unit_test(unknown_roles_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
