/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evaluations of tiers: reviews of all partners or of some, what came of them, and how far a
 * partner is from other tiers. The rule is src/domain/tier_evaluation.c; a large evaluation is gone
 * on with by src/jobs/tier_reviews.c.
 */
#include "http/tier_reviews.h"

#include <string.h>

#include "base/clock.h"
#include "http/app.h"
#include "resources.h"
#include "tier_terms.h"

#define BATCH          200 /* as in tier_evaluation_facts */
#define DRY_RUN_MOST   5000
#define RESULT_MEMBERS 12

static const struct resource evaluation_resource = {
	.object = "tier_evaluation",
	.shape = "tier_evaluation_shape",
	.path = "/v1/tier-evaluations/",
};

static const struct filter evaluation_filters[] = {
	{ .parameter = "kind", .type = 't' },
	{ .parameter = "status", .type = 't' },
	{ 0 },
};

static const struct sort evaluation_sorts[] = {
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list evaluation_list = {
	.resource = &evaluation_resource, .filters = evaluation_filters, .sorts = evaluation_sorts
};

static const struct resource review_resource = {
	.object = "tier_review",
	.shape = "tier_review_shape",
	.path = "/v1/tier-reviews/",
};

static const struct filter review_filters[] = {
	{ .parameter = "evaluation_id", .type = 'u' },
	{ .parameter = "partner_id", .type = 'u' },
	{ .parameter = "outcome", .type = 't' },
	{ .parameter = "reviewed_at_gte", .sql = "s.reviewed_at >= {}", .type = 'z' },
	{ .parameter = "reviewed_at_lt", .sql = "s.reviewed_at < {}", .type = 'z' },
	{ 0 },
};

static const struct sort review_sorts[] = {
	{ .name = "reviewed_at", .column = "reviewed_at", .type = 'z' },
	{ 0 },
};

static const struct list review_list = {
	.resource = &review_resource, .filters = review_filters, .sorts = review_sorts
};

/* ---- evaluations ---- */

static void decref(void *value)
{
	json_decref(value);
}

static json_t *parse_on(struct arena *arena, const char *text)
{
	json_t *value = json_loads(text, 0, NULL);
	arena_defer(arena, decref, value);
	return value;
}

/* All that is wrong with the partners asked for. */
static void check_partners(const struct command_input *in, struct problem *problem)
{
	const json_t *refused = facts_json(in, "refused");
	size_t index;
	json_t *item;
	json_array_foreach ((json_t *)refused, index, item) {
		const char *status = json_string_value(json_object_get(item, "status"));
		const char *where = arena_printf(in->request->arena, "#/partner_ids/%lld",
			(long long)json_integer_value(json_object_get(item, "index")));
		if (status == NULL)
			problem_add(problem, in->request->arena, PLACE_POINTER, where,
				VIOLATION_reference_not_found, "There is no such partner.");
		else
			problem_add(problem, in->request->arena, PLACE_POINTER, where,
				VIOLATION_inconsistent,
				"Active partners are reviewed, and this one is %s.", status);
	}
}

static bool check_evaluation(const struct command_input *in, bool is_all, struct problem *problem)
{
	const bool dry_run = in->request->dry_run;
	check_partners(in, problem);
	if (json_is_true(json_object_get(in->body, "use_drafts")) && !dry_run)
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/use_drafts",
			VIOLATION_inconsistent, "Drafts are tried in a dry run only.");
	if (problem->is_set || !is_all || dry_run || rows_text(in->facts, "done_id") == NULL)
		return !problem->is_set;
	problem->resource_id = arena_strdup(in->request->arena, rows_text(in->facts, "done_id"));
	return problem_set(problem, PROBLEM_already_exists,
		"All partners are reviewed once in a period, and this period's evaluation is "
		"there. Name partners to review them again.");
}

static const json_t *partners_of(const json_t *facts)
{
	return json_object_get(facts, "partners");
}

