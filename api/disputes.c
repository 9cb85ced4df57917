/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Disputes about deals. The vendor may record what a party said elsewhere: it then names the party,
 * which a partner never does. Everything that moves a dispute is a row of dispute_transitions; what
 * a decision must satisfy is src/domain/dispute.c.
 */
#include <string.h>

#include "domain/dispute.h"
#include "margin.h"
#include "resources.h"

#define MOST_EVIDENCE 100 /* of one side */

static const struct resource dispute_resource = {
	.object = "dispute",
	.shape = "dispute_shape",
	.path = "/v1/disputes/",
	.transitions = dispute_transitions,
	.not_while_held = "withdraw",
};

static const struct resource evidence_resource = {
	.object = "dispute_evidence",
	.shape = "dispute_evidence_shape",
	.path = "/v1/dispute-evidence/",
};

static const struct filter dispute_filters[] = {
	{ .parameter = "status", .type = 't' },
	{ .parameter = "ground", .type = 't' },
	{ .parameter = "partner_id", .type = 'u' },
	{ .parameter = "deal_id", .type = 'u' },
	{ .parameter = "decision_due_at_gte", .sql = "s.decision_due_at >= {}", .type = 'z' },
	{ .parameter = "decision_due_at_lt", .sql = "s.decision_due_at < {}", .type = 'z' },
	{ .parameter = "created_at_gte", .sql = "s.created_at >= {}", .type = 'z' },
	{ .parameter = "created_at_lt", .sql = "s.created_at < {}", .type = 'z' },
	{ 0 },
};

static const struct filter evidence_filters[] = {
	{ .parameter = "dispute_id", .type = 'u' },
	{ .parameter = "submitted_by", .type = 't' },
	{ 0 },
};

