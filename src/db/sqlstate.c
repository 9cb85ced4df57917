/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a failure in PostgreSQL means to a caller, in two tables. `states` goes by SQLSTATE: the
 * first row whose prefix fits decides, so exact codes stand above their class. `constraints` goes
 * by name and decides for class 23; a new constraint or unique index in sql/migrations needs a row
 * here, and `partnerd check` compares the two both ways. PostgreSQL's own words go into the cause,
 * which is logged and never sent. house: table
 */
#include "db/internal.h"

#include "base/log.h"

#include <string.h>

#define SORRY   "The request could not be handled."
#define BUSY    "The service is busy or cannot reach its database; try again."
#define INVALID "A value cannot be stored."

struct state {
	const char *prefix; /* NULL: no SQLSTATE at all, the connection was lost */
	enum db_failure failure;
	enum problem_code code;
	enum remedy remedy;
	bool is_alarm; /* our checks should have caught it: log an error */
	int retry_after_s;
	const char *detail;
};

/* clang-format off */
static const struct state states[] = {
	/* raised by sql/functions */
	{ "PD000", DB_WORLD_MOVED, PROBLEM_conflict, REMEDY_NONE, false, 0,
		"The resource has changed meanwhile." },
	{ "PD001", DB_KEY_IN_PROGRESS, PROBLEM_idempotency_in_progress, REMEDY_NONE, false, 1,
		"A request with this Idempotency-Key is still running." },
	{ "PD002", DB_UNCHANGED, PROBLEM_conflict, REMEDY_NONE, false, 0,
		"Nothing would change." },
	/* two transactions met */
	{ "40001", DB_UNAVAILABLE, PROBLEM_unavailable, REMEDY_AGAIN, false, 1, BUSY },
	{ "40P01", DB_UNAVAILABLE, PROBLEM_unavailable, REMEDY_AGAIN, false, 1, BUSY },
	{ "55P03", DB_UNAVAILABLE, PROBLEM_unavailable, REMEDY_NONE, false, 1, BUSY },
	/* the session lost its prepared statements, or a migration changed what they give back */
	{ "26000", DB_BROKEN, PROBLEM_internal, REMEDY_FORGET, false, 0, SORRY },
	{ "42P05", DB_BROKEN, PROBLEM_internal, REMEDY_FORGET, false, 0, SORRY },
	{ "0A000", DB_BROKEN, PROBLEM_internal, REMEDY_FORGET, false, 0, SORRY },
	/* the server or the way to it */
	{ "57014", DB_TIMEOUT, PROBLEM_timeout, REMEDY_NONE, false, 0,
		"The request took too long." },
	{ "57P", DB_UNAVAILABLE, PROBLEM_unavailable, REMEDY_RECONNECT, false, 1, BUSY },
	{ "25006", DB_UNAVAILABLE, PROBLEM_unavailable, REMEDY_RECONNECT, false, 1, BUSY },
	{ "25P03", DB_UNAVAILABLE, PROBLEM_unavailable, REMEDY_RECONNECT, false, 1, BUSY },
	{ "08", DB_UNAVAILABLE, PROBLEM_unavailable, REMEDY_RECONNECT, false, 1, BUSY },
	{ "53", DB_UNAVAILABLE, PROBLEM_unavailable, REMEDY_NONE, false, 1, BUSY },
	{ NULL, DB_UNAVAILABLE, PROBLEM_unavailable, REMEDY_RECONNECT, false, 1, BUSY },
	/* values; constraints with a row below never come here */
	{ "22", DB_REFUSED, PROBLEM_validation_failed, REMEDY_NONE, true, 0, INVALID },
	{ "23502", DB_REFUSED, PROBLEM_validation_failed, REMEDY_NONE, true, 0, INVALID },
	{ "23503", DB_REFUSED, PROBLEM_validation_failed, REMEDY_NONE, true, 0,
		"Something named in the request does not exist." },
	{ "23505", DB_REFUSED, PROBLEM_already_exists, REMEDY_NONE, true, 0, "It exists already." },
	{ "23514", DB_REFUSED, PROBLEM_validation_failed, REMEDY_NONE, true, 0, INVALID },
	{ "23P01", DB_REFUSED, PROBLEM_conflict, REMEDY_NONE, true, 0,
		"It conflicts with something that exists." },
	/* everything else is our own fault */
	{ "", DB_BROKEN, PROBLEM_internal, REMEDY_NONE, false, 0, SORRY },
};

enum meaning {
	OURS,      /* no input can reach it: our fault */
	KEY,       /* the idempotency record */
	TAKEN,     /* refused with `code`; the member at `pointer`, if any, is not unique */
	REFERENCE, /* the member at `pointer` names something that is not there */
	CHECK,     /* the member at `pointer` contradicts another */
};

struct constraint {
	const char *name;
	enum meaning meaning;
	enum problem_code code;  /* TAKEN */
	const char *pointer;     /* TAKEN (or NULL), REFERENCE, CHECK */
	const char *detail;
};