/* NULL when there are no more partners, or when they could not be read. */
static json_t *next_page(const struct command_input *in, const char *after, struct problem *problem)
{
	struct request *request = in->request;
	struct db_batch batch = request_batch(request);
	struct db_call *call = db_add(&batch, statement_find("tier_evaluation_page"));
	char *body = in->body != NULL ? json_dumps(in->body, JSON_COMPACT) : NULL;
	call->params[0] = request->actor->program_id;
	call->params[3] = body != NULL ? arena_strdup(request->arena, body) : NULL;
	call->params[4] = arena_printf(request->arena, "{\"after\":\"%s\"}", after);
	free(body);
	if (db_run(request->app->db, &batch, problem) != DB_NONE)
		return NULL;
	json_t *facts = parse_on(request->arena, rows_text(call->rows, "facts"));
	return json_array_size(partners_of(facts)) > 0 ? facts : NULL;
}

static const char *last_id(const json_t *facts)
{
	const json_t *partners = partners_of(facts);
	const json_t *last = json_array_get(partners, json_array_size(partners) - 1);
	return json_string_value(json_object_get(last, "id"));
}

/* A dry run looks at everybody. False when that cannot be. */
static bool judge_the_rest(const struct command_input *in, const json_t *facts, json_t *results,
	struct problem *problem)
{
	while (json_array_size(partners_of(facts)) == BATCH) {
		facts = next_page(in, last_id(facts), problem);
		if (facts == NULL)
			return !problem->is_set;
		json_t *more = tier_reviews_judge(facts, in->request->arena);
		json_array_extend(results, more);
		json_decref(more);
		if (json_array_size(results) <= DRY_RUN_MOST)
			continue;
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/partner_ids",
			VIOLATION_required,
			"A dry run is for %d partners at most: name those it is about.",
			DRY_RUN_MOST);
		return false;
	}
	return true;
}

/* What the answer shows of the results: who moves, and why. */
static json_t *shown_results(const json_t *results)
{
	static const char *const members[RESULT_MEMBERS] = { "partner_id", "partner_name",
		"outcome", "from_tier_id", "from_tier_name", "to_tier_id", "to_tier_name",
		"earned_tier_id", "earned_tier_name", "failed_reviews", "steps", "tiers" };
	json_t *shown = json_array();
	size_t index;
	json_t *result;
	json_array_foreach ((json_t *)results, index, result) {
		json_t *row = json_object();
		for (size_t i = 0; i < RESULT_MEMBERS; i++)
			json_object_set(row, members[i], json_object_get(result, members[i]));
		json_array_append_new(shown, row);
	}
	return shown;
}

static void keep_evaluation(const struct command_input *in, const json_t *facts, json_t *results,
	bool is_all, struct decision *out)
{
	const bool dry_run = in->request->dry_run;
	const bool has_more = !dry_run && json_array_size(results) == BATCH;
	const char *period_on = json_string_value(json_object_get(facts, "period_on"));
	json_object_update_new(out->fields,
		json_pack("{s:s, s:s, s:s?, s:s?, s:b, s:b, s:O}", "kind",
			is_all ? "all" : "selected", "period_on", period_on, "review_key",
			is_all && !dry_run ? period_on : NULL, "cursor_id", last_id(facts),
			"has_more", has_more, "is_dry_run", dry_run, "results", results));
	out->reveal = json_pack("{s:o}", "results", shown_results(results));
	out->event = has_more ? "tier_evaluation.started" : "tier_evaluation.completed";
}

static bool decide_evaluate(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const bool is_all = json_object_get(in->body, "partner_ids") == NULL;
	if (!check_evaluation(in, is_all, problem))
		return false;
	const json_t *facts = facts_json(in, "facts");
	json_t *results = tier_reviews_judge(facts, in->request->arena);
	arena_defer(in->request->arena, decref, results);
	if (in->request->dry_run && is_all && !judge_the_rest(in, facts, results, problem))
		return false;
	keep_evaluation(in, facts, results, is_all, out);
	return true;
}

/* ---- progress ---- */

static json_t *instant_or_null(const struct rows *rows, const char *column)
{
	char text[TIME_TEXT_BYTES];
	if (rows_text(rows, column) == NULL)
		return json_null();
	time_format(rows_time(rows, column), text);
	return json_string(text);
}

