/* SPDX-License-Identifier: Apache-2.0 */
/* What stands in the way of a registration, and what the decision says of it. */
#include <stdlib.h>
#include <string.h>

#include "matching.h"
#include "resources.h"

static const char *const customer_members[] = { "customer_name", "customer_country",
	"customer_website", "customer_tax_id", "customer_duns", "customer_contact_email",
	"product_ids", NULL };

static const char *text_of(const json_t *object, const char *member)
{
	return json_string_value(json_object_get(object, member));
}

static json_t *keys_json(const struct customer_keys *keys)
{
	json_t *array = json_array();
	for (size_t i = 0; i < keys->key_count; i++)
		json_array_append_new(array, json_pack("{s:s, s:s}", "kind", keys->keys[i].kind,
						     "key", keys->keys[i].key));
	for (size_t i = 0; i < keys->word_count; i++)
		json_array_append_new(
			array, json_pack("{s:s, s:s}", "kind", "word", "key", keys->words[i]));
	return array;
}

static void compute_keys(
	const json_t *customer, struct arena *arena, struct customer_keys *ret_keys)
{
	const struct customer known = {
		.name = text_of(customer, "customer_name"),
		.website = text_of(customer, "customer_website"),
		.tax_id = text_of(customer, "customer_tax_id"),
		.duns = text_of(customer, "customer_duns"),
		.contact_email = text_of(customer, "customer_contact_email"),
	};
	customer_keys(&known, arena, ret_keys);
}

/* $4 of the statements. */
static const char *question(const json_t *customer, const char *partner_id,
	const struct customer_keys *keys, struct arena *arena)
{
	const json_t *products = json_object_get(customer, "product_ids");
	json_t *body = json_pack("{s:s?, s:s?, s:o, s:o}", "partner_id", partner_id, "country",
		text_of(customer, "customer_country"), "product_ids",
		products != NULL ? json_incref((json_t *)products) : json_array(), "keys",
		keys_json(keys));
	char *text = json_dumps(body, JSON_COMPACT);
	json_decref(body);
	arena_defer(arena, free, text);
	return text;
}

static int64_t number_at(const struct rows *rows, size_t row, const char *name)
{
	const char *cell = rows_cell(rows, row, (size_t)rows_column(rows, name), NULL);
	return cell != NULL ? strtoll(cell, NULL, 10) : 0;
}

static bool flag_at(const struct rows *rows, size_t row, const char *name)
{
	return strcmp(rows_cell(rows, row, (size_t)rows_column(rows, name), NULL), "t") == 0;
}

static void read_candidates(const struct rows *rows, struct match_work *work)
{
	for (size_t row = 0; row < rows_count(rows) && row < MATCH_MOST_CANDIDATES; row++)
		work->candidates[work->count++] = (struct match_candidate){
			.deal_id = rows_cell(rows, row, (size_t)rows_column(rows, "deal_id"), NULL),
			.is_own = flag_at(rows, row, "is_own"),
			.has_key = flag_at(rows, row, "has_key"),
			.scopes_meet = flag_at(rows, row, "scopes_meet"),
			.is_ahead = flag_at(rows, row, "is_ahead"),
			.shared_words = number_at(rows, row, "shared_words"),
			.words = number_at(rows, row, "words"),
			.their_words = number_at(rows, row, "their_words"),
			.protected_until_us = number_at(rows, row, "protected_until_us"),
		};
}

static bool check_products(const struct rows *unknown, struct arena *arena, struct problem *problem)
{
	for (size_t row = 0; row < rows_count(unknown); row++)
		problem_add(problem, arena, PLACE_POINTER,
			arena_printf(arena, "#/product_ids/%s", rows_cell(unknown, row, 0, NULL)),
			VIOLATION_reference_not_found, "There is no such product.");
	return !problem->is_set;
}

