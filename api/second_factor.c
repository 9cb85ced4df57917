/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The caller's own second factor: set up, confirm, remove, new recovery codes. What is shown here
 * is shown once. An administrator's way to take one away is in users.c.
 */
#include "http/identity.h"
#include "resources.h"

static const char *code_of(const struct request *request)
{
	return json_string_value(json_object_get(request->body, "code"));
}

static bool body_is_good(const struct request *request, struct problem *problem)
{
	if (!request->body_problem.is_set)
		return true;
	*problem = request->body_problem;
	return false;
}

static bool start(struct request *request, struct response *response, struct problem *problem)
{
	struct second_factor_seed seed;

	if (!body_is_good(request, problem))
		return false;
	const char *password = json_string_value(json_object_get(request->body, "password"));
	if (!second_factor_start(request, password, &seed, problem))
		return false;
	response->cache = CACHE_NO_STORE;
	response_json(response, 200,
		json_pack("{s:s, s:s}", "secret", seed.secret, "otpauth_uri", seed.uri));
	return true;
}

/* Takes the reference. */
static bool answer_codes(struct response *response, json_t *codes)
{
	response->cache = CACHE_NO_STORE;
	response_json(response, 200, json_pack("{s:o}", "recovery_codes", codes));
	return true;
}

static bool confirm(struct request *request, struct response *response, struct problem *problem)
{
	json_t *codes;

	return body_is_good(request, problem) &&
	       second_factor_confirm(request, code_of(request), &codes, problem) &&
	       answer_codes(response, codes);
}

static bool disable(struct request *request, struct response *response, struct problem *problem)
{
	if (!body_is_good(request, problem) ||
		!second_factor_disable(request, code_of(request), problem))
		return false;
	response->status = 204;
	response->cache = CACHE_NO_STORE;
	return true;
}

static bool renew_codes(struct request *request, struct response *response, struct problem *problem)
{
	json_t *codes;

	return body_is_good(request, problem) &&
	       second_factor_recovery_codes(request, code_of(request), &codes, problem) &&
	       answer_codes(response, codes);
}

const struct endpoint second_factor_endpoints[] = {
	{ .operation_id = "startTotp",
		.run = start,
		.while_enrolling = true,
		.is_slow = true,
		.self = SELF_USER },
	{ .operation_id = "confirmTotp",
		.run = confirm,
		.while_enrolling = true,
		.self = SELF_USER },
	{ .operation_id = "disableTotp", .run = disable, .self = SELF_USER },
	{ .operation_id = "renewRecoveryCodes", .run = renew_codes, .self = SELF_USER },
	{ 0 },
};