static size_t rung_above(const struct tier_review *review)
{
	size_t next = review->current == TIER_NONE ? 0 : review->current + 1;
	return next < review->rung_count ? next : TIER_NONE;
}

static size_t rung_below(const struct tier_review *review)
{
	return review->current == TIER_NONE || review->current == 0 ? TIER_NONE
								    : review->current - 1;
}

/* How many requirements of the tier are not met; null when there is no such tier. */
static json_t *missing_json(const struct tier_review *review, size_t index)
{
	int missing = 0;
	if (index == TIER_NONE)
		return json_null();
	const struct tier_rung *rung = &review->rungs[index];
	for (size_t i = 0; i < rung->requirement_count; i++)
		missing +=
			!tier_requirement_judge(&rung->requirements[i], &rung->measures[i]).is_met;
	return json_integer(missing);
}

/* Reviews that may still fail before the tier is lost; null when there is no lower one. */
static void set_demotion(
	json_t *progress, const struct rows *rows, const struct tier_review *review)
{
	const bool can_fall = rung_below(review) != TIER_NONE;
	int64_t left = review->grace_reviews - review->failed_reviews;
	json_object_set_new(progress, "reviews_until_demotion",
		can_fall ? json_integer((json_int_t)(left > 1 ? left : 1)) : json_null());
	json_object_set_new(progress, "earliest_demotion_on",
		can_fall ? json_string(rows_text(rows, "earliest_demotion_on")) : json_null());
}

static json_t *progress_json(
	const char *partner_id, const struct rows *rows, const json_t *facts, struct arena *arena)
{
	struct tier_standing_read standing;
	tier_review_read(facts, json_array_get(partners_of(facts), 0), arena, &standing);
	const struct tier_review *review = &standing.review;
	const struct explanation *why = &standing.explanation;
	json_t *progress = json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:s, s:I, s:I}",
		"object", "tier_progress", "partner_id", partner_id, "tier",
		tier_rung_json(facts, &standing, review->current), "next_tier",
		tier_rung_json(facts, &standing, rung_above(review)), "lower_tier",
		tier_rung_json(facts, &standing, rung_below(review)), "earned_tier",
		tier_rung_json(facts, &standing, standing.verdict.earned), "requirements_missing",
		missing_json(review, review->current), "requirements_missing_for_next",
		missing_json(review, rung_above(review)), "outcome",
		tier_outcome_text(standing.verdict.outcome), "outcome_reason",
		why->steps[why->step_count - 1].detail, "failed_reviews",
		(json_int_t)review->failed_reviews, "grace_reviews",
		(json_int_t)review->grace_reviews);
	set_demotion(progress, rows, review);
	json_object_set(progress, "next_review_on", json_object_get(facts, "next_review_on"));
	static const char *const instants[] = { "at_risk_since", "immune_until", "override_until",
		"last_reviewed_at" };
	for (size_t i = 0; i < sizeof instants / sizeof instants[0]; i++)
		json_object_set_new(progress, instants[i], instant_or_null(rows, instants[i]));
	return progress;
}

static bool get_progress(
	struct request *request, struct response *response, struct problem *problem)
{
	const struct rows *rows = request_row(
		request, "tier_progress_facts", NULL, "There is no partner with this id.", problem);
	if (rows == NULL)
		return false;
	const json_t *facts = parse_on(request->arena, rows_text(rows, "facts"));
	response->cache = CACHE_PRIVATE;
	response_json(
		response, 200, progress_json(request->path_ids[0], rows, facts, request->arena));
	return true;
}

const struct endpoint tier_review_endpoints[] = {
	{ .operation_id = "listTierEvaluations", .list = &evaluation_list },
	{ .operation_id = "getTierEvaluation", .resource = &evaluation_resource, .get = true },
	{ .operation_id = "createTierEvaluation",
		.resource = &evaluation_resource,
		.facts = "tier_evaluation_facts",
		.decide = decide_evaluate,
		.write = "tier_evaluation_create",
		.creates = true },
	{ .operation_id = "listTierReviews", .list = &review_list },
	{ .operation_id = "getTierReview", .resource = &review_resource, .get = true },
	{ .operation_id = "getPartnerTierProgress", .run = get_progress },
	{ 0 },
};