static const struct constraint constraints[] = {
	{ "agreement_templates_edition_key", OURS, 0, NULL, NULL },
	{ "agreement_templates_one_draft", TAKEN, PROBLEM_already_exists, "#/key",
		"There is a draft of this agreement already." },
	{ "agreement_templates_one_published", OURS, 0, NULL, NULL },
	{ "agreement_templates_pkey", OURS, 0, NULL, NULL },
	{ "agreement_templates_program_fkey", OURS, 0, NULL, NULL },
	{ "agreement_templates_published_check", OURS, 0, NULL, NULL },
	{ "agreement_templates_status_check", OURS, 0, NULL, NULL },
	{ "api_client_secrets_client_fkey", OURS, 0, NULL, NULL },
	{ "api_client_secrets_pkey", OURS, 0, NULL, NULL },
	{ "api_clients_allowed_networks_check", OURS, 0, NULL, NULL },
	{ "api_clients_id_key", OURS, 0, NULL, NULL },
	{ "api_clients_partner_fkey", REFERENCE, 0, "#/partner_id", "There is no such partner." },
	{ "api_clients_pkey", OURS, 0, NULL, NULL },
	{ "api_clients_program_fkey", OURS, 0, NULL, NULL },
	{ "api_clients_status_check", OURS, 0, NULL, NULL },
	{ "api_requests_pkey", OURS, 0, NULL, NULL },
	{ "audit_checkpoints_pkey", OURS, 0, NULL, NULL },
	{ "audit_entries_content_check", OURS, 0, NULL, NULL },
	{ "audit_entries_pkey", OURS, 0, NULL, NULL },
	{ "audit_entries_prev_hash_key", OURS, 0, NULL, NULL },
	{ "audit_entries_sealed_check", OURS, 0, NULL, NULL },
	{ "audit_entries_seq_key", OURS, 0, NULL, NULL },
	{ "benefit_overrides_benefit_fkey", REFERENCE, 0, "#/benefit_id",
		"There is no such benefit." },
	{ "benefit_overrides_one_excl", TAKEN, PROBLEM_already_exists, "#/benefit_id",
		"The benefit is overridden for the partner in that time already." },
	{ "benefit_overrides_partner_fkey", REFERENCE, 0, "#/partner_id",
		"There is no such partner." },
	{ "benefit_overrides_period_check", CHECK, 0, "#/valid_until",
		"The override must end after it begins." },
	{ "benefit_overrides_pkey", OURS, 0, NULL, NULL },
	{ "benefits_better_check", OURS, 0, NULL, NULL },
	{ "benefits_choices_check", CHECK, 0, "#/choices",
		"A choice has choices, and nothing else has." },
	{ "benefits_key_key", TAKEN, PROBLEM_already_exists, "#/key",
		"A benefit with this key exists already." },
	{ "benefits_kind_check", OURS, 0, NULL, NULL },
	{ "benefits_pkey", OURS, 0, NULL, NULL },
	{ "benefits_program_fkey", OURS, 0, NULL, NULL },
	{ "benefits_status_check", OURS, 0, NULL, NULL },
	{ "custom_fields_choices_check", CHECK, 0, "#/choices",
		"A choice has choices, and nothing else has." },
	{ "custom_fields_key_key", TAKEN, PROBLEM_already_exists, "#/key",
		"The object has a field with this key already." },
	{ "custom_fields_kind_check", OURS, 0, NULL, NULL },
	{ "custom_fields_object_check", OURS, 0, NULL, NULL },
	{ "custom_fields_pkey", OURS, 0, NULL, NULL },
	{ "custom_fields_program_fkey", OURS, 0, NULL, NULL },
	{ "custom_fields_required_check", CHECK, 0, "#/is_required",
		"Partners cannot fill in a field that they do not see." },
	{ "custom_fields_status_check", OURS, 0, NULL, NULL },
	{ "custom_fields_visibility_check", OURS, 0, NULL, NULL },
	{ "deal_approval_policies_automatic_check", CHECK, 0, "#/steps",
		"What is approved by itself has no steps." },
	{ "deal_approval_policies_pkey", OURS, 0, NULL, NULL },
	{ "deal_approval_policies_position_check", CHECK, 0, "#/position", "From 1 to 1000000." },
	{ "deal_approval_policies_position_key", TAKEN, PROBLEM_already_exists, "#/position",
		"Another policy has this place in the order." },
	{ "deal_approval_policies_program_fkey", OURS, 0, NULL, NULL },
	{ "deal_approval_policies_status_check", OURS, 0, NULL, NULL },
	{ "deal_approvals_deal_fkey", OURS, 0, NULL, NULL },
	{ "deal_approvals_pkey", OURS, 0, NULL, NULL },
	{ "deal_approvals_policy_fkey", OURS, 0, NULL, NULL },
	{ "deal_approvals_step_key", OURS, 0, NULL, NULL },
	{ "deal_collaborators_contribution_check", OURS, 0, NULL, NULL },
	{ "deal_collaborators_credit_check", OURS, 0, NULL, NULL },
	{ "deal_collaborators_deal_fkey", OURS, 0, NULL, NULL },
	{ "deal_collaborators_partner_fkey", REFERENCE, 0, "#/collaborators",
		"There is no such partner." },
	{ "deal_collaborators_partner_key", TAKEN, PROBLEM_conflict, "#/collaborators",
		"A partner has one part in a deal." },
	{ "deal_collaborators_pkey", OURS, 0, NULL, NULL },
	{ "deal_collaborators_share_check", CHECK, 0, "#/collaborators",
		"Shares add up to 10,000." },
	{ "deal_conflict_deals_conflict_fkey", OURS, 0, NULL, NULL },
	{ "deal_conflict_deals_deal_fkey", OURS, 0, NULL, NULL },
	{ "deal_conflict_deals_pkey", OURS, 0, NULL, NULL },
	{ "deal_conflicts_ended_check", OURS, 0, NULL, NULL },
	{ "deal_conflicts_pkey", OURS, 0, NULL, NULL },
	{ "deal_conflicts_program_fkey", OURS, 0, NULL, NULL },
	{ "deal_conflicts_resolved_check", OURS, 0, NULL, NULL },
	{ "deal_conflicts_status_check", OURS, 0, NULL, NULL },
	{ "deal_conflicts_winner_fkey", OURS, 0, NULL, NULL },
	{ "deal_documents_deal_fkey", OURS, 0, NULL, NULL },
	{ "deal_documents_file_fkey", OURS, 0, NULL, NULL },
	{ "deal_documents_file_key", OURS, 0, NULL, NULL },
	{ "deal_documents_internal_check", OURS, 0, NULL, NULL },
	{ "deal_documents_kind_check", OURS, 0, NULL, NULL },
	{ "deal_documents_pkey", OURS, 0, NULL, NULL },
	{ "deal_documents_visibility_check", OURS, 0, NULL, NULL },
	{ "deal_extensions_days_check", OURS, 0, NULL, NULL },
	{ "deal_extensions_deal_fkey", OURS, 0, NULL, NULL },
	{ "deal_extensions_decided_check", OURS, 0, NULL, NULL },
	{ "deal_extensions_one_open", TAKEN, PROBLEM_already_exists, "#/deal_id",
		"An extension of this deal waits for its decision." },
	{ "deal_extensions_order_check", OURS, 0, NULL, NULL },
	{ "deal_extensions_pkey", OURS, 0, NULL, NULL },
	{ "deal_extensions_status_check", OURS, 0, NULL, NULL },
	{ "deal_external_ids_deal_fkey", OURS, 0, NULL, NULL },
	{ "deal_external_ids_pkey", TAKEN, PROBLEM_duplicate_deal, NULL,
		"The partner has registered a deal with one of these external ids." },
	{ "deal_help_requests_assignee_fkey", REFERENCE, 0, "#/assignee_id", "There is no such person." },
	{ "deal_help_requests_deal_fkey", OURS, 0, NULL, NULL },
	{ "deal_help_requests_kind_check", OURS, 0, NULL, NULL },
	{ "deal_help_requests_pkey", OURS, 0, NULL, NULL },
	{ "deal_help_requests_status_check", OURS, 0, NULL, NULL },
	{ "deal_keys_deal_fkey", OURS, 0, NULL, NULL },
	{ "deal_keys_kind_check", OURS, 0, NULL, NULL },
	{ "deal_keys_pkey", OURS, 0, NULL, NULL },
	{ "deal_limits_one_excl", TAKEN, PROBLEM_already_exists, NULL,
		"There is a limit for this already; change it, or end it first." },
	{ "deal_limits_open_check", OURS, 0, NULL, NULL },
	{ "deal_limits_partner_fkey", REFERENCE, 0, "#/partner_id", "There is no such partner." },
	{ "deal_limits_period_check", CHECK, 0, "#/ends_at", "A limit ends after it begins." },
	{ "deal_limits_pkey", OURS, 0, NULL, NULL },
	{ "deal_limits_program_fkey", OURS, 0, NULL, NULL },
	{ "deal_limits_target_check", CHECK, 0, "#/partner_id",
		"Name a tier, or a partner, or neither." },
	{ "deal_limits_tier_fkey", REFERENCE, 0, "#/tier_id", "There is no such tier." },
	{ "deal_matches_deal_fkey", OURS, 0, NULL, NULL },
	{ "deal_matches_kind_check", OURS, 0, NULL, NULL },
	{ "deal_matches_other_fkey", OURS, 0, NULL, NULL },
	{ "deal_matches_pkey", OURS, 0, NULL, NULL },
	{ "deal_notes_deal_fkey", OURS, 0, NULL, NULL },
	{ "deal_notes_internal_check", OURS, 0, NULL, NULL },
	{ "deal_notes_pkey", OURS, 0, NULL, NULL },
	{ "deal_notes_removed_check", OURS, 0, NULL, NULL },
	{ "deal_notes_visibility_check", OURS, 0, NULL, NULL },
	{ "deal_products_deal_fkey", OURS, 0, NULL, NULL },
	{ "deal_products_pkey", OURS, 0, NULL, NULL },
	{ "deal_protections_deal_fkey", OURS, 0, NULL, NULL },
	{ "deal_protections_overlap_excl", TAKEN, PROBLEM_account_unavailable, NULL,
		"Another registration holds the account at that time." },
	{ "deal_search_deal_fkey", OURS, 0, NULL, NULL },
	{ "deal_search_pkey", OURS, 0, NULL, NULL },
	{ "deal_stage_changes_deal_fkey", OURS, 0, NULL, NULL },
	{ "deal_stage_changes_pkey", OURS, 0, NULL, NULL },
	{ "deal_stage_changes_stage_fkey", OURS, 0, NULL, NULL },
	{ "deal_stages_key_key", TAKEN, PROBLEM_already_exists, "#/key", "There is a stage with this key." },
	{ "deal_stages_pkey", OURS, 0, NULL, NULL },
	{ "deal_stages_position_check", OURS, 0, NULL, NULL },
	{ "deal_stages_position_key", TAKEN, PROBLEM_already_exists, "#/position",
		"There is a stage at this position." },
	{ "deal_stages_probability_bps_check", OURS, 0, NULL, NULL },
	{ "deal_stages_program_fkey", OURS, 0, NULL, NULL },
	{ "deal_stages_status_check", OURS, 0, NULL, NULL },
	{ "deals_amount_check", CHECK, 0, "#/amount/amount_minor",
		"The amount must not be negative." },
	{ "deals_approval_check", OURS, 0, NULL, NULL },
	{ "deals_claim_check", OURS, 0, NULL, NULL },
	{ "deals_commission_check", OURS, 0, NULL, NULL },
	{ "deals_customer_match_check", OURS, 0, NULL, NULL },
	{ "deals_distributor_check", OURS, 0, NULL, NULL },
	{ "deals_distributor_fkey", OURS, 0, NULL, NULL },
	{ "deals_earns_check", OURS, 0, NULL, NULL },
	{ "deals_lost_reason_fkey", OURS, 0, NULL, NULL },
	{ "deals_margin_check", OURS, 0, NULL, NULL },
	{ "deals_number_key", OURS, 0, NULL, NULL },
	{ "deals_own_distributor_check", OURS, 0, NULL, NULL },
	{ "deals_owner_fkey", REFERENCE, 0, "#/owner_id", "There is no such person." },
	{ "deals_partner_fkey", REFERENCE, 0, "#/partner_id", "There is no such partner." },
	{ "deals_pkey", OURS, 0, NULL, NULL },
	{ "deals_protection_check", CHECK, 0, "#/protection_days",
		"The protection must end after it starts." },
	{ "deals_quote_fkey", REFERENCE, 0, "#/quote_id", "The partner has no such quote." },
	{ "deals_quote_key", TAKEN, PROBLEM_already_exists, "#/quote_id",
		"Another deal was registered with this quote." },
	{ "deals_stage_check", OURS, 0, NULL, NULL },
	{ "deals_stage_fkey", OURS, 0, NULL, NULL },
	{ "deals_status_check", OURS, 0, NULL, NULL },
	{ "deals_tier_fkey", OURS, 0, NULL, NULL },
	{ "deals_upheld_fkey", OURS, 0, NULL, NULL },
	{ "deals_worth_check", OURS, 0, NULL, NULL },
	{ "decisions_pkey", OURS, 0, NULL, NULL },
	{ "dispute_bundles_audience_check", OURS, 0, NULL, NULL },
	{ "dispute_bundles_dispute_fkey", OURS, 0, NULL, NULL },
	{ "dispute_bundles_pkey", OURS, 0, NULL, NULL },
	{ "dispute_evidence_audience_check", OURS, 0, NULL, NULL },
	{ "dispute_evidence_content_check", CHECK, 0, "#/text",
		"Evidence has a text or a document, or both." },
	{ "dispute_evidence_dispute_fkey", OURS, 0, NULL, NULL },
	{ "dispute_evidence_document_check", OURS, 0, NULL, NULL },
	{ "dispute_evidence_file_fkey", OURS, 0, NULL, NULL },
	{ "dispute_evidence_pinned_check", OURS, 0, NULL, NULL },
	{ "dispute_evidence_pkey", OURS, 0, NULL, NULL },
	{ "dispute_parties_deal_fkey", OURS, 0, NULL, NULL },
	{ "dispute_parties_dispute_fkey", OURS, 0, NULL, NULL },
	{ "dispute_parties_partner_fkey", OURS, 0, NULL, NULL },
	{ "dispute_parties_pkey", OURS, 0, NULL, NULL },
	{ "dispute_parties_role_check", OURS, 0, NULL, NULL },
	{ "disputes_closed_check", OURS, 0, NULL, NULL },
	{ "disputes_decision_check", OURS, 0, NULL, NULL },
	{ "disputes_evidence_check", OURS, 0, NULL, NULL },
	{ "disputes_ground_check", OURS, 0, NULL, NULL },
	{ "disputes_number_key", OURS, 0, NULL, NULL },
	{ "disputes_opened_by_check", OURS, 0, NULL, NULL },
	{ "disputes_pkey", OURS, 0, NULL, NULL },
	{ "disputes_program_fkey", OURS, 0, NULL, NULL },
	{ "disputes_status_check", OURS, 0, NULL, NULL },
	{ "erasures_entry_fkey", OURS, 0, NULL, NULL },
	{ "erasures_pkey", OURS, 0, NULL, NULL },
	{ "erasures_user_fkey", OURS, 0, NULL, NULL },
	{ "events_pkey", OURS, 0, NULL, NULL },
	{ "file_chunks_bytes_check", OURS, 0, NULL, NULL },
	{ "file_chunks_file_fkey", OURS, 0, NULL, NULL },
	{ "file_chunks_pkey", OURS, 0, NULL, NULL },
	{ "file_usage_bytes_check", OURS, 0, NULL, NULL },
	{ "file_usage_pkey", OURS, 0, NULL, NULL },
	{ "file_usage_program_fkey", OURS, 0, NULL, NULL },
	{ "files_partner_fkey", OURS, 0, NULL, NULL },
	{ "files_pkey", OURS, 0, NULL, NULL },
	{ "files_program_fkey", OURS, 0, NULL, NULL },
	{ "files_sha256_check", OURS, 0, NULL, NULL },
	{ "files_size_check", OURS, 0, NULL, NULL },
	{ "files_status_check", OURS, 0, NULL, NULL },
	{ "files_stored_check", OURS, 0, NULL, NULL },
	{ "files_used_check", OURS, 0, NULL, NULL },
	{ "form_keys_daily_limit_check", CHECK, 0, "#/daily_limit", "From 1 to 10000." },
	{ "form_keys_pkey", OURS, 0, NULL, NULL },
	{ "form_keys_program_fkey", OURS, 0, NULL, NULL },
	{ "form_keys_public_key_key", OURS, 0, NULL, NULL },
	{ "form_keys_revoked_check", OURS, 0, NULL, NULL },
	{ "form_keys_status_check", OURS, 0, NULL, NULL },
	{ "fx_rates_pair_check", CHECK, 0, "#/quote", "A currency has no rate to itself." },
	{ "fx_rates_pkey", OURS, 0, NULL, NULL },
	{ "fx_rates_program_fkey", OURS, 0, NULL, NULL },
	{ "fx_rates_rate_check", OURS, 0, NULL, NULL },
	{ "fx_rates_status_check", OURS, 0, NULL, NULL },
	{ "fx_rates_valid_from_key", TAKEN, PROBLEM_already_exists, "#/valid_from",
		"The pair has a rate from this instant already." },
	{ "fx_rates_withdrawn_check", OURS, 0, NULL, NULL },
	{ "idempotency_keys_pkey", KEY, 0, NULL, NULL },
	{ "identity_providers_audience_key", TAKEN, PROBLEM_already_exists, NULL,
		"The issuer is trusted with this audience already." },
	{ "identity_providers_partner_check", OURS, 0, NULL, NULL },
	{ "identity_providers_partner_fkey", REFERENCE, 0, "#/partner_id",
		"There is no such partner." },
	{ "identity_providers_pkey", OURS, 0, NULL, NULL },
	{ "identity_providers_program_fkey", OURS, 0, NULL, NULL },
	{ "identity_providers_status_check", OURS, 0, NULL, NULL },
	{ "import_row_keys_pkey", OURS, 0, NULL, NULL },
	{ "import_row_keys_row_fkey", OURS, 0, NULL, NULL },
	{ "import_rows_import_fkey", OURS, 0, NULL, NULL },
	{ "import_rows_pkey", OURS, 0, NULL, NULL },
	{ "import_rows_status_check", OURS, 0, NULL, NULL },
	{ "imports_format_check", OURS, 0, NULL, NULL },
	{ "imports_partner_fkey", OURS, 0, NULL, NULL },
	{ "imports_pkey", OURS, 0, NULL, NULL },
	{ "imports_status_check", OURS, 0, NULL, NULL },
	{ "installation_id_check", OURS, 0, NULL, NULL },
	{ "installation_pkey", OURS, 0, NULL, NULL },
	{ "job_failures_pkey", OURS, 0, NULL, NULL },
	{ "job_failures_program_fkey", OURS, 0, NULL, NULL },
	{ "lost_reasons_key_key", TAKEN, PROBLEM_already_exists, "#/key", "There is a reason with this key." },
	{ "lost_reasons_pkey", OURS, 0, NULL, NULL },
	{ "lost_reasons_program_fkey", OURS, 0, NULL, NULL },
	{ "lost_reasons_status_check", OURS, 0, NULL, NULL },
	{ "mails_kind_check", OURS, 0, NULL, NULL },
	{ "mails_pkey", OURS, 0, NULL, NULL },
	{ "mails_sealed_check", OURS, 0, NULL, NULL },
	{ "mails_status_check", OURS, 0, NULL, NULL },
	{ "mails_user_fkey", OURS, 0, NULL, NULL },
	{ "margin_quotes_number_key", OURS, 0, NULL, NULL },
	{ "margin_quotes_partner_fkey", REFERENCE, 0, "#/partner_id", "There is no such partner." },
	{ "margin_quotes_partner_key", OURS, 0, NULL, NULL },
	{ "margin_quotes_pkey", OURS, 0, NULL, NULL },
	{ "margin_quotes_rule_set_fkey", OURS, 0, NULL, NULL },
	{ "margin_quotes_sum_check", OURS, 0, NULL, NULL },
	{ "margin_quotes_tier_fkey", OURS, 0, NULL, NULL },
	{ "margin_rule_sets_channel_cap_check", OURS, 0, NULL, NULL },
	{ "margin_rule_sets_number_key", TAKEN, PROBLEM_conflict, NULL,
		"Another rule set was published in the same moment." },
	{ "margin_rule_sets_override_check", OURS, 0, NULL, NULL },
	{ "margin_rule_sets_pkey", OURS, 0, NULL, NULL },
	{ "margin_rule_sets_program_fkey", OURS, 0, NULL, NULL },
	{ "margin_rule_sets_published_check", OURS, 0, NULL, NULL },
	{ "margin_rule_sets_quote_valid_days_check", OURS, 0, NULL, NULL },
	{ "margin_rule_sets_status_check", OURS, 0, NULL, NULL },
	{ "partner_agreements_acceptance_check", OURS, 0, NULL, NULL },
	{ "partner_agreements_one_live", TAKEN, PROBLEM_already_exists, "#/template_id",
		"It is before the partner already, or accepted." },
	{ "partner_agreements_partner_fkey", REFERENCE, 0, "#/partner_id",
		"There is no such partner." },
	{ "partner_agreements_pkey", OURS, 0, NULL, NULL },
	{ "partner_agreements_status_check", OURS, 0, NULL, NULL },
	{ "partner_agreements_template_fkey", REFERENCE, 0, "#/template_id",
		"There is no such template." },
	{ "partner_applications_approval_check", OURS, 0, NULL, NULL },
	{ "partner_applications_email_check", OURS, 0, NULL, NULL },
	{ "partner_applications_erased_check", OURS, 0, NULL, NULL },
	{ "partner_applications_form_key_fkey", OURS, 0, NULL, NULL },
	{ "partner_applications_number_key", OURS, 0, NULL, NULL },
	{ "partner_applications_partner_fkey", OURS, 0, NULL, NULL },
	{ "partner_applications_pkey", OURS, 0, NULL, NULL },
	{ "partner_applications_program_fkey", OURS, 0, NULL, NULL },
	{ "partner_applications_rejection_check", OURS, 0, NULL, NULL },
	{ "partner_applications_status_check", OURS, 0, NULL, NULL },
	{ "partner_applications_user_fkey", OURS, 0, NULL, NULL },
	{ "partner_certifications_award_key", TAKEN, PROBLEM_already_exists, "#/certification",
		"The person was awarded this certification on that day already." },
	{ "partner_certifications_partner_fkey", OURS, 0, NULL, NULL },
	{ "partner_certifications_period_check", CHECK, 0, "#/expires_on",
		"A certification ends after it was awarded." },
	{ "partner_certifications_pkey", OURS, 0, NULL, NULL },
	{ "partner_certifications_user_fkey", REFERENCE, 0, "#/user_id",
		"There is no such user." },
	{ "partner_contacts_partner_fkey", REFERENCE, 0, "#/partner_id",
		"There is no such partner." },
	{ "partner_contacts_pkey", OURS, 0, NULL, NULL },
	{ "partner_contacts_status_check", OURS, 0, NULL, NULL },
	{ "partner_measurements_current_key", TAKEN, PROBLEM_conflict, NULL,
		"The same figure is being reported by another request." },
	{ "partner_measurements_partner_fkey", REFERENCE, 0, "#/partner_id",
		"There is no such partner." },
	{ "partner_measurements_pkey", OURS, 0, NULL, NULL },
	{ "partner_relations_itself_check", CHECK, 0, "#/parent_id",
		"The partner would be above itself." },
	{ "partner_relations_parent_excl", TAKEN, PROBLEM_conflict, "#/starts_at",
		"The partner has another parent at some time of the period." },
	{ "partner_relations_parent_fkey", REFERENCE, 0, "#/parent_id", "There is no such partner." },
	{ "partner_relations_partner_fkey", REFERENCE, 0, "#/partner_id",
		"There is no such partner." },
	{ "partner_relations_period_check", CHECK, 0, "#/ends_at", "The end is after the start." },
	{ "partner_relations_pkey", OURS, 0, NULL, NULL },
	{ "partner_tier_changes_from_tier_fkey", OURS, 0, NULL, NULL },
	{ "partner_tier_changes_partner_fkey", OURS, 0, NULL, NULL },
	{ "partner_tier_changes_pkey", OURS, 0, NULL, NULL },
	{ "partner_tier_changes_to_tier_fkey", REFERENCE, 0, "#/tier_id",
		"There is no such tier." },
	{ "partner_types_commission_check", CHECK, 0, "#/commission_bps",
		"Partners who earn commission have a rate, others have none." },
	{ "partner_types_default_tier_fkey", REFERENCE, 0, "#/default_tier_id",
		"There is no such tier." },
	{ "partner_types_earns_check", OURS, 0, NULL, NULL },
	{ "partner_types_key_check", OURS, 0, NULL, NULL },
	{ "partner_types_key_key", OURS, 0, NULL, NULL },
	{ "partner_types_pkey", OURS, 0, NULL, NULL },
	{ "partner_types_program_fkey", OURS, 0, NULL, NULL },
	{ "partner_types_protection_days_check", CHECK, 0, "#/protection_days",
		"From 1 to 730 days." },
	{ "partners_at_risk_check", OURS, 0, NULL, NULL },
	{ "partners_lead_capacity_check", CHECK, 0, "#/lead_capacity", "Not below 0." },
	{ "partners_merged_check", OURS, 0, NULL, NULL },
	{ "partners_merged_into_fkey", OURS, 0, NULL, NULL },
	{ "partners_number_key", OURS, 0, NULL, NULL },
	{ "partners_override_check", OURS, 0, NULL, NULL },
	{ "partners_pkey", OURS, 0, NULL, NULL },
	{ "partners_program_fkey", OURS, 0, NULL, NULL },
	{ "partners_status_check", OURS, 0, NULL, NULL },
	{ "partners_status_reason_code_check", OURS, 0, NULL, NULL },
	{ "partners_tier_fkey", REFERENCE, 0, "#/tier_id", "There is no such tier." },
	{ "password_reset_requests_pkey", OURS, 0, NULL, NULL },
	{ "product_prices_amount_check", OURS, 0, NULL, NULL },
	{ "product_prices_mode_check", OURS, 0, NULL, NULL },
	{ "product_prices_pkey", OURS, 0, NULL, NULL },
	{ "product_prices_product_fkey", REFERENCE, 0, "#/product_id", "There is no such product." },
	{ "product_prices_status_check", OURS, 0, NULL, NULL },
	{ "product_prices_valid_from_key", TAKEN, PROBLEM_already_exists, "#/valid_from",
		"The product has a price from then on in this currency." },
	{ "products_key_key", TAKEN, PROBLEM_already_exists, "#/key",
		"A product of the program has this key." },
	{ "products_kind_check", OURS, 0, NULL, NULL },
	{ "products_pkey", OURS, 0, NULL, NULL },
	{ "products_program_fkey", OURS, 0, NULL, NULL },
	{ "products_status_check", OURS, 0, NULL, NULL },
	{ "programs_attribution_model_check", OURS, 0, NULL, NULL },
	{ "programs_attribution_window_check", OURS, 0, NULL, NULL },
	{ "programs_dispute_days_check", OURS, 0, NULL, NULL },
	{ "programs_distributor_visibility_check", OURS, 0, NULL, NULL },
	{ "programs_environment_check", OURS, 0, NULL, NULL },
	{ "programs_expiry_notice_days_check", CHECK, 0, "#/expiry_notice_days",
		"Up to five numbers of days, each from 1 to 365." },
	{ "programs_extension_grace_days_check", CHECK, 0, "#/extension_grace_days",
		"From 0 to 20 business days." },
	{ "programs_fiscal_year_start_month_check", CHECK, 0, "#/fiscal_year_start_month",
		"The month must be from 1 to 12." },
	{ "programs_margin_cap_bps_check", CHECK, 0, "#/margin_cap_bps",
		"The cap must be from 0 to 10000 basis points." },
	{ "programs_pkey", OURS, 0, NULL, NULL },
	{ "programs_proration_rate_at_check", OURS, 0, NULL, NULL },
	{ "programs_protection_days_check", CHECK, 0, "#/protection_days",
		"Protection must last from 1 to 730 days." },
	{ "programs_reapplication_days_check", CHECK, 0, "#/reapplication_days",
		"From 0 to 3650 days." },
	{ "programs_review_days_check", CHECK, 0, "#/review_days", "From 0 to 60 business days." },
	{ "programs_second_factor_roles_check", OURS, 0, NULL, NULL },
	{ "programs_slug_key", TAKEN, PROBLEM_already_exists, NULL,
		"A program with this slug exists already." },
	{ "programs_test_now_check", TAKEN, PROBLEM_test_clock_unavailable, NULL,
		"Only a sandbox program has a test clock." },
	{ "programs_tier_grace_reviews_check", CHECK, 0, "#/tier_grace_reviews",
		"From 1 to 12 reviews." },
	{ "programs_tier_immunity_days_check", CHECK, 0, "#/tier_immunity_days",
		"From 0 to 3650 days." },
	{ "programs_tier_notice_days_check", CHECK, 0, "#/tier_notice_days",
		"The notice must be from 0 to 730 days." },
	{ "programs_tier_review_months_check", CHECK, 0, "#/tier_review_months",
		"A whole number of periods makes a year: 1, 2, 3, 4, 6 or 12 months." },
	{ "recovery_codes_factor_fkey", OURS, 0, NULL, NULL },
	{ "recovery_codes_pkey", OURS, 0, NULL, NULL },
	{ "refresh_tokens_pkey", OURS, 0, NULL, NULL },
	{ "refresh_tokens_session_fkey", OURS, 0, NULL, NULL },
	{ "refresh_tokens_user_fkey", OURS, 0, NULL, NULL },
	{ "region_countries_pkey", TAKEN, PROBLEM_already_exists, "#/countries",
		"One of the countries lies in another region." },
	{ "region_countries_region_fkey", OURS, 0, NULL, NULL },
	{ "regions_cycle_check", CHECK, 0, "#/parent_id", "A region cannot lie below itself." },
	{ "regions_depth_check", CHECK, 0, "#/parent_id", "The tree has at most 8 levels." },
	{ "regions_key_check", OURS, 0, NULL, NULL },
	{ "regions_key_key", TAKEN, PROBLEM_already_exists, "#/key",
		"A region with this key exists already." },
	{ "regions_parent_check", OURS, 0, NULL, NULL },
	{ "regions_parent_fkey", REFERENCE, 0, "#/parent_id", "There is no such region." },
	{ "regions_path_key", OURS, 0, NULL, NULL },
	{ "regions_pkey", OURS, 0, NULL, NULL },
	{ "regions_program_fkey", OURS, 0, NULL, NULL },
	{ "regions_status_check", OURS, 0, NULL, NULL },
	{ "revocations_pkey", OURS, 0, NULL, NULL },
	{ "second_factors_pkey", OURS, 0, NULL, NULL },
	{ "second_factors_user_fkey", OURS, 0, NULL, NULL },
	{ "sessions_end_check", OURS, 0, NULL, NULL },
	{ "sessions_end_reason_check", OURS, 0, NULL, NULL },
	{ "sessions_id_key", OURS, 0, NULL, NULL },
	{ "sessions_partner_fkey", OURS, 0, NULL, NULL },
	{ "sessions_pkey", OURS, 0, NULL, NULL },
	{ "sessions_profile_check", OURS, 0, NULL, NULL },
	{ "sessions_user_fkey", OURS, 0, NULL, NULL },
	{ "sign_in_attempts_level_check", OURS, 0, NULL, NULL },
	{ "sign_in_attempts_pkey", OURS, 0, NULL, NULL },
	{ "sign_in_challenges_pkey", OURS, 0, NULL, NULL },
	{ "sign_in_challenges_user_fkey", OURS, 0, NULL, NULL },
	{ "signing_keys_one_active", TAKEN, PROBLEM_conflict, NULL,
		"Another rotation of the signing keys is under way." },
	{ "signing_keys_pkey", OURS, 0, NULL, NULL },
	{ "signing_keys_state_check", OURS, 0, NULL, NULL },
	{ "special_pricing_requests_approved_check", OURS, 0, NULL, NULL },
	{ "special_pricing_requests_deal_fkey", OURS, 0, NULL, NULL },
	{ "special_pricing_requests_margin_check", OURS, 0, NULL, NULL },
	{ "special_pricing_requests_open_key", TAKEN, PROBLEM_already_exists, "#/deal_id",
		"A special price is being asked for already." },
	{ "special_pricing_requests_pkey", OURS, 0, NULL, NULL },
	{ "special_pricing_requests_round_check", OURS, 0, NULL, NULL },
	{ "special_pricing_requests_status_check", OURS, 0, NULL, NULL },
	{ "territory_assignments_exclusive_excl", TAKEN, PROBLEM_territory_taken, "#/region_id",
		"The region is not free for this product and time." },
	{ "territory_assignments_others_excl", TAKEN, PROBLEM_territory_taken, "#/region_id",
		"The region is not free for this product and time." },
	{ "territory_assignments_partner_fkey", REFERENCE, 0, "#/partner_id",
		"There is no such partner." },
	{ "territory_assignments_period_check", CHECK, 0, "#/valid_to",
		"The assignment must end after it begins." },
	{ "territory_assignments_pkey", OURS, 0, NULL, NULL },
	{ "territory_assignments_product_fkey", REFERENCE, 0, "#/product_id",
		"There is no such product." },
	{ "territory_assignments_region_fkey", REFERENCE, 0, "#/region_id",
		"There is no such region." },
	{ "territory_assignments_twice_excl", TAKEN, PROBLEM_already_exists, "#/region_id",
		"The partner has this in that time already." },
	{ "tier_evaluations_completed_check", OURS, 0, NULL, NULL },
	{ "tier_evaluations_kind_check", OURS, 0, NULL, NULL },
	{ "tier_evaluations_pkey", OURS, 0, NULL, NULL },
	{ "tier_evaluations_program_fkey", OURS, 0, NULL, NULL },
	{ "tier_evaluations_review_key", TAKEN, PROBLEM_already_exists, NULL,
		"All partners are reviewed once in a period, and this period's evaluation is there." },
	{ "tier_evaluations_status_check", OURS, 0, NULL, NULL },
	{ "tier_reviews_evaluation_fkey", OURS, 0, NULL, NULL },
	{ "tier_reviews_once_key", OURS, 0, NULL, NULL },
	{ "tier_reviews_outcome_check", OURS, 0, NULL, NULL },
	{ "tier_reviews_partner_fkey", OURS, 0, NULL, NULL },
	{ "tier_reviews_pkey", OURS, 0, NULL, NULL },
	{ "tier_versions_draft_key", TAKEN, PROBLEM_conflict, NULL, "The tier has a draft already." },
	{ "tier_versions_margin_band_check", CHECK, 0, "#/margin_band",
		"The band must satisfy floor ≤ base ≤ cap ≤ 10000 basis points." },
	{ "tier_versions_number_key", OURS, 0, NULL, NULL },
	{ "tier_versions_period_check", OURS, 0, NULL, NULL },
	{ "tier_versions_period_excl", TAKEN, PROBLEM_conflict, NULL,
		"Other terms of the tier hold at that time." },
	{ "tier_versions_pkey", OURS, 0, NULL, NULL },
	{ "tier_versions_published_check", OURS, 0, NULL, NULL },
	{ "tier_versions_status_check", OURS, 0, NULL, NULL },
	{ "tier_versions_tier_fkey", OURS, 0, NULL, NULL },
	{ "tiers_key_key", TAKEN, PROBLEM_already_exists, "#/key",
		"A tier with this key exists already." },
	{ "tiers_pkey", OURS, 0, NULL, NULL },
	{ "tiers_program_fkey", OURS, 0, NULL, NULL },
	{ "tiers_rank_key", TAKEN, PROBLEM_already_exists, "#/rank",
		"A tier with this rank exists already." },
	{ "tiers_status_check", OURS, 0, NULL, NULL },
	{ "user_identities_origin_check", OURS, 0, NULL, NULL },
	{ "user_identities_pkey", OURS, 0, NULL, NULL },
	{ "user_identities_provider_fkey", REFERENCE, 0, "#/provider_id",
		"There is no such identity provider." },
	{ "user_identities_status_check", OURS, 0, NULL, NULL },
	{ "user_identities_subject_key", TAKEN, PROBLEM_already_exists, NULL,
		"The subject is linked to a user already." },
	{ "user_identities_user_fkey", REFERENCE, 0, "#/user_id", "There is no such user." },
	{ "user_tokens_hash_key", OURS, 0, NULL, NULL },
	{ "user_tokens_kind_check", OURS, 0, NULL, NULL },
	{ "user_tokens_pkey", OURS, 0, NULL, NULL },
	{ "user_tokens_user_fkey", OURS, 0, NULL, NULL },
	{ "users_email_check", CHECK, 0, "#/email", "The address must be in lower case." },
	{ "users_email_key", TAKEN, PROBLEM_already_exists, "#/email",
		"A user with this e-mail address exists already." },
	{ "users_invited_check", OURS, 0, NULL, NULL },
	{ "users_partner_fkey", REFERENCE, 0, "#/partner_id", "There is no such partner." },
	{ "users_pkey", OURS, 0, NULL, NULL },
	{ "users_program_fkey", OURS, 0, NULL, NULL },
	{ "users_role_check", CHECK, 0, "#/role",
		"The role does not belong to this side: vendor's staff or a partner's." },
	{ "users_status_check", OURS, 0, NULL, NULL },
};
/* clang-format on */

