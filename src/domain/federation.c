/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A provider is trusted for what its program said and no more: it never speaks for another
 * partner's people, an address counts only when the provider has verified it, and a link that was
 * taken away is not made again by rule.
 */
#include "domain/federation.h"

#include <string.h>

/* ---- a provider ---- */

static void violate(struct problem *problem, struct arena *arena, const char *where,
	enum violation_code code, const char *detail)
{
	problem_add(problem, arena, PLACE_POINTER, where, code, "%s", detail);
}

/* OpenID Connect Discovery §3: https, a host, perhaps port and path; no query, no fragment. */
static bool issuer_is_good(const struct provider_facts *facts)
{
	const char *rest = NULL;

	if (strncmp(facts->issuer, "https://", 8) == 0)
		rest = facts->issuer + 8;
	else if (facts->may_be_plain && strncmp(facts->issuer, "http://", 7) == 0)
		rest = facts->issuer + 7;
	return rest && *rest && *rest != '/' && *rest != ':' && !strpbrk(rest, "?#@\\");
}

static void check_names(
	const struct provider_facts *facts, struct arena *arena, struct problem *problem)
{
	size_t own = strlen(facts->own_issuer);

	if (!issuer_is_good(facts))
		violate(problem, arena, "#/issuer", VIOLATION_invalid_format,
			"The issuer is an https URL without query, fragment and user.");
	else if (strcmp(facts->issuer, facts->own_issuer) == 0)
		violate(problem, arena, "#/issuer", VIOLATION_inconsistent,
			"Tokens of this server need no provider.");
	/* The space below our own URL is dealt out by program. */
	if (strncmp(facts->audience, facts->own_issuer, own) == 0 &&
		strcmp(facts->audience, facts->own_audience) != 0)
		violate(problem, arena, "#/audience", VIOLATION_invalid_choice,
			"An audience at this server must be the program's own.");
}

/* Whether the side of a role can be that of the provider's people. */
static bool role_fits(const struct provider_facts *facts, enum role role)
{
	if (facts->has_partner_claim)
		return true;
	return (role_side(role) == SIDE_PARTNER) == facts->has_partner;
}

static void check_roles(
	const struct provider_facts *facts, struct arena *arena, struct problem *problem)
{
	static const char wrong_side[] =
		"A provider for one partner gives that partner's roles, one without partner gives "
		"the vendor's.";

	for (size_t i = 0; i < facts->rule_count; i++)
		if (!role_fits(facts, facts->rule_roles[i]))
			violate(problem, arena, arena_printf(arena, "#/role_rules/%zu/role", i),
				VIOLATION_inconsistent, wrong_side);
	if (facts->has_default_role && !role_fits(facts, facts->default_role))
		violate(problem, arena, "#/default_role", VIOLATION_inconsistent, wrong_side);
	if (facts->rule_count > 0 && !facts->has_role_claim)
		violate(problem, arena, "#/role_claim", VIOLATION_required,
			"Rules need the claim that they read.");
	if (facts->creates_users && facts->rule_count == 0 && !facts->has_default_role)
		violate(problem, arena, "#/default_role", VIOLATION_required,
			"New users need a role: by rules or by default.");
}

bool provider_check(
	const struct provider_facts *facts, struct arena *arena, struct problem *problem)
{
	check_names(facts, arena, problem);
	check_roles(facts, arena, problem);
	if (facts->has_partner && facts->has_partner_claim)
		violate(problem, arena, "#/partner_claim", VIOLATION_inconsistent,
			"The partner is either fixed or read from a claim.");
	return !problem->is_set;
}

/* ---- a subject ---- */

const char *identity_reason_text(enum identity_reason reason)
{
	static const char *const texts[] = {
#define IDENTITY_TEXT(name) #name,
		IDENTITY_REASONS(IDENTITY_TEXT)
#undef IDENTITY_TEXT
	};
	return texts[reason];
}

/* Why the user that was found may not be spoken for. */
static enum identity_reason judge_user(const struct identity_facts *facts)
{
	if (!facts->user_is_active)
		return IDENTITY_REASON_user_inactive;
	if (facts->user_partner_ended)
		return IDENTITY_REASON_partner_ended;
	if (facts->is_for_one_partner && !facts->user_is_of_partner)
		return IDENTITY_REASON_foreign_partner;
	return IDENTITY_REASON_none;
}

static enum identity_reason judge_new(const struct identity_facts *facts)
{
	if (!facts->creates_users)
		return IDENTITY_REASON_unknown;
	if (!facts->has_verified_email)
		return IDENTITY_REASON_email_unverified;
	if (facts->has_user)
		return IDENTITY_REASON_email_taken;
	if (!facts->has_role)
		return IDENTITY_REASON_no_role;
	if ((role_side(facts->role) == SIDE_PARTNER) != facts->names_partner)
		return IDENTITY_REASON_wrong_side;
	if (facts->names_partner && !facts->partner_is_good)
		return IDENTITY_REASON_no_partner;
	return IDENTITY_REASON_none;
}

enum identity_verdict identity_judge(
	const struct identity_facts *facts, enum identity_reason *ret_reason)
{
	bool is_match = !facts->is_linked && facts->matches_verified_email &&
			facts->has_verified_email && facts->has_user;

	*ret_reason = IDENTITY_REASON_unlinked;
	if (!facts->is_linked && facts->was_unlinked)
		return IDENTITY_REFUSED;
	if (facts->is_linked || is_match) {
		*ret_reason = judge_user(facts);
		if (*ret_reason != IDENTITY_REASON_none)
			return IDENTITY_REFUSED;
		return is_match ? IDENTITY_MATCH : IDENTITY_KNOWN;
	}
	*ret_reason = judge_new(facts);
	return *ret_reason == IDENTITY_REASON_none ? IDENTITY_CREATE : IDENTITY_REFUSED;
}
