/* SPDX-License-Identifier: Apache-2.0 */
/* Policies of approval between JSON and the rule: shared by those who write them and by approval.
 */
#ifndef PARTNERD_API_APPROVALS_H
#define PARTNERD_API_APPROVALS_H

#include "domain/approval.h"
#include "margin.h"

/* As it is stored. Texts are on the arena; the JSON may go. */
struct approval_policy approval_policy_read(const json_t *policy, struct arena *arena);

/* With the last step, or without steps: margin locked, protection from now (api/deals.c). */
bool deal_decide_approval(
	const struct command_input *in, struct decision *out, struct problem *problem);

/*
 * The filter awaits_me: the deals whose current step is the caller's, of those that were submitted
 * first and still wait, as many as are judged one by one. NULL without policies: then whoever may
 * approve deals decides all that wait.
 */
bool deals_awaiting(struct request *request, const char **ret_ids, struct problem *problem);

/* Whom of several deals the caller may approve, judged as approving is. */
extern const struct question deal_approval_question;

#endif