#define CONSTRAINT_COUNT (sizeof(constraints) / sizeof(constraints[0]))

static bool state_fits(const struct state *state, const char *sqlstate)
{
	if (!state->prefix || !sqlstate)
		return state->prefix == sqlstate;
	return strncmp(state->prefix, sqlstate, strlen(state->prefix)) == 0;
}

/* The last row fits every SQLSTATE. */
static const struct state *state_of(const struct failure *failure)
{
	const struct state *state = states;
	while (!state_fits(state, failure->sqlstate))
		state++;
	return state;
}

/* By name and only in class 23: a name may also come with other errors. */
static const struct constraint *constraint_of(const struct failure *failure)
{
	if (!failure->constraint || !failure->sqlstate || strncmp(failure->sqlstate, "23", 2) != 0)
		return NULL;
	for (size_t i = 0; i < CONSTRAINT_COUNT; i++) {
		if (strcmp(constraints[i].name, failure->constraint) == 0)
			return &constraints[i];
	}
	return NULL;
}

static void keep_cause(const struct failure *failure, struct problem *problem)
{
	char line[PROBLEM_DETAIL_BYTES];
	problem_cause(problem, "%s in %s: %s",
		failure->sqlstate ? failure->sqlstate : "no SQLSTATE",
		failure->statement ? failure->statement : "the connection",
		message_line(failure->message, line, sizeof(line)));
}

