/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row through the door that everybody uses. Its Idempotency-Key is made of the import and the
 * line, so a row that was registered before a crash is answered, not registered again; and a
 * registration that is there already under the same external id is what the import wanted.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/uuid.h"
#include "domain/customer.h"
#include "http/import.h"
#include "http/server.h"

static void decref(void *value)
{
	json_decref(value);
}

bool import_actor(struct import_work *work)
{
	const struct rows *taken = work->taken;
	struct actor *actor = &work->actor;
	const char *partner = rows_text(taken, "actor_partner_id"),
		   *role = rows_text(taken, "role"), *scopes = rows_text(taken, "scopes");
	*actor = (struct actor){ .is_user = role != NULL };
	if (!rows_bool(taken, "may_act"))
		return false;
	snprintf(actor->id, sizeof actor->id, "%s", rows_text(taken, "actor_id"));
	snprintf(actor->program_id, sizeof actor->program_id, "%s", work->program_id);
	snprintf(actor->partner_id, sizeof actor->partner_id, "%s", partner != NULL ? partner : "");
	if (role != NULL && role_parse(role, &actor->role))
		actor->scopes = role_scopes(actor->role);
	else if (role == NULL && scope_set_parse(scopes, &actor->scopes))
		snprintf(actor->client_id, sizeof actor->client_id, "%s", actor->id);
	return (actor->scopes & SCOPE_BIT(deals_write)) != 0;
}

json_t *import_problem(const struct problem *problem)
{
	json_t *errors = json_array();
	for (size_t i = 0; i < problem->violation_count; i++) {
		const struct violation *violation = &problem->violations[i];
		json_array_append_new(errors,
			json_pack("{s:s, s:s, s:s}", "pointer", violation->where, "code",
				violation_code_text(violation->code), "detail", violation->detail));
	}
	return json_pack("{s:s, s:s, s:o}", "code", problem_code_text(problem->code), "detail",
		problem->detail[0] != '\0' ? problem->detail : problem_title(problem->code),
		"errors", errors);
}

/* The same of a row as of a request: the partner's own import, or for whom the vendor says. */
static json_t *body_of(const struct import_work *work, const char *text)
{
	json_t *body = json_loads(text, 0, NULL);
	const char *owner = rows_text(work->taken, "partner_id");
	arena_defer(work->arena, decref, body);
	if (owner != NULL && work->actor.partner_id[0] == '\0' &&
		json_object_get(body, "partner_id") == NULL)
		json_object_set_new(body, "partner_id", json_string(owner));
	return body;
}

static void make_fingerprint(const char *body, char out[static 65])
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	crypto_hash_sha256(digest, (const unsigned char *)body, strlen(body));
	hex_encode(digest, sizeof digest, out);
}

/* The deal as answered, or NULL and the problem. */
static json_t *register_deal(struct request *request, struct problem *problem)
{
	struct response response = { .body = TEXT_INIT };
	const struct operation *operation = request->operation;
	json_t *answer = NULL;
	if (schema_validate(
		    operation->body, operation->answer, request->body, request->arena, problem) &&
		engine_run(request, &response, problem))
		answer = json_loadb(response.body.bytes, response.body.length, 0, NULL);
	text_release(&response.body);
	arena_defer(request->arena, decref, answer);
	return answer;
}

/* Not the row's fault. */
static bool will_pass(const struct problem *problem)
{
	return problem->code == PROBLEM_unavailable || problem->code == PROBLEM_timeout ||
	       problem->code == PROBLEM_rate_limited ||
	       problem->code == PROBLEM_idempotency_in_progress;
}

static bool is_there_already(const struct problem *problem)
{
	return problem->code == PROBLEM_already_exists && problem->resource_id != NULL &&
	       problem->violation_count > 0 &&
	       strncmp(problem->violations[0].where, "#/external_ids", 14) == 0;
}

static json_t *outcome(
	int64_t line, const char *status, const char *deal_id, const struct problem *problem)
{
	return json_pack("{s:I, s:s, s:s?, s:o}", "line", (json_int_t)line, "status", status,
		"deal_id", deal_id, "problem",
		problem != NULL ? import_problem(problem) : json_null());
}

