/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Approval of deals in steps: which step a caller decides is the rule's (src/domain/approval.c);
 * with the last one the deal is approved as one without steps is. How it stands is worked out when
 * somebody asks, from policies and decisions as they are, so there is no plan to keep up to date.
 */
#include <string.h>

#include "approvals.h"
#include "domain/deal.h"
#include "resources.h"

static const char *text_of(const json_t *object, const char *member)
{
	return json_string_value(json_object_get(object, member));
}

/* ---- reading ---- */

/* What the rule is asked, and the JSON it was read from. */
struct approval_work {
	const json_t *policies, *given;
	int64_t round;
	struct margin_facts facts;
	struct approval_facts asked;
};

/* Decisions of this round; others were about something else. */
static struct approval_given *given_read(
	const struct approval_work *work, struct arena *arena, size_t *ret_count)
{
	struct approval_given *list =
		arena_zalloc(arena, (json_array_size(work->given) + 1) * sizeof *list);
	size_t i;
	json_t *row;
	*ret_count = 0;
	json_array_foreach (work->given, i, row) {
		if (json_integer_value(json_object_get(row, "round")) != work->round)
			continue;
		list[(*ret_count)++] = (struct approval_given){
			.policy_id = text_of(row, "policy_id"),
			.policy_version =
				json_integer_value(json_object_get(row, "policy_version")),
			.step = (size_t)json_integer_value(json_object_get(row, "step")),
			.by_id = text_of(row, "decided_by_id"),
		};
	}
	return list;
}

/* The policies, and who asks. */
static struct approval_work *work_begin(
	const json_t *policies, const struct actor *actor, struct arena *arena)
{
	struct approval_work *work = arena_zalloc(arena, sizeof *work);
	size_t count = json_array_size(policies);
	struct approval_policy *read = arena_zalloc(arena, (count + 1) * sizeof *read);
	for (size_t i = 0; i < count; i++)
		read[i] = approval_policy_read(json_array_get(policies, i), arena);
	work->policies = policies;
	work->asked = (struct approval_facts){
		.policies = read,
		.policy_count = count,
		.user_id = actor->is_user ? actor->id : NULL,
		.role = actor->is_user ? role_text(actor->role) : NULL,
		.is_system = actor->is_system,
	};
	return work;
}

/* The deal. */
static void work_on(
	struct approval_work *work, const json_t *deal, int64_t now_us, struct arena *arena)
{
	work->given = json_object_get(deal, "given");
	work->round = json_integer_value(json_object_get(deal, "round"));
	work->facts = margin_facts_read(json_object_get(deal, "facts"), now_us, arena);
	work->asked.facts = &work->facts;
	work->asked.registered_by_id = text_of(deal, "registered_by_id");
	work->asked.is_overdue = json_is_true(json_object_get(deal, "is_overdue"));
	work->asked.given = given_read(work, arena, &work->asked.given_count);
}

static struct approval_work *work_new(
	const struct rows *rows, const struct actor *actor, struct arena *arena)
{
	const json_t *read = row_json(rows, "approval", arena);
	struct approval_work *work = work_begin(json_object_get(read, "policies"), actor, arena);
	work_on(work, read, rows_time(rows, "now"), arena);
	return work;
}

/* ---- approving ---- */

static json_t *step_json(const struct command_input *in, const struct approval_work *work,
	const struct approval_verdict *verdict)
{
	const struct approval_policy *policy = &work->asked.policies[verdict->policy];
	return json_pack("{s:I, s:s, s:I, s:I, s:s, s:s?}", "round", (json_int_t)work->round,
		"policy_id", policy->id, "policy_version", (json_int_t)policy->version, "step",
		(json_int_t)verdict->step, "step_name", policy->steps[verdict->step].name,
		"comment", command_body_text(in, "comment"));
}

/* By which policy, for the vendor's eyes. */
static void keep_policy(const struct approval_work *work, const struct approval_verdict *verdict,
	struct decision *out)
{
	const json_t *policy = json_array_get(work->policies, verdict->policy);
	json_object_set_new(out->inputs, "approval_policy",
		json_pack("{s:O, s:O, s:O, s:b, s:i}", "id", json_object_get(policy, "id"),
			"version", json_object_get(policy, "version"), "name",
			json_object_get(policy, "name"), "is_automatic",
			work->asked.policies[verdict->policy].is_automatic, "steps",
			(int)work->asked.policies[verdict->policy].step_count));
}

