/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scopes are bits, roles are rows. A role's set is what its people need for their work and no more;
 * what a partner's side may ever have is bounded again by the walls of the database, so a wrong bit
 * here cannot show another partner's rows. To change what a role may do: its row here and in
 * tests/unit/domain/cases/roles.tsv.
 */
#include "domain/access.h"

#include <string.h>

struct role_row {
	const char *name;
	const char *description;
	enum side side;
	scope_set scopes;
};

/* Reading mail is taking over whoever it was written to. */
#define OPERATOR_SCOPES SCOPE_BIT(mails_read)
#define ALL_SCOPES      (((UINT64_C(1) << SCOPE_COUNT) - 1) & ~OPERATOR_SCOPES)
/* What everybody reads who works with partners or their deals. */
#define BASIC_READS                                                                   \
	(SCOPE_BIT(program_read) | SCOPE_BIT(tiers_read) | SCOPE_BIT(partners_read) | \
		SCOPE_BIT(deals_read) | SCOPE_BIT(files_read))

static const char *const scope_names[] = {
#define SCOPE_NAME(name, text) text,
	SCOPES(SCOPE_NAME)
#undef SCOPE_NAME
};

static const struct role_row role_rows[] = {
	[ROLE_admin] = { "admin",
		"Runs the program: its settings, people, machine clients and everything else",
		SIDE_VENDOR, ALL_SCOPES },
	[ROLE_partner_manager] = { "partner_manager",
		"Looks after partners and decides on their deals", SIDE_VENDOR,
		BASIC_READS | SCOPE_BIT(partners_manage) | SCOPE_BIT(applications_write) |
			SCOPE_BIT(agreements_accept) | SCOPE_BIT(contacts_manage) |
			SCOPE_BIT(metrics_write) | SCOPE_BIT(users_read) | SCOPE_BIT(deals_write) |
			SCOPE_BIT(deals_approve) | SCOPE_BIT(files_write) | SCOPE_BIT(events_read) |
			SCOPE_BIT(audit_read) },
	[ROLE_reviewer] = { "reviewer", "Reviews, approves, rejects and cancels deals", SIDE_VENDOR,
		BASIC_READS | SCOPE_BIT(deals_approve) | SCOPE_BIT(files_write) |
			SCOPE_BIT(events_read) },
	[ROLE_finance] = { "finance", "Reads deals, events and the audit log, keeps exchange rates",
		SIDE_VENDOR,
		BASIC_READS | SCOPE_BIT(rates_manage) | SCOPE_BIT(events_read) |
			SCOPE_BIT(audit_read) },
	[ROLE_support] = { "support", "Helps people: sees users, partners and deals", SIDE_VENDOR,
		BASIC_READS | SCOPE_BIT(users_read) },
	[ROLE_viewer] = { "viewer", "Sees the program, its tiers, partners and deals", SIDE_VENDOR,
		BASIC_READS },
	[ROLE_partner_admin] = { "partner_admin",
		"Runs the partner's side: its people, machine clients and deals", SIDE_PARTNER,
		BASIC_READS | SCOPE_BIT(agreements_accept) | SCOPE_BIT(contacts_manage) |
			SCOPE_BIT(users_read) | SCOPE_BIT(users_manage) |
			SCOPE_BIT(clients_manage) | SCOPE_BIT(deals_write) |
			SCOPE_BIT(files_write) | SCOPE_BIT(events_read) },
	[ROLE_partner_member] = { "partner_member",
		"Registers the partner's deals and follows them", SIDE_PARTNER,
		BASIC_READS | SCOPE_BIT(deals_write) | SCOPE_BIT(files_write) },
};

const char *scope_text(enum scope scope)
{
	return scope_names[scope];
}

bool scope_parse(const char *text, size_t length, enum scope *ret_scope)
{
	for (int i = 0; i < SCOPE_COUNT; i++) {
		if (strlen(scope_names[i]) != length || memcmp(scope_names[i], text, length) != 0)
			continue;
		*ret_scope = (enum scope)i;
		return true;
	}
	return false;
}

bool scope_set_parse(const char *text, scope_set *ret_scopes)
{
	scope_set scopes = 0;
	enum scope scope;

	while (*text) {
		size_t length = strcspn(text, " ");

		if (!scope_parse(text, length, &scope))
			return false;
		scopes |= UINT64_C(1) << scope;
		text += length;
		/* A space must be followed by another scope. */
		if (*text == ' ' && *++text == '\0')
			return false;
	}
	*ret_scopes = scopes;
	return true;
}

void scope_set_format(scope_set scopes, char out[static SCOPE_TEXT_BYTES])
{
	char *end = out;

	for (int i = 0; i < SCOPE_COUNT; i++) {
		if (!(scopes >> i & 1))
			continue;
		if (end > out)
			*end++ = ' ';
		end = stpcpy(end, scope_names[i]);
	}
	*end = '\0';
}

const char *side_text(enum side side)
{
	return side == SIDE_VENDOR ? "vendor" : "partner";
}

const char *role_text(enum role role)
{
	return role_rows[role].name;
}

const char *role_description(enum role role)
{
	return role_rows[role].description;
}

bool role_parse(const char *text, enum role *ret_role)
{
	for (int i = 0; i < ROLE_COUNT; i++) {
		if (strcmp(text, role_rows[i].name) != 0)
			continue;
		*ret_role = (enum role)i;
		return true;
	}
	return false;
}

enum side role_side(enum role role)
{
	return role_rows[role].side;
}

scope_set role_scopes(enum role role)
{
	return role_rows[role].scopes;
}

scope_set client_scopes(enum side side)
{
	if (side == SIDE_VENDOR)
		return ALL_SCOPES & ~(SCOPE_BIT(users_manage) | SCOPE_BIT(clients_manage) |
					    SCOPE_BIT(providers_manage) | SCOPE_BIT(users_erase));
	return BASIC_READS | SCOPE_BIT(deals_write) | SCOPE_BIT(files_write) |
	       SCOPE_BIT(events_read);
}

scope_set operator_scopes(enum side side)
{
	return client_scopes(side) | (side == SIDE_VENDOR ? OPERATOR_SCOPES : 0);
}