static json_t *refuse_twin(const struct import_work *work, int64_t line, int64_t same_as)
{
	struct problem problem = PROBLEM_INIT;
	problem_set(&problem, PROBLEM_already_exists,
		"Line %lld of the file has the same external id.", (long long)same_as);
	problem_add(&problem, work->arena, PLACE_POINTER, "#/external_ids", VIOLATION_not_unique,
		"Line %lld has it, too.", (long long)same_as);
	return outcome(line, "invalid", NULL, &problem);
}

/* ---- twice in one file ---- */

static const char *text_of(const json_t *object, const char *member)
{
	return json_string_value(json_object_get(object, member));
}

static json_t *keys_of(const struct import_work *work, const json_t *deal)
{
	struct customer_keys keys;
	const struct customer customer = {
		.name = text_of(deal, "customer_name"),
		.website = text_of(deal, "customer_website"),
		.tax_id = text_of(deal, "customer_tax_id"),
		.duns = text_of(deal, "customer_duns"),
		.contact_email = text_of(deal, "customer_contact_email"),
	};
	json_t *array = json_array();
	customer_keys(&customer, work->arena, &keys);
	for (size_t i = 0; i < keys.key_count; i++)
		json_array_append_new(array, json_pack("{s:s, s:s}", "kind", keys.keys[i].kind,
						     "key", keys.keys[i].key));
	return array;
}

/* ret_same_as: the earlier line with the same customer, 0 for none. A draft takes nobody. */
static bool claim(const struct import_work *work, int64_t line, const json_t *deal,
	int64_t *ret_same_as, struct problem *problem)
{
	*ret_same_as = 0;
	if (strcmp(text_of(deal, "status"), "draft") == 0)
		return true;
	json_t *claimed = json_pack("{s:I, s:s, s:s?, s:O, s:o}", "line", (json_int_t)line,
		"partner_id", text_of(deal, "partner_id"), "country",
		text_of(deal, "customer_country"), "product_ids",
		json_object_get(deal, "product_ids"), "keys", keys_of(work, deal));
	struct db_batch batch = {
		.arena = work->arena,
		.door = DOOR_PROGRAM,
		.program_id = work->program_id,
		.is_write = true,
	};
	struct db_call *call = db_add(&batch, statement_find("job_import_claim"));
	char *text = json_dumps(claimed, JSON_COMPACT);
	json_decref(claimed);
	arena_defer(work->arena, free, text);
	call->params[0] = work->program_id;
	call->params[2] = rows_text(work->taken, "id");
	call->params[4] = text;
	if (db_run(work->app->db, &batch, problem) != DB_NONE)
		return false;
	const char *same_as = rows_text(call->rows, "same_as");
	*ret_same_as = same_as != NULL ? strtoll(same_as, NULL, 10) : 0;
	return true;
}

/* A dry run that would register; the earlier line of the file may stand in its way. */
static json_t *tried(const struct import_work *work, int64_t line, const json_t *deal)
{
	struct problem problem = PROBLEM_INIT;
	int64_t same_as;
	if (!claim(work, line, deal, &same_as, &problem))
		return NULL;
	if (same_as == 0)
		return outcome(line, "valid", NULL, NULL);
	problem_set(&problem, PROBLEM_duplicate_deal,
		"Line %lld of the file registers the same customer.", (long long)same_as);
	return outcome(line, "invalid", NULL, &problem);
}

json_t *import_row(const struct import_work *work, int64_t line, const char *body, int64_t same_as,
	bool is_dry)
{
	struct problem problem = PROBLEM_INIT;
	if (same_as > 0)
		return refuse_twin(work, line, same_as);
	struct request request = {
		.app = work->app,
		.arena = work->arena,
		.actor = &work->actor,
		.operation = contract_operation_by_id(work->app->contract, "registerDeal"),
		.body = body_of(work, body),
		.dry_run = is_dry,
		.idempotency_key = arena_printf(work->arena, "import:%s:%lld",
			rows_text(work->taken, "id"), (long long)line),
	};
	uuid_v7(request.id);
	make_fingerprint(body, request.fingerprint);
	const json_t *deal = register_deal(&request, &problem);
	if (deal != NULL && is_dry)
		return tried(work, line, deal);
	if (deal != NULL)
		return outcome(
			line, "registered", json_string_value(json_object_get(deal, "id")), NULL);
	if (will_pass(&problem))
		return NULL;
	if (is_there_already(&problem))
		return is_dry ? outcome(line, "valid", NULL, NULL)
			      : outcome(line, "existing", problem.resource_id, NULL);
	return outcome(line, is_dry ? "invalid" : "failed", problem.resource_id, &problem);
}