/* One step of several: the deal is in review from now on. */
static bool decide_on_the_way(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	if (strcmp(rows_text(in->facts, "partner_status"), "active") != 0)
		return problem_set(problem, PROBLEM_partner_not_active,
			"The partner must be active to have a deal approved, but it is %s.",
			rows_text(in->facts, "partner_status"));
	json_object_update_new(
		out->fields, json_pack("{s:{s:s}, s:s}", "set", "status", "in_review",
				     "needs_partner", rows_text(in->facts, "partner_id")));
	out->event = "deal.step_approved";
	return true;
}

static bool decide_approve(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const char *status = deal_status_at(rows_text(in->facts, "status"),
		rows_time(in->facts, "protected_until"), rows_time(in->facts, "now"));
	if (transition_require(deal_transitions, "deal", "approve", "approved", status, problem) ==
		NULL)
		return false;
	struct approval_verdict verdict;
	const struct approval_work *work = work_new(in->facts, in->actor, in->request->arena);
	if (!approval_decide(&work->asked, &verdict, problem))
		return false;
	if (!(verdict.is_last ? deal_decide_approval(in, out, problem)
			      : decide_on_the_way(in, out, problem)))
		return false;
	json_object_set_new(out->fields, "policies_version",
		json_integer((json_int_t)rows_int(in->facts, "policies_version")));
	if (verdict.step != APPROVAL_NONE)
		json_object_set_new(out->fields, "approval", step_json(in, work, &verdict));
	if (verdict.is_last && verdict.policy != APPROVAL_NONE)
		keep_policy(work, &verdict, out);
	return true;
}

/* ---- how it stands ---- */

static const json_t *decided_json(
	const struct approval_work *work, const struct approval_policy *policy, size_t step)
{
	size_t i;
	json_t *row;
	json_array_foreach (work->given, i, row)
		if (json_integer_value(json_object_get(row, "round")) == work->round &&
			json_integer_value(json_object_get(row, "step")) == (json_int_t)step &&
			json_integer_value(json_object_get(row, "policy_version")) ==
				policy->version &&
			strcmp(text_of(row, "policy_id"), policy->id) == 0)
			return row;
	return NULL;
}

static json_t *standing_of_step(const struct approval_work *work, size_t found, size_t step)
{
	static const char *const members[] = { "decided_by_id", "decided_by_name", "decided_at",
		"comment", NULL };
	const struct approval_policy *policy = &work->asked.policies[found];
	const json_t *written = json_array_get(
		json_object_get(json_array_get(work->policies, found), "steps"), step);
	const json_t *decided = decided_json(work, policy, step);
	size_t next = approval_next_step(policy, work->asked.given, work->asked.given_count);
	json_t *out = json_copy((json_t *)written);
	json_object_set_new(out, "position", json_integer((json_int_t)step + 1));
	json_object_set_new(out, "status",
		json_string(decided != NULL ? "approved"
			    : step == next  ? "current"
					    : "waiting"));
	for (const char *const *name = members; *name != NULL; name++)
		json_object_set_new(out, *name,
			decided != NULL ? json_incref(json_object_get(decided, *name))
					: json_null());
	return out;
}

static json_t *policy_json(const struct approval_work *work, size_t found)
{
	const json_t *policy = json_array_get(work->policies, found);
	if (found == APPROVAL_NONE)
		return json_null();
	return json_pack("{s:O, s:O, s:O, s:O}", "id", json_object_get(policy, "id"), "name",
		json_object_get(policy, "name"), "version", json_object_get(policy, "version"),
		"is_automatic", json_object_get(policy, "is_automatic"));
}

static json_t *steps_json(const struct approval_work *work, size_t found)
{
	json_t *steps = json_array();
	size_t count = found == APPROVAL_NONE ? 0 : work->asked.policies[found].step_count;
	for (size_t i = 0; i < count; i++)
		json_array_append_new(steps, standing_of_step(work, found, i));
	return steps;
}

/* All that was ever decided, in this round and before. */
static json_t *history_json(const struct approval_work *work)
{
	json_t *history = json_array();
	size_t i;
	json_t *row;
	json_array_foreach (work->given, i, row) {
		json_t *entry = json_copy(row);
		json_object_set_new(entry, "is_current",
			json_boolean(
				json_integer_value(json_object_get(row, "round")) == work->round));
		json_object_del(entry, "round");
		json_object_del(entry, "step");
		json_array_append_new(history, entry);
	}
	return history;
}

/* Is the current step the caller's? */
static bool may_decide(const struct approval_work *work, const char *status)
{
	struct approval_verdict verdict;
	struct problem problem = PROBLEM_INIT;
	return transition_find(deal_transitions, "approve", status) != NULL &&
	       approval_decide(&work->asked, &verdict, &problem);
}

