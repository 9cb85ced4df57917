/* SPDX-License-Identifier: Apache-2.0 */
/* Which user a subject is, by cases/identity.tsv, and what a provider may not be told. */
#include "domain/federation.h"

#include "tsv.h"

/* Whether `word` is among the words of a column, which are separated by spaces. */
static bool says(const struct tsv *tsv, const char *column, const char *word)
{
	const char *text = tsv_text(tsv, column);
	size_t length = strlen(word);

	while (text && *text) {
		if (strncmp(text, word, length) == 0 &&
			(text[length] == ' ' || text[length] == '\0'))
			return true;
		text += strcspn(text, " ");
		text += *text == ' ';
	}
	return false;
}

static struct identity_facts facts_of(const struct tsv *tsv)
{
	struct identity_facts facts = {
		.matches_verified_email = says(tsv, "provider", "matches"),
		.creates_users = says(tsv, "provider", "creates"),
		.is_for_one_partner = says(tsv, "provider", "one"),
		.has_verified_email = says(tsv, "token", "email"),
		.names_partner = says(tsv, "token", "partner"),
		.partner_is_good = says(tsv, "token", "good"),
		.is_linked = says(tsv, "database", "linked"),
		.was_unlinked = says(tsv, "database", "unlinked"),
		.has_user = says(tsv, "database", "user"),
		.user_is_active = says(tsv, "database", "active"),
		.user_partner_ended = says(tsv, "database", "ended"),
		.user_is_of_partner = says(tsv, "database", "of"),
	};
	const char *role = tsv_text(tsv, "role");

	facts.has_role = role && role_parse(role, &facts.role);
	return facts;
}

static void subjects(void **state)
{
	static const char *const verdicts[] = { "known", "match", "create", "refused" };
	struct tsv *tsv = tsv_open("identity.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		struct identity_facts facts = facts_of(tsv);
		enum identity_reason reason;
		tsv_expect_text(tsv, "verdict", verdicts[identity_judge(&facts, &reason)]);
		tsv_expect_text(tsv, "reason", identity_reason_text(reason));
	}
	tsv_close(tsv);
}

static struct provider_facts a_provider(void)
{
	return (struct provider_facts){
		.issuer = "https://login.example.com/tenant",
		.own_issuer = "https://api.example.com",
		.audience = "https://api.example.com/programs/demo",
		.own_audience = "https://api.example.com/programs/demo",
	};
}

static bool is_good(const struct provider_facts *facts)
{
	struct arena *arena = arena_new();
	struct problem problem = PROBLEM_INIT;
	bool good = provider_check(facts, arena, &problem);

	arena_free(arena);
	return good;
}

static void issuers(void **state)
{
	static const char *const broken[] = { "", "https://", "https:///x", "https://:443",
		"http://login.example.com", "HTTPS://login.example.com", "login.example.com",
		"https://a?b", "https://a#b", "https://a@b", "https://a\\b",
		"https://api.example.com" };
	struct provider_facts facts = a_provider();

	(void)state;
	assert_true(is_good(&facts));
	for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
		facts.issuer = broken[i];
		if (is_good(&facts))
			fail_msg("taken: %s", broken[i]);
	}
	facts.issuer = "http://login.example.com";
	facts.may_be_plain = true;
	assert_true(is_good(&facts));
}

static void audiences(void **state)
{
	struct provider_facts facts = a_provider();

	(void)state;
	facts.audience = "api://partners";
	assert_true(is_good(&facts));
	facts.audience = "https://api.example.com/programs/other";
	assert_false(is_good(&facts));
	facts.audience = "https://api.example.com";
	assert_false(is_good(&facts));
}

static void roles(void **state)
{
	struct provider_facts facts = a_provider();

	(void)state;
	facts.creates_users = true;
	assert_false(is_good(&facts));
	facts.has_default_role = true;
	facts.default_role = ROLE_viewer;
	assert_true(is_good(&facts));
	facts.has_partner = true;
	assert_false(is_good(&facts));
	facts.default_role = ROLE_partner_member;
	assert_true(is_good(&facts));
	facts.rule_count = 1;
	facts.rule_roles[0] = ROLE_partner_admin;
	assert_false(is_good(&facts));
	facts.has_role_claim = true;
	assert_true(is_good(&facts));
	facts.has_partner_claim = true;
	assert_false(is_good(&facts));
	facts.has_partner = false;
	facts.rule_roles[0] = ROLE_admin;
	assert_true(is_good(&facts));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(subjects),
		cmocka_unit_test(issuers),
		cmocka_unit_test(audiences),
		cmocka_unit_test(roles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
