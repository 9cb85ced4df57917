/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tokens, keys, and who one is. What these operations do is src/http (refresh.c, machines.c); here
 * is how it is asked for and answered. None fits an engine: a token is no resource, has no version
 * and is never listed. The token endpoint answers refusals as RFC 6749 §5.2 has it, everything else
 * as a problem.
 */
#include "http/app.h"
#include "http/identity.h"
#include "resources.h"

#include <string.h>

/* ---- tokens ---- */

json_t *token_json(const struct grant *grant)
{
	json_t *answer = json_pack("{s:s, s:s, s:I, s:s}", "access_token", grant->access_token,
		"token_type", "Bearer", "expires_in", (json_int_t)grant->expires_in_s, "scope",
		grant->scope);

	if (!grant->refresh_token)
		return answer;
	json_object_set_new(answer, "refresh_token", json_string(grant->refresh_token));
	json_object_set_new(
		answer, "refresh_expires_in", json_integer(grant->refresh_expires_in_s));
	return answer;
}

bool answer_oauth_refusal(struct response *response, const struct refusal *refusal)
{
	int status = oauth_error_status(refusal->error);

	response_json(response, status,
		json_pack("{s:s, s:s}", "error", oauth_error_text(refusal->error),
			"error_description", refusal->detail));
	response->problem = status == 401 ? PROBLEM_invalid_credentials : PROBLEM_invalid_request;
	if (status == 401)
		response_header(response, "WWW-Authenticate",
			"Basic realm=\"partnerd\", charset=\"UTF-8\"");
	return true;
}

static bool grant_of(struct request *request, const struct oauth_request *oauth,
	struct grant *grant, struct refusal *refusal, struct problem *problem)
{
	if (!oauth->grant_type) {
		*refusal = (struct refusal){ OAUTH_invalid_request, "grant_type is missing." };
		return false;
	}
	if (strcmp(oauth->grant_type, "client_credentials") == 0)
		return identity_client(request, oauth, grant, refusal, problem);
	if (strcmp(oauth->grant_type, "refresh_token") == 0)
		return identity_refresh(request, oauth, grant, refusal, problem);
	*refusal = (struct refusal){ OAUTH_unsupported_grant_type,
		"Only client_credentials and refresh_token are supported." };
	return false;
}

static bool create_token(
	struct request *request, struct response *response, struct problem *problem)
{
	struct refusal refusal = { OAUTH_NONE, NULL };
	struct oauth_request oauth;
	struct grant grant;

	response->cache = CACHE_NO_STORE;
	bool granted = oauth_read(request, &oauth, &refusal) &&
		       grant_of(request, &oauth, &grant, &refusal, problem);
	if (refusal.error != OAUTH_NONE)
		return answer_oauth_refusal(response, &refusal);
	if (!granted)
		return false;
	response_json(response, 200, token_json(&grant));
	return true;
}

/* ---- who am I ---- */

/* A column as JSON, null for null. */
static json_t *column(const struct rows *rows, const char *name)
{
	const char *text = rows_text(rows, name);

	return text ? json_string(text) : json_null();
}

static json_t *program_json(const struct rows *rows)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "id", column(rows, "program_id"), "slug",
		column(rows, "slug"), "name", column(rows, "program_name"), "environment",
		column(rows, "environment"), "zone", column(rows, "zone"), "currency",
		column(rows, "currency"));
}

static json_t *partner_json(const struct rows *rows)
{
	if (!rows_text(rows, "partner_id"))
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o}", "id", column(rows, "partner_id"), "name",
		column(rows, "partner_name"), "status", column(rows, "partner_status"), "tier_name",
		column(rows, "tier_name"));
}

static json_t *me_json(const struct actor *actor, const struct rows *rows)
{
	json_t *has_factor =
		actor->is_user ? json_boolean(rows_bool(rows, "has_second_factor")) : json_null();

	return json_pack("{s:s, s:s, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "id",
		actor->id, "object", "me", "version", (json_int_t)rows_int(rows, "version"), "type",
		actor->is_user ? "user" : "client", "name", column(rows, "name"), "email",
		column(rows, "email"), "role", column(rows, "role"), "scopes",
		scopes_json(actor->scopes), "program", program_json(rows), "partner",
		partner_json(rows), "has_second_factor", has_factor, "must_enrol",
		actor->is_enrolling);
}

static bool get_me(struct request *request, struct response *response, struct problem *problem)
{
	const struct actor *actor = request->actor;
	struct db_batch batch = request_batch(request);
	struct db_call *call = db_add(&batch, statement_find("auth_me"));

	call->params[0] = batch.program_id;
	call->params[1] = batch.partner_id;
	call->params[2] = actor->id;
	if (db_run(request->app->db, &batch, problem) != DB_NONE)
		return false;
	if (rows_count(call->rows) == 0)
		return problem_set(
			problem, PROBLEM_token_invalid, "The access token is not valid.");
	response->cache = CACHE_PRIVATE;
	response_etag(response, request, rows_text(call->rows, "version"));
	response_json(response, 200, me_json(actor, call->rows));
	return true;
}

/* ---- keys ---- */

static bool get_jwks(struct request *request, struct response *response, struct problem *problem)
{
	(void)problem;
	response->cache = CACHE_PUBLIC_5M;
	response_json(response, 200, identity_jwks(request->app));
	return true;
}

const struct endpoint auth_endpoints[] = {
	{ .operation_id = "createToken", .run = create_token },
	{ .operation_id = "getMe", .while_enrolling = true, .run = get_me },
	{ .operation_id = "getJwks", .run = get_jwks },
	{ 0 },
};