static void raise_alarm(const struct failure *failure)
{
	char line[PROBLEM_DETAIL_BYTES];
	log_event(LOG_ERROR, "the database refused what validation let pass", "%s in %s: %s",
		failure->sqlstate, failure->statement ? failure->statement : "commit",
		message_line(failure->message, line, sizeof(line)));
}

static enum db_failure explain_state(
	const struct state *state, const struct failure *failure, struct problem *problem)
{
	if (state->is_alarm)
		raise_alarm(failure);
	problem_set(problem, state->code, "%s", state->detail);
	if (problem->code == state->code)
		problem->retry_after_s = state->retry_after_s;
	return state->failure;
}

static enum db_failure explain_constraint(
	const struct constraint *constraint, struct arena *arena, struct problem *problem)
{
	switch (constraint->meaning) {
	case OURS: problem_set(problem, PROBLEM_internal, SORRY); return DB_BROKEN;
	case KEY:
		problem_set(problem, PROBLEM_conflict,
			"A request with this Idempotency-Key has been handled.");
		return DB_KEY_TAKEN;
	case TAKEN:
		problem_set(problem, constraint->code, "%s", constraint->detail);
		if (constraint->pointer)
			problem_add(problem, arena, PLACE_POINTER, constraint->pointer,
				VIOLATION_not_unique, "%s", constraint->detail);
		return DB_REFUSED;
	case REFERENCE:
		problem_add(problem, arena, PLACE_POINTER, constraint->pointer,
			VIOLATION_reference_not_found, "%s", constraint->detail);
		return DB_REFUSED;
	case CHECK:
		problem_add(problem, arena, PLACE_POINTER, constraint->pointer,
			VIOLATION_inconsistent, "%s", constraint->detail);
		return DB_REFUSED;
	}
	return DB_BROKEN;
}

/* ---- public ---- */

enum remedy failure_remedy(const struct failure *failure)
{
	return state_of(failure)->remedy;
}

enum db_failure failure_explain(
	const struct failure *failure, struct arena *arena, struct problem *problem)
{
	keep_cause(failure, problem);
	const struct constraint *constraint = constraint_of(failure);
	if (constraint)
		return explain_constraint(constraint, arena, problem);
	return explain_state(state_of(failure), failure, problem);
}

size_t constraint_count(void)
{
	return CONSTRAINT_COUNT;
}

const char *constraint_name(size_t index)
{
	return constraints[index].name;
}
