/* SPDX-License-Identifier: Apache-2.0 */
/*
 * People who sign in at an identity provider: what a provider may be told to do, and which user a
 * subject is. A provider that is for one partner speaks for that partner's people only.
 */
#ifndef PARTNERD_DOMAIN_FEDERATION_H
#define PARTNERD_DOMAIN_FEDERATION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/problem.h"
#include "domain/access.h"

#define PROVIDER_MAX_RULES 50

/* ---- a provider ---- */

struct provider_facts {
	const char *issuer;
	const char *own_issuer; /* ours: whose tokens need no provider */
	bool may_be_plain;      /* http is allowed: the installation names networks for it */
	const char *audience;
	const char *own_audience; /* what this program's audience is by default */
	bool creates_users;
	bool has_role_claim;
	size_t rule_count;
	enum role rule_roles[PROVIDER_MAX_RULES];
	bool has_default_role;
	enum role default_role;
	bool has_partner; /* all its people are of one partner */
	bool has_partner_claim;
};

/* Every contradiction is a violation at its member. */
bool provider_check(
	const struct provider_facts *facts, struct arena *arena, struct problem *problem);

/* ---- a subject ---- */

enum identity_verdict {
	IDENTITY_KNOWN,  /* linked: it is that user */
	IDENTITY_MATCH,  /* the user of its verified e-mail address: link it */
	IDENTITY_CREATE, /* nobody yet: make a user and link it */
	IDENTITY_REFUSED,
};

#define IDENTITY_REASONS(X) \
	X(none)             \
	X(unknown)          \
	X(unlinked)         \
	X(user_inactive)    \
	X(partner_ended)    \
	X(foreign_partner)  \
	X(email_unverified) \
	X(email_taken)      \
	X(no_role)          \
	X(wrong_side)       \
	X(no_partner)

enum identity_reason {
#define IDENTITY_ENUM(name) IDENTITY_REASON_##name,
	IDENTITY_REASONS(IDENTITY_ENUM)
#undef IDENTITY_ENUM
};

const char *identity_reason_text(enum identity_reason reason);

struct identity_facts {
	/* the provider */
	bool matches_verified_email;
	bool creates_users;
	bool is_for_one_partner;
	/* the token */
	bool has_verified_email;
	bool has_role; /* by rule or by default */
	enum role role;
	bool names_partner;   /* by claim, or because the provider is for one partner */
	bool partner_is_good; /* the partner that is named exists and has not ended */
	/* the database */
	bool was_unlinked;
	bool is_linked;
	bool has_user; /* linked, else of this e-mail address */
	bool user_is_active;
	bool user_partner_ended;
	bool user_is_of_partner; /* of the one partner the provider is for */
};

/* What is to be done about a subject, and on IDENTITY_REFUSED why. */
enum identity_verdict identity_judge(
	const struct identity_facts *facts, enum identity_reason *ret_reason);

#endif