static const struct sort by_creation[] = {
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list dispute_list = {
	.resource = &dispute_resource, .filters = dispute_filters, .sorts = by_creation
};

static const struct list evidence_list = {
	.resource = &evidence_resource, .filters = evidence_filters, .sorts = by_creation
};

/* ---- fields ---- */

static bool refuse(const struct command_input *in, const char *where, enum violation_code code,
	const char *detail, struct problem *problem)
{
	problem_add(problem, in->request->arena, PLACE_POINTER, where, code, "%s", detail);
	return false;
}

static void set_text(json_t *set, const char *name, const char *text)
{
	json_object_set_new(set, name, json_pack("s?", text));
}

/* A new object under `name` of the decision's fields. */
static json_t *fields_under(struct decision *out, const char *name)
{
	json_t *fields = json_object();
	json_object_set_new(out->fields, name, fields);
	return fields;
}

/* Which side acts: a partner is what it is in the dispute, the vendor says for whom. */
static const char *acting_side(const struct command_input *in, struct problem *problem)
{
	const char *own = rows_text(in->facts, "own_role"), *named = command_body_text(in, "party");
	if (own != NULL && named != NULL)
		refuse(in, "#/party", VIOLATION_unknown_field, "Unknown field.", problem);
	else if (own == NULL && named == NULL)
		refuse(in, "#/party", VIOLATION_required, "Say for which party.", problem);
	else if (own == NULL && strcmp(named, "respondent") == 0 &&
		 rows_text(in->facts, "respondent_partner_id") == NULL)
		refuse(in, "#/party", VIOLATION_inconsistent, "The dispute has no respondent.",
			problem);
	else
		return own != NULL ? own : named;
	return NULL;
}

static const struct transition *require_move(
	const struct command_input *in, const char *participle, struct problem *problem)
{
	return transition_require(dispute_transitions, "dispute", command_action(in), participle,
		rows_text(in->facts, "phase"), problem);
}

/* ---- opening ---- */

static bool decide_open(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const char *deal = rows_text(in->facts, "deal_id"), *open = rows_text(in->facts, "open_id");
	if (deal == NULL)
		return refuse(in, "#/deal_id", VIOLATION_reference_not_found,
			"There is no such deal.", problem);
	if (!rows_bool(in->facts, "is_submitted"))
		return refuse(in, "#/deal_id", VIOLATION_inconsistent,
			"The deal was never submitted.", problem);
	if (open != NULL) {
		problem->resource_id = open;
		return problem_set(problem, PROBLEM_already_exists,
			"There is an open dispute about this deal.");
	}
	bool by_vendor = actor_side(in->actor) == SIDE_VENDOR;
	json_object_update_new(
		out->fields, json_pack("{s:s, s:s, s:s}", "deal_id", deal, "partner_id",
				     rows_text(in->facts, "partner_id"), "opened_by",
				     by_vendor ? "vendor" : "partner"));
	out->event = "dispute.opened";
	return true;
}

/* ---- evidence ---- */

static bool take_respondent(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const char *partner = rows_text(in->facts, "other_partner_id");
	if (partner == NULL)
		return refuse(in, "#/respondent_deal_id", VIOLATION_reference_not_found,
			"There is no such deal.", problem);
	if (strcmp(partner, rows_text(in->facts, "partner_id")) == 0)
		return refuse(in, "#/respondent_deal_id", VIOLATION_inconsistent,
			"The deal is the claimant's own.", problem);
	if (!rows_bool(in->facts, "other_is_submitted"))
		return refuse(in, "#/respondent_deal_id", VIOLATION_inconsistent,
			"The deal was never submitted.", problem);
	json_object_set_new(out->fields, "respondent",
		json_pack("{s:s, s:s}", "partner_id", partner, "deal_id",
			rows_text(in->facts, "other_deal_id")));
	return true;
}

static bool decide_start_evidence(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	bool has_respondent = command_body_text(in, "respondent_deal_id") != NULL;
	if (has_respondent && !take_respondent(in, out, problem))
		return false;
	const struct transition *move = require_move(in, "opened for evidence", problem);
	if (move == NULL)
		return false;
	json_object_set_new(out->fields, "set",
		json_pack("{s:s, s:s, s:s, s:i}", "status", move->to, "evidence_due_at",
			rows_text(in->facts, "evidence_until"), "decision_due_at",
			rows_text(in->facts, "decision_until"), "unfinished", 1 + has_respondent));
	out->event = "dispute.evidence_started";
	return true;
}

/* The last party to finish closes the evidence before its time. */
static bool decide_finish_evidence(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const char *side = acting_side(in, problem);
	if (side == NULL || require_move(in, "finished", problem) == NULL)
		return false;
	bool is_claimant = strcmp(side, "claimant") == 0;
	if (rows_text(in->facts, is_claimant ? "claimant_finished_at" : "respondent_finished_at") !=
		NULL)
		return problem_set(
			problem, PROBLEM_conflict, "The party has finished its evidence already.");
	json_object_update_new(out->fields,
		json_pack("{s:{s:I}, s:{s:s, s:{s:s}}, s:s}", "set", "unfinished",
			(json_int_t)rows_int(in->facts, "unfinished") - 1, "party", "role", side,
			"set", "finished_at", rows_text(in->facts, "now"), "not_after",
			rows_text(in->facts, "evidence_due_at")));
	out->event = "dispute.evidence_finished";
	return true;
}

/* Whose eyes the evidence is for: a partner's own, or what the vendor says. */
static const char *audience_of(const struct command_input *in, struct problem *problem)
{
	const char *own = rows_text(in->facts, "own_role"),
		   *named = command_body_text(in, "audience");
	if (own == NULL && named != NULL && strcmp(named, "respondent") == 0 &&
		!rows_bool(in->facts, "has_respondent"))
		refuse(in, "#/audience", VIOLATION_inconsistent, "The dispute has no respondent.",
			problem);
	else
		return own != NULL ? own : named != NULL ? named : "vendor";
	return NULL;
}

static bool has_content(const struct command_input *in, struct problem *problem)
{
	bool has_file = command_body_text(in, "file_id") != NULL,
	     has_document = json_is_object(json_object_get(in->body, "document"));
	if (has_file && has_document)
		return refuse(in, "#/document", VIOLATION_inconsistent,
			"What a file is like is known of the file.", problem);
	if (command_body_text(in, "text") != NULL || has_file || has_document)
		return true;
	return refuse(in, "#/text", VIOLATION_required,
		"Evidence has a text, a document or a file.", problem);
}

/* A file of the own side, or of the party that shall read it, complete and nothing else's. */
static bool check_file(const struct command_input *in, struct problem *problem)
{
	const char *of_file = rows_text(in->facts, "file_partner_id"),
		   *reader = rows_text(in->facts, "reader_id");
	if (command_body_text(in, "file_id") == NULL)
		return true;
	if (rows_text(in->facts, "file_id") == NULL)
		return refuse(in, "#/file_id", VIOLATION_reference_not_found,
			"There is no such file.", problem);
	if (strcmp(rows_text(in->facts, "file_status"), "stored") != 0)
		return refuse(in, "#/file_id", VIOLATION_inconsistent,
			"The file has no content yet.", problem);
	if (rows_text(in->facts, "file_used_by_id") != NULL)
		return refuse(in, "#/file_id", VIOLATION_inconsistent,
			"The file is part of something already.", problem);
	if (of_file != NULL && (reader == NULL || strcmp(of_file, reader) != 0))
		return refuse(in, "#/file_id", VIOLATION_inconsistent,
			"The file is that of a partner who shall not read this.", problem);
	return true;
}

static bool decide_submit(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	if (actor_side(in->actor) == SIDE_PARTNER && command_body_text(in, "audience") != NULL)
		return refuse(in, "#/audience", VIOLATION_unknown_field, "Unknown field.", problem);
	if (rows_text(in->facts, "dispute_id") == NULL)
		return refuse(in, "#/dispute_id", VIOLATION_reference_not_found,
			"There is no such dispute.", problem);
	const char *audience = audience_of(in, problem), *own = rows_text(in->facts, "own_role"),
		   *phase = rows_text(in->facts, "phase");
	if (audience == NULL || !has_content(in, problem) || !check_file(in, problem))
		return false;
	if (strcmp(phase, "opened") != 0 && strcmp(phase, "evidence") != 0)
		return problem_set(problem, PROBLEM_evidence_closed,
			"The dispute takes no evidence any more: it is %s.", phase);
	if (rows_int(in->facts, "submitted") >= MOST_EVIDENCE)
		return problem_set(problem, PROBLEM_evidence_closed,
			"A side submits at most %d pieces of evidence.", MOST_EVIDENCE);
	json_object_update_new(
		out->fields, json_pack("{s:s, s:s, s:i}", "audience", audience, "submitted_by",
				     own != NULL ? own : "vendor", "most", MOST_EVIDENCE));
	out->event = "dispute_evidence.submitted";
	return true;
}

/* ---- decision and appeal ---- */

static void keep_decision(const struct command_input *in, struct decision *out)
{
	json_object_update_new(out->inputs,
		json_pack("{s:s, s:s?, s:I, s:s?, s:I, s:o}", "phase",
			rows_text(in->facts, "phase"), "claimant_deal_id",
			rows_text(in->facts, "claimant_deal_id"), "claimant_sequence",
			(json_int_t)rows_int(in->facts, "claimant_sequence"), "respondent_deal_id",
			rows_text(in->facts, "respondent_deal_id"), "respondent_sequence",
			(json_int_t)rows_int(in->facts, "respondent_sequence"), "bundles",
			json_incref(row_json(in->facts, "bundles", in->request->arena))));
	json_object_update_new(out->outcome,
		json_pack("{s:s, s:s, s:s?}", "outcome", command_body_text(in, "outcome"), "rule",
			command_body_text(in, "rule"), "rule_reference",
			command_body_text(in, "rule_reference")));
	out->is_kept = true;
}

static void set_first_decision(const struct command_input *in, json_t *set)
{
	set_text(set, "outcome", command_body_text(in, "outcome"));
	set_text(set, "rule", command_body_text(in, "rule"));
	set_text(set, "rule_reference", command_body_text(in, "rule_reference"));
	set_text(set, "decision_reason", command_body_text(in, "reason"));
	set_text(set, "decided_at", rows_text(in->facts, "now"));
	set_text(set, "decided_by_id", in->actor->id);
	set_text(set, "appeal_due_at", rows_text(in->facts, "appeal_until"));
}

static void set_appeal_decision(const struct command_input *in, json_t *set)
{
	set_text(set, "appeal_outcome", command_body_text(in, "outcome"));
	set_text(set, "appeal_rule", command_body_text(in, "rule"));
	set_text(set, "appeal_rule_reference", command_body_text(in, "rule_reference"));
	set_text(set, "appeal_decision_reason", command_body_text(in, "reason"));
	set_text(set, "resolution", "decided_on_appeal");
	set_text(set, "closed_at", rows_text(in->facts, "now"));
}

static bool decide_decide(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	bool is_appeal = strcmp(rows_text(in->facts, "status"), "appealed") == 0;
	const char *first = rows_text(in->facts, "decided_by_id");
	struct dispute_facts facts = {
		.phase = rows_text(in->facts, "phase"),
		.outcome = command_body_text(in, "outcome"),
		.claimant_sequence = rows_int(in->facts, "claimant_sequence"),
		.respondent_sequence = rows_int(in->facts, "respondent_sequence"),
		.is_second_opinion_needed =
			is_appeal && first != NULL && strcmp(first, in->actor->id) == 0,
	};
	dispute_rule_parse(command_body_text(in, "rule"), &facts.rule);
	const struct transition *move =
		dispute_decide(&facts, &out->explanation, in->request->arena, problem);
	if (move == NULL)
		return false;
	json_t *set = fields_under(out, "set");
	set_text(set, "status", move->to);
	set_text(set, is_appeal ? "appeal_decision_id" : "decision_id", out->id);
	if (command_body_text(in, "internal_note") != NULL)
		set_text(set, "internal_note", command_body_text(in, "internal_note"));
	(is_appeal ? set_appeal_decision : set_first_decision)(in, set);
	out->event = is_appeal ? "dispute.appeal_decided" : "dispute.decided";
	keep_decision(in, out);
	return true;
}

static bool decide_appeal(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const char *side = acting_side(in, problem);
	const struct transition *move = side != NULL ? require_move(in, "appealed", problem) : NULL;
	if (move == NULL)
		return false;
	json_object_update_new(out->fields,
		json_pack("{s:{s:s, s:s, s:s, s:s, s:n}, s:{s:s, s:{s:s}}, s:s}", "set", "status",
			move->to, "appealed_at", rows_text(in->facts, "now"), "appealed_by", side,
			"decision_due_at", rows_text(in->facts, "appeal_decision_until"),
			"overdue_at", "party", "role", side, "set", "appeal_reason",
			command_body_text(in, "reason"), "not_after",
			rows_text(in->facts, "appeal_due_at")));
	out->event = "dispute.appealed";
	return true;
}

/* ---- the end ---- */

/* Closes it: a decision that nobody can appeal any more, or a claim that is given up. */
static bool decide_end(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	bool withdraws = strcmp(command_action(in), "withdraw") == 0;
	const char *own = rows_text(in->facts, "own_role");
	if (withdraws && own != NULL && strcmp(own, "claimant") != 0)
		return problem_set(
			problem, PROBLEM_forbidden, "Only who opened the dispute can withdraw it.");
	const struct transition *move =
		require_move(in, withdraws ? "withdrawn" : "closed", problem);
	if (move == NULL)
		return false;
	json_object_set_new(out->fields, "set",
		json_pack("{s:s, s:s, s:s}", "status", move->to, "resolution",
			withdraws ? "withdrawn" : "decided", "closed_at",
			rows_text(in->facts, "now")));
	out->event = withdraws ? "dispute.withdrawn" : "dispute.closed";
	return true;
}

/* ---- the bundle ---- */

static bool run_bundle(struct request *request, struct response *response, struct problem *problem)
{
	const char *audience = request_query(request, "audience");
	const char *body =
		audience == NULL ? "{}"
				 : arena_printf(request->arena, "{\"audience\":\"%s\"}", audience);
	const struct rows *rows =
		request_row(request, "dispute_bundle", body, "There is no such dispute.", problem);
	if (rows == NULL)
		return false;
	const char *content = rows_text(rows, "content");
	if (content == NULL)
		return problem_set(problem, PROBLEM_bundle_not_ready,
			"There is no bundle for this audience, or not yet.");
	response->status = 200;
	response->content_type = "application/x-ndjson";
	text_append_string(&response->body, content);
	response_header(response, "Content-Disposition",
		arena_printf(request->arena, "attachment; filename=\"%s-%s.ndjson\"",
			rows_text(rows, "number"), rows_text(rows, "audience")));
	return true;
}

#define MOVE(operation, rule)                                                         \
	{                                                                             \
		.operation_id = (operation), .resource = &dispute_resource,           \
		.facts = "dispute_facts", .decide = (rule), .write = "dispute_change" \
	}

const struct endpoint dispute_endpoints[] = {
	{ .operation_id = "listDisputes", .list = &dispute_list },
	{ .operation_id = "getDispute", .resource = &dispute_resource, .get = true },
	{ .operation_id = "openDispute",
		.resource = &dispute_resource,
		.facts = "dispute_open_facts",
		.decide = decide_open,
		.write = "dispute_open",
		.creates = true },
	MOVE("startDisputeEvidence", decide_start_evidence),
	MOVE("finishDisputeEvidence", decide_finish_evidence),
	{ .operation_id = "decideDispute",
		.resource = &dispute_resource,
		.facts = "dispute_decision_facts",
		.decide = decide_decide,
		.write = "dispute_change" },
	MOVE("appealDispute", decide_appeal),
	MOVE("closeDispute", decide_end),
	MOVE("withdrawDispute", decide_end),
	{ .operation_id = "getDisputeBundle", .run = run_bundle },
	{ .operation_id = "listDisputeEvidence", .list = &evidence_list },
	{ .operation_id = "getDisputeEvidence", .resource = &evidence_resource, .get = true },
	{ .operation_id = "submitDisputeEvidence",
		.resource = &evidence_resource,
		.facts = "dispute_evidence_facts",
		.decide = decide_submit,
		.write = "dispute_submit",
		.creates = true },
	{ 0 },
};
