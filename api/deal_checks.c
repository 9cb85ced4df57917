/* SPDX-License-Identifier: Apache-2.0 */
/*
 * May I work this account? The answer is one word and at most a date, never who holds it. It takes
 * the same statements whatever comes out, is kept in the ledger, and has a budget of its own
 * (endpoint.h, is_rationed): it must not become a way to read others' pipelines.
 */
#include <string.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "matching.h"
#include "resources.h"

static struct db_call *add_call(struct db_batch *batch, const char *name, const char *body)
{
	struct db_call *call = db_add(batch, statement_find(name));
	call->params[0] = batch->program_id;
	call->params[1] = batch->partner_id;
	call->params[3] = body;
	return call;
}

static const char *own_text(struct arena *arena, json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);
	json_decref(value);
	arena_defer(arena, free, text);
	return text;
}

/* For whom it is asked: a partner asks for itself, the vendor may say for whom, or for nobody. */
static bool find_partner(
	struct request *request, const char **ret_partner_id, struct problem *problem)
{
	const char *named = json_string_value(json_object_get(request->body, "partner_id")),
		   *own = actor_partner(request->actor);
	*ret_partner_id = own != NULL ? own : named;
	if (named == NULL)
		return true;
	struct db_batch batch = request_batch(request);
	struct db_call *call = add_call(&batch, "deal_check_partner",
		own_text(request->arena, json_pack("{s:s}", "partner_id", named)));
	if (db_run(request->app->db, &batch, problem) != DB_NONE)
		return false;
	if (rows_count(call->rows) > 0 && strcasecmp(rows_text(call->rows, "id"), named) == 0)
		return true;
	problem_add(problem, request->arena, PLACE_POINTER, "#/partner_id",
		VIOLATION_reference_not_found, "There is no such partner.");
	return false;
}

static bool says_enough(const struct match_work *work, struct arena *arena, struct problem *problem)
{
	if (work->keys.key_count + work->keys.word_count > 0)
		return true;
	problem_add(problem, arena, PLACE_POINTER, "#/customer_name", VIOLATION_required,
		"This tells nobody from another: give a tax id, a D-U-N-S number, a website of "
		"their own, or a name with a word that others do not have.");
	return false;
}

static const char *result_text(const struct matching *matching)
{
	if (matching->match >= MATCH_CONFLICT)
		return "taken";
	return matching->match == MATCH_REVIEW ? "review" : "free";
}

static const char *note(const struct request *request, const struct matching *matching)
{
	char entry_id[UUID_TEXT_BYTES], free_from[TIME_TEXT_BYTES];
	uuid_v7(entry_id);
	time_format(matching->free_from_us, free_from);
	return own_text(request->arena,
		json_pack("{s:s, s:s, s:s?, s:s?}", "entry_id", entry_id, "result",
			result_text(matching), "own_deal_id", matching->own_deal_id, "free_from",
			matching->free_from_us > 0 ? free_from : NULL));
}

/* The ledger keeps by what was asked for, but not whose address it was. */
static const char *question_text(const json_t *customer, struct arena *arena)
{
	static const char *const members[] = { "partner_id", "customer_name", "customer_country",
		"customer_website", "customer_tax_id", "customer_duns", "product_ids", NULL };
	json_t *question = json_object();
	for (size_t i = 0; members[i] != NULL; i++)
		json_object_set(question, members[i], json_object_get(customer, members[i]));
	return own_text(arena, question);
}

const struct rows *match_note(struct request *request, const json_t *customer,
	const struct matching *matching, struct problem *problem)
{
	struct db_batch batch = request_batch(request);
	batch.is_write = true;
	struct db_call *call =
		add_call(&batch, "deal_check_note", question_text(customer, request->arena));
	call->params[4] = note(request, matching);
	call->params[5] = request_json(request);
	return db_run(request->app->db, &batch, problem) == DB_NONE ? call->rows : NULL;
}

static bool answer(struct request *request, const struct match_work *work,
	struct response *response, struct problem *problem)
{
	const struct rows *noted = match_note(request, request->body, &work->matching, problem);
	if (noted == NULL)
		return false;
	char now[TIME_TEXT_BYTES];
	time_format(rows_time(noted, "now"), now);
	response->cache = CACHE_NO_STORE;
	response_json(response, 200,
		json_pack("{s:s, s:s, s:s?, s:s?, s:s}", "object", "deal_check", "result",
			result_text(&work->matching), "earliest_free_on",
			rows_text(noted, "free_on"), "own_deal_id", work->matching.own_deal_id,
			"checked_at", now));
	return true;
}

static bool run_check(struct request *request, struct response *response, struct problem *problem)
{
	const char *partner_id;
	struct match_work *work = arena_zalloc(request->arena, sizeof *work);
	if (request->body_problem.is_set) {
		*problem = request->body_problem;
		return false;
	}
	return find_partner(request, &partner_id, problem) &&
	       match_find(request, NULL, partner_id, request->body, work, problem) &&
	       says_enough(work, request->arena, problem) &&
	       answer(request, work, response, problem);
}

/* What the ledger shows of a question. */
static const struct resource check_resource = {
	.object = "deal_check",
	.shape = "deal_check_shape",
};

const struct endpoint deal_check_endpoints[] = {
	{ .operation_id = "checkDeal",
		.resource = &check_resource,
		.run = run_check,
		.is_rationed = true },
	{ 0 },
};
