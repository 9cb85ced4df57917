/* SPDX-License-Identifier: Apache-2.0 */
/*
 * State machines as tables (domain.md §3). The same row guards a command, fills allowed_actions and
 * the `allowed` member of an invalid_transition; the statement that writes guards the version, so
 * no state is named twice.
 */
#ifndef PARTNERD_DOMAIN_STATE_H
#define PARTNERD_DOMAIN_STATE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/problem.h"

struct transition {
	const char *action; /* "approve": last segment of the path */
	const char *from;   /* states separated by a space */
	const char *to;     /* NULL: the state stays */
};

extern const struct transition deal_transitions[]; /* each ends with action NULL */
extern const struct transition extension_transitions[];
extern const struct transition dispute_transitions[];
extern const struct transition partner_transitions[];
extern const struct transition application_transitions[];
extern const struct transition relation_transitions[];
extern const struct transition template_transitions[];
extern const struct transition agreement_transitions[];
extern const struct transition contact_transitions[];
extern const struct transition form_key_transitions[];
extern const struct transition tier_transitions[];
extern const struct transition user_transitions[];
extern const struct transition client_transitions[];
extern const struct transition certification_transitions[];
extern const struct transition import_transitions[];

extern const struct transition help_transitions[];
extern const struct transition special_price_transitions[];

/* Whether the state is one of `states`, which are separated by a space. */
bool state_is_among(const char *status, const char *states);

/* The row by which `action` may happen in `status`, or NULL. */
const struct transition *transition_find(
	const struct transition *table, const char *action, const char *status);

/*
 * Like transition_find, but a refusal sets `problem` to invalid_transition with `from`, `allowed`
 * and a sentence such as "A won deal cannot be approved." made from `object` ("deal") and
 * `participle` ("approved").
 */
const struct transition *transition_require(const struct transition *table, const char *object,
	const char *action, const char *participle, const char *status, struct problem *problem);

#endif
