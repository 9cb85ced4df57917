/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who may do what: the scopes the contract names, the roles, and which scopes a role has. One table
 * each; the contract, tokens, the gate and the answers of the API all read these. A scope or a
 * role added here must be named by the contract, which the server compares when it starts.
 */
#ifndef PARTNERD_DOMAIN_ACCESS_H
#define PARTNERD_DOMAIN_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCOPES(X)                                   \
	X(program_read, "program:read")             \
	X(program_manage, "program:manage")         \
	X(rates_manage, "rates:manage")             \
	X(tiers_read, "tiers:read")                 \
	X(tiers_manage, "tiers:manage")             \
	X(partners_read, "partners:read")           \
	X(partners_manage, "partners:manage")       \
	X(applications_write, "applications:write") \
	X(agreements_accept, "agreements:accept")   \
	X(contacts_manage, "contacts:manage")       \
	X(metrics_write, "metrics:write")           \
	X(users_read, "users:read")                 \
	X(users_manage, "users:manage")             \
	X(users_erase, "users:erase")               \
	X(clients_manage, "clients:manage")         \
	X(providers_manage, "providers:manage")     \
	X(deals_read, "deals:read")                 \
	X(deals_write, "deals:write")               \
	X(deals_approve, "deals:approve")           \
	X(files_read, "files:read")                 \
	X(files_write, "files:write")               \
	X(events_read, "events:read")               \
	X(audit_read, "audit:read")                 \
	X(mails_read, "mails:read")

enum scope {
#define SCOPE_ENUM(name, text) SCOPE_##name,
	SCOPES(SCOPE_ENUM)
#undef SCOPE_ENUM
		SCOPE_COUNT
};

typedef uint64_t scope_set; /* bit 1 << enum scope */
#define SCOPE_BIT(name) (UINT64_C(1) << SCOPE_##name)

/* Vendor roles first, then partner roles. */
#define ROLES(X)           \
	X(admin)           \
	X(partner_manager) \
	X(reviewer) X(finance) X(support) X(viewer) X(partner_admin) X(partner_member)

enum role {
#define ROLE_ENUM(name) ROLE_##name,
	ROLES(ROLE_ENUM)
#undef ROLE_ENUM
		ROLE_COUNT
};

enum side { SIDE_VENDOR, SIDE_PARTNER, SIDE_COUNT };

const char *scope_text(enum scope scope);
bool scope_parse(const char *text, size_t length, enum scope *ret_scope);
/* Space-separated list as in RFC 6749 §3.3; false when one is unknown. */
bool scope_set_parse(const char *text, scope_set *ret_scopes);
/* Writes the space-separated list; `out` has room for SCOPE_TEXT_BYTES. */
#define SCOPE_TEXT_BYTES 512
void scope_set_format(scope_set scopes, char out[static SCOPE_TEXT_BYTES]);

const char *side_text(enum side side);
const char *role_text(enum role role);
/* What its people do, in a sentence without a full stop. */
const char *role_description(enum role role);
bool role_parse(const char *text, enum role *ret_role);
enum side role_side(enum role role);
scope_set role_scopes(enum role role);
/* The most a machine client of a partner, or of the vendor, may have. */
scope_set client_scopes(enum side side);
/* And with what only the operator's command line gives: no role has it, so nobody passes it on. */
scope_set operator_scopes(enum side side);

#endif