static bool run_approvals(
	struct request *request, struct response *response, struct problem *problem)
{
	const struct rows *rows =
		request_row(request, "deal_approvals", NULL, "No deal has this id.", problem);
	if (rows == NULL)
		return false;
	const struct approval_work *work = work_new(rows, request->actor, request->arena);
	const char *status = rows_text(rows, "status");
	bool is_open = strcmp(status, "submitted") == 0 || strcmp(status, "in_review") == 0 ||
		       strcmp(status, "info_requested") == 0 ||
		       strcmp(status, "conflict_hold") == 0 || strcmp(status, "draft") == 0;
	size_t found = is_open ? approval_policy_find(work->asked.policies,
					 work->asked.policy_count, &work->facts)
			       : APPROVAL_NONE;
	response->cache = CACHE_PRIVATE;
	response_json(response, 200,
		json_pack("{s:s, s:s, s:o, s:o, s:b, s:b, s:o}", "object", "deal_approvals",
			"deal_id", rows_text(rows, "id"), "policy", policy_json(work, found),
			"steps", steps_json(work, found), "is_overdue", work->asked.is_overdue,
			"may_decide", may_decide(work, status), "decided", history_json(work)));
	return true;
}

/* ---- what waits for somebody ---- */

/* Of these deals, all of them to be decided, those that the caller may decide now. */
static const char *mine_among(
	const json_t *deals, struct approval_work *work, int64_t now_us, struct arena *arena)
{
	struct text ids = TEXT_INIT;
	size_t i;
	json_t *deal;
	text_append_char(&ids, '{');
	json_array_foreach (deals, i, deal) {
		struct approval_verdict verdict;
		struct problem refusal = PROBLEM_INIT;
		work_on(work, deal, now_us, arena);
		if (approval_decide(&work->asked, &verdict, &refusal))
			text_appendf(&ids, "%s%s", ids.length > 1 ? "," : "", text_of(deal, "id"));
	}
	text_append_char(&ids, '}');
	const char *copy = arena_strndup(arena, ids.bytes, ids.length);
	text_release(&ids);
	return copy;
}

bool deals_awaiting(struct request *request, const char **ret_ids, struct problem *problem)
{
	*ret_ids = "{}";
	if (!(request->actor->scopes & SCOPE_BIT(deals_approve)))
		return true;
	struct db_batch batch = request_batch(request);
	struct db_call *call = db_add(&batch, statement_find("deals_to_decide"));
	call->params[0] = request->actor->program_id;
	if (db_run(request->app->db, &batch, problem) != DB_NONE)
		return false;
	const json_t *policies = row_json(call->rows, "policies", request->arena);
	if (json_array_size(policies) == 0)
		*ret_ids = NULL;
	else
		*ret_ids = mine_among(row_json(call->rows, "deals", request->arena),
			work_begin(policies, request->actor, request->arena),
			rows_time(call->rows, "now"), request->arena);
	return true;
}

/* ---- who is offered it ---- */

/* What the last step has to find: nothing that is still being asked for, and a tier with terms
 * where a margin is to be locked. */
static bool may_be_locked(const json_t *deal)
{
	const char *tier = text_of(deal, "tier_status");
	return !json_is_true(json_object_get(deal, "asks_price")) &&
	       (strcmp(text_of(deal, "earns"), "commission") == 0 ||
		       (tier != NULL && strcmp(tier, "published") == 0));
}

static bool is_open_to(struct approval_work *work, const json_t *deal)
{
	struct approval_verdict verdict;
	struct problem ignored = PROBLEM_INIT;
	return approval_decide(&work->asked, &verdict, &ignored) &&
	       (!verdict.is_last || may_be_locked(deal));
}

static const char *open_ids(const struct request *request, const struct rows *facts)
{
	struct arena *arena = request->arena;
	struct approval_work *work =
		work_begin(row_json(facts, "policies", arena), request->actor, arena);
	struct text ids = TEXT_INIT;
	size_t i;
	json_t *deal;
	json_array_foreach (row_json(facts, "deals", arena), i, deal) {
		work_on(work, deal, rows_time(facts, "now"), arena);
		if (is_open_to(work, deal))
			text_appendf(&ids, " %s", text_of(deal, "id"));
	}
	const char *found = arena_strndup(arena, ids.length > 0 ? ids.bytes : "", ids.length);
	text_release(&ids);
	return found;
}

const struct question deal_approval_question = {
	.action = "approve", .statement = "deal_approvable", .open_ids = open_ids
};

const struct endpoint deal_approval_endpoints[] = {
	{ .operation_id = "approveDeal",
		.resource = &deal_resource,
		.facts = "deal_facts",
		.decide = decide_approve,
		.write = "deal_change" },
	{ .operation_id = "getDealApprovals", .run = run_approvals },
	{ 0 },
};
