/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of each file of this folder, and the resources that more than one file names. */
#ifndef PARTNERD_API_RESOURCES_H
#define PARTNERD_API_RESOURCES_H

#include "http/endpoint.h"
#include "http/identity.h"

extern const struct endpoint meta_endpoints[];
extern const struct endpoint auth_endpoints[];
extern const struct endpoint session_endpoints[];
extern const struct endpoint second_factor_endpoints[];
extern const struct endpoint oauth_endpoints[];
extern const struct endpoint program_endpoints[];
extern const struct endpoint tier_endpoints[];
extern const struct endpoint benefit_endpoints[];
extern const struct endpoint benefit_override_endpoints[];
extern const struct endpoint partner_endpoints[];
extern const struct endpoint region_endpoints[];
extern const struct endpoint territory_endpoints[];
extern const struct endpoint fx_endpoints[];
extern const struct endpoint partner_type_endpoints[];
extern const struct endpoint partner_end_endpoints[];
extern const struct endpoint agreement_endpoints[];
extern const struct endpoint partner_contact_endpoints[];
extern const struct endpoint partner_relation_endpoints[];
extern const struct endpoint partner_application_endpoints[];
extern const struct endpoint form_key_endpoints[];
extern const struct endpoint partner_metric_endpoints[];
extern const struct endpoint tier_review_endpoints[];
extern const struct endpoint role_endpoints[];
extern const struct endpoint user_endpoints[];
extern const struct endpoint password_endpoints[];
extern const struct endpoint mail_endpoints[];
extern const struct endpoint api_client_endpoints[];
extern const struct endpoint identity_provider_endpoints[];
extern const struct endpoint product_endpoints[];
extern const struct endpoint margin_rule_set_endpoints[];
extern const struct endpoint margin_quote_endpoints[];
extern const struct endpoint margin_proration_endpoints[];
extern const struct endpoint margin_simulation_endpoints[];
extern const struct endpoint deal_endpoints[];
extern const struct endpoint deal_check_endpoints[];
extern const struct endpoint deal_conflict_endpoints[];
extern const struct endpoint deal_export_endpoints[];
extern const struct endpoint import_endpoints[];
extern const struct endpoint file_endpoints[];
extern const struct endpoint custom_field_endpoints[];
extern const struct endpoint deal_reassign_endpoints[];
extern const struct endpoint deal_approval_endpoints[];
extern const struct endpoint deal_approval_policy_endpoints[];
extern const struct endpoint deal_credit_endpoints[];
extern const struct endpoint deal_extension_endpoints[];
extern const struct endpoint deal_revision_endpoints[];
extern const struct endpoint deal_limit_endpoints[];
extern const struct endpoint deal_word_endpoints[];
extern const struct endpoint deal_note_endpoints[];
extern const struct endpoint deal_request_endpoints[];
extern const struct endpoint decision_endpoints[];
extern const struct endpoint event_endpoints[];
extern const struct endpoint audit_endpoints[];
extern const struct endpoint dispute_endpoints[];
extern const struct endpoint api_request_endpoints[];

/* Answers as RFC 6749 §5.2 has it. Always true: the refusal is the answer. */
bool answer_oauth_refusal(struct response *response, const struct refusal *refusal);

extern const struct resource deal_resource;
extern const struct list deal_list, deal_export_list, deal_timeline_list;
extern const struct resource partner_resource;
extern const struct resource program_resource;

/* The scopes as answers list them: a new array of words. */
json_t *scopes_json(scope_set scopes);

/*
 * The partner a new user or client belongs to (facts: principal_facts): a partner's own, or the one
 * the vendor names, or none. Sets partner_id in the decision's fields; refuses a foreign, unknown
 * or terminated partner.
 */
bool decide_principal_partner(
	const struct command_input *in, struct decision *out, struct problem *problem);

/* The tier that was asked for, if any, exists and partners can be placed in it (facts:
 * tier_status). */
bool partner_tier_is_open(const struct command_input *in, struct problem *problem);

/*
 * The token that lets the person choose a password, and the mail that brings it, for the decision's
 * fields; where the server sends none, the caller gets it (facts: program_name).
 */
void invite_person(const struct command_input *in, struct decision *out, const char *person_name);

/* updateDeal: stage (facts: stage_id) and next step; they may be set as long as the deal is worked,
 * so a body that has only such members passes where others are refused. */
bool deal_patch_progress(const struct command_input *in, json_t *set, struct problem *problem);
bool deal_is_progress(const json_t *body);
/* loseDeal: the reason by its key (facts: lost_reason_id), in words, or both. */
bool deal_lost_reason(const struct command_input *in, json_t *set, struct problem *problem);

/* What RFC 6749 §5.1 answers with, refresh token included where there is one. A new reference. */
json_t *token_json(const struct grant *grant);

/* exports.c: keeps in the ledger that the actor takes an export, and of what. `goes_on`: this is a
 * later part of it. */
extern const struct resource export_resource;
bool export_note(struct request *request, const char *action, const char *format, bool goes_on,
	struct problem *problem);

#endif