bool match_find(struct request *request, const char *deal_id, const char *partner_id,
	const json_t *customer, struct match_work *ret_work, struct problem *problem)
{
	*ret_work = (struct match_work){ 0 };
	compute_keys(customer, request->arena, &ret_work->keys);
	struct db_batch batch = request_batch(request);
	const char *body = question(customer, partner_id, &ret_work->keys, request->arena);
	struct db_call *candidates = db_add(&batch, statement_find("deal_candidates")),
		       *unknown = db_add(&batch, statement_find("deal_unknown_products"));
	candidates->params[0] = unknown->params[0] = batch.program_id;
	candidates->params[1] = unknown->params[1] = batch.partner_id;
	candidates->params[2] = unknown->params[2] = deal_id;
	candidates->params[3] = unknown->params[3] = body;
	if (db_run(request->app->db, &batch, problem) != DB_NONE ||
		!check_products(unknown->rows, request->arena, problem))
		return false;
	read_candidates(candidates->rows, ret_work);
	matching_decide(
		ret_work->candidates, ret_work->count, &ret_work->matching, &ret_work->explanation);
	return true;
}

/* ---- of a deal ---- */

static json_t *names_json(const struct match_work *work)
{
	json_t *names = json_array();
	for (size_t i = 0; i < work->count; i++) {
		const struct match_candidate *found = &work->candidates[i];
		if (match_judge(found) != MATCH_REVIEW)
			continue;
		json_array_append_new(
			names, json_pack("{s:s, s:I}", "deal_id", found->deal_id, "similarity_bps",
				       (json_int_t)name_similarity_bps(found->shared_words,
					       found->words, found->their_words)));
	}
	return names;
}

static bool refuse_duplicate(const struct match_work *work, struct problem *problem)
{
	problem->resource_id = work->matching.own_deal_id;
	return problem_set(problem, PROBLEM_duplicate_deal,
		"The partner has a deal with this customer already, for some of the same "
		"products.");
}

/* Why it waits: in which way for the partner, for whom for the vendor. */
static void keep(const struct match_work *work, struct decision *out)
{
	json_t *ahead = json_array();
	for (size_t i = 0; i < work->count; i++)
		if (match_judge(&work->candidates[i]) == MATCH_CONFLICT &&
			work->candidates[i].is_ahead)
			json_array_append_new(ahead, json_string(work->candidates[i].deal_id));
	out->explanation = work->explanation;
	json_object_set_new(out->outcome, "match", json_string("conflict"));
	json_object_set_new(out->inputs, "deals_ahead", ahead);
	out->is_kept = true;
}

bool deal_match(const struct command_input *in, const char *partner_id, const json_t *customer,
	bool is_draft, struct decision *out, struct problem *problem)
{
	struct match_work *work = arena_zalloc(in->request->arena, sizeof *work);
	if (!match_find(in->request, in->id, partner_id, customer, work, problem))
		return false;
	json_object_set_new(out->fields, "keys", keys_json(&work->keys));
	json_object_set_new(out->fields, "names", names_json(work));
	if (is_draft)
		return true;
	if (in->request->is_traced &&
		match_note(in->request, customer, &work->matching, problem) == NULL)
		return false;
	if (work->matching.match == MATCH_DUPLICATE)
		return refuse_duplicate(work, problem);
	bool waits = work->matching.match == MATCH_CONFLICT;
	json_object_set_new(out->fields, "waits", json_boolean(waits));
	if (waits)
		keep(work, out);
	return true;
}

bool patch_matters_to_match(const json_t *body)
{
	for (size_t i = 0; customer_members[i] != NULL; i++)
		if (json_object_get(body, customer_members[i]) != NULL)
			return true;
	return false;
}

static void release(void *value)
{
	json_decref(value);
}

const json_t *customer_registered(const struct command_input *in, const json_t *quoted)
{
	json_t *customer = json_copy((json_t *)in->body);
	arena_defer(in->request->arena, release, customer);
	if (json_object_get(customer, "product_ids") == NULL)
		json_object_set_new(customer, "product_ids",
			json_is_array(quoted) ? json_incref((json_t *)quoted) : json_array());
	return customer;
}

const json_t *customer_patched(const struct command_input *in)
{
	json_t *customer = json_loads(in->before, 0, NULL);
	arena_defer(in->request->arena, release, customer);
	for (size_t i = 0; customer_members[i] != NULL; i++) {
		json_t *value = json_object_get(in->body, customer_members[i]);
		if (value != NULL)
			json_object_set(customer, customer_members[i], value);
	}
	return customer;
}
