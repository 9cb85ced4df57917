/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the server says about itself: whether it lives, its contract, its problem codes, its limits.
 * Everything here is public and read from the tables that the server itself runs by, so it cannot
 * differ from what the server does. A new problem code needs a sentence in `descriptions`, else it
 * does not compile.
 */
#include <ctype.h>
#include <sodium.h>
#include <string.h>

#include "base/money.h"
#include "http/app.h"
#include "http/health.h"
#include "resources.h"

#define PAGE_MAX     100
#define PAGE_DEFAULT 25

static const char *const descriptions[] = {
	[PROBLEM_malformed_json] =
		"The body cannot be read as JSON: a syntax error, too many levels "
		"or values, or a number beyond 64 bits. The detail names the line.",
	[PROBLEM_duplicate_key] =
		"An object of the body has the same member twice, so what it means "
		"would depend on the reader.",
	[PROBLEM_invalid_encoding] =
		"Something is not UTF-8, or a percent sign is not followed by two "
		"hexadecimal digits.",
	[PROBLEM_invalid_request] =
		"The request can be read in two ways, or in none: a header field "
		"that is given twice, a length beside chunks, a target that is no "
		"path. The connection is closed.",
	[PROBLEM_unknown_parameter] =
		"The query names a parameter that the operation does not have. "
		"The detail names the nearest one it has.",
	[PROBLEM_invalid_parameter] =
		"A parameter of the query or a header field has a value it cannot "
		"have. The member errors names each of them.",
	[PROBLEM_invalid_cursor] =
		"The cursor was not made by this server, or was changed. Start again "
		"without one.",
	[PROBLEM_cursor_mismatch] =
		"The cursor was made for other filters or another order. Keep them "
		"while you page.",
	[PROBLEM_idempotency_key_required] =
		"The operation must not happen twice by accident: send a "
		"key of your own in Idempotency-Key, one for each intent.",
	[PROBLEM_unauthenticated] = "The request has no access token.",
	[PROBLEM_token_expired] =
		"The access token was good once. Get a new one and repeat the request.",
	[PROBLEM_token_invalid] =
		"The access token was not made by this server, was changed, or its "
		"user, client or session has been ended.",
	[PROBLEM_invalid_credentials] =
		"E-mail address and password do not belong together, or the "
		"user may not sign in.",
	[PROBLEM_second_factor_required] =
		"The password was right. Send the member challenge_token to the same place, with a "
		"code of the authenticator or a recovery code.",
	[PROBLEM_invalid_code] =
		"The code is wrong, was used before, or came more than five minutes after the "
		"password.",
	[PROBLEM_insufficient_scope] =
		"The token is good, but not for this. The member scope names what "
		"the operation asks for.",
	[PROBLEM_second_factor_missing] =
		"The program asks for a second factor of the caller's role. Set one up, then "
		"refresh the token.",
	[PROBLEM_csrf_invalid] =
		"A session in cookies is used with the header X-CSRF-Token, and from a page of an "
		"origin that the operator allows.",
	[PROBLEM_forbidden] = "The caller may not do this, whatever the scopes of the token.",
	[PROBLEM_approver_not_allowed] =
		"The program's policy lets others decide this step of the approval: people with a "
		"role, "
		"named people, or a second person. GET /v1/deals/{deal_id}/approvals says who.",
	[PROBLEM_address_not_allowed] =
		"The API client may be used from some networks only, and the request came from "
		"elsewhere.",
	[PROBLEM_not_found] = "There is nothing here that this caller may see.",
	[PROBLEM_method_not_allowed] =
		"The path exists, but not with this method. The header field "
		"Allow names those it has.",
	[PROBLEM_not_acceptable] = "The answer has no form that the header field Accept allows.",
	[PROBLEM_conflict] =
		"The resource was changed by somebody else at the same time. Read it again "
		"and decide anew.",
	[PROBLEM_already_exists] =
		"Something with this name, number or external id exists. The member "
		"resource_id names it where the caller may see it.",
	[PROBLEM_duplicate_deal] =
		"The partner has registered this customer already, for some of the same products. "
		"The member resource_id names the deal.",
	[PROBLEM_account_unavailable] =
		"Another registration holds the account for some of the same products at that "
		"time. Who holds it is not told.",
	[PROBLEM_invalid_transition] =
		"The resource is in a state that does not allow the action. The "
		"member from names the state, allowed what is possible now.",
	[PROBLEM_partner_not_active] = "Only active partners can do this.",
	[PROBLEM_agreement_required] =
		"The partner's type asks for an agreement that the partner has not accepted yet; "
		"`GET /v1/partner-agreements` shows what waits for it.",
	[PROBLEM_application_too_early] =
		"After a refused application the program waits a while before the next one; the "
		"detail says until when.",
	[PROBLEM_no_margin] = "Partners of this type earn commission, and so there is no margin.",
	[PROBLEM_evidence_closed] =
		"A dispute takes evidence until its time is over, every party has "
		"finished, or a side has submitted as much as it may.",
	[PROBLEM_bundle_not_ready] =
		"A bundle is made and signed when the evidence of its dispute is closed; "
		"seconds later it is there.",
	[PROBLEM_tier_not_published] = "Only a published tier can be used here.",
	[PROBLEM_territory_taken] = "An exclusive assignment keeps others out of its region, of "
				    "what lies below and above it, for its products and its time. "
				    "The member resource_id names the one in the way.",
	[PROBLEM_region_in_use] = "Regions lie below it, or somebody has it, now or later. End "
				  "the assignments and retire what lies below first.",
	[PROBLEM_rate_missing] = "No rate of the two currencies was in force at that time, neither "
				 "this way nor the other nor over the currency of the program.",
	[PROBLEM_tier_in_use] = "A tier is retired when no partner is in it any more.",
	[PROBLEM_deal_limit_reached] =
		"The partner has as many registrations open as it may. Room comes when one is "
		"decided, closed or withdrawn, or when its protection ends; GET "
		"/v1/deal-capacities tells.",
	[PROBLEM_deal_not_open] = "The deal cannot be edited in its present state.",
	[PROBLEM_deal_not_protected] =
		"The deal is not approved, or its protection is over. What concerns protection is "
		"done before its end.",
	[PROBLEM_extension_limit_reached] =
		"The program's setting max_extensions says how often protection is extended.",
	[PROBLEM_file_quota_reached] =
		"The files of a partner, or of the vendor's side, have a number of bytes together "
		"that the operator sets. Room comes when files are deleted: those that got no "
		"content after a day, those that nothing uses after a week, those of imports "
		"90 days after their end.",
	[PROBLEM_test_clock_unavailable] = "Time can be set in sandbox programs only.",
	[PROBLEM_idempotency_in_progress] =
		"The first request with this key has not been answered yet. "
		"Repeat it in a second.",
	[PROBLEM_gone] = "This was part of the interface once and has been taken out of it.",
	[PROBLEM_precondition_failed] =
		"If-Match names another version than the present one, which the "
		"header field ETag has.",
	[PROBLEM_payload_too_large] = "The body is larger than GET /v1/meta allows.",
	[PROBLEM_uri_too_long] = "Path and query together are too long.",
	[PROBLEM_unsupported_media_type] =
		"The body has a type or a coding that the operation does not "
		"take. The header field Accept names those it takes.",
	[PROBLEM_validation_failed] =
		"The body is JSON but some of its fields are not valid. The member "
		"errors names each of them.",
	[PROBLEM_idempotency_key_reused] =
		"The key was used for a request with another path or body. "
		"Use a new key for each intent.",
	[PROBLEM_precondition_required] =
		"Say in If-Match which version you have seen, so that no change "
		"of others is lost.",
	[PROBLEM_rate_limited] =
		"More requests than the limit. Retry-After says when the next one will "
		"be answered.",
	[PROBLEM_headers_too_large] = "The header fields together are too large.",
	[PROBLEM_internal] = "The server failed. The request_id leads us to the reason.",
	[PROBLEM_unavailable] = "The server cannot answer at present. Retry-After says when to try "
				"again.",
	[PROBLEM_timeout] = "The server gave up on the request. It may be tried again.",
};

_Static_assert(sizeof(descriptions) / sizeof(descriptions[0]) == PROBLEM_COUNT,
	"a problem has no description");

static bool answer_ok(struct response *response)
{
	response_json(response, 200, json_pack("{s:s}", "status", "ok"));
	return true;
}

static bool run_livez(struct request *request, struct response *response, struct problem *problem)
{
	(void)request;
	(void)problem;
	return answer_ok(response);
}

static bool run_readyz(struct request *request, struct response *response, struct problem *problem)
{
	return health_is_ready(request->app, problem) && answer_ok(response);
}

/* Does If-None-Match name this tag? Weak comparison, as RFC 9110 §13.1.2 asks. */
static bool is_known_to_caller(const struct request *request, const char *tag)
{
	const char *known = request->if_none_match;

	return known && (strcmp(known, "*") == 0 || strstr(known, tag));
}

static const char *tag_of(struct request *request, struct slice document)
{
	unsigned char digest[16];
	char text[2 * sizeof(digest) + 1];

	crypto_generichash(digest, sizeof(digest), (const unsigned char *)document.bytes,
		document.length, NULL, 0);
	hex_encode(digest, sizeof(digest), text);
	return arena_printf(request->arena, "\"%s\"", text);
}

static bool answer_document(struct request *request, struct response *response,
	struct slice document, const char *content_type)
{
	const char *tag = tag_of(request, document);

	response->cache = CACHE_PUBLIC_5M;
	response_header(response, "ETag", tag);
	if (is_known_to_caller(request, tag)) {
		response->status = 304;
		return true;
	}
	response->status = 200;
	response->content_type = content_type;
	text_append(&response->body, document.bytes, document.length);
	return true;
}

static bool run_contract_yaml(
	struct request *request, struct response *response, struct problem *problem)
{
	(void)problem;
	return answer_document(
		request, response, contract_yaml(request->app->contract), "application/yaml");
}

static bool run_contract_json(
	struct request *request, struct response *response, struct problem *problem)
{
	(void)problem;
	return answer_document(
		request, response, contract_json(request->app->contract), "application/json");
}

static bool run_problem_page(
	struct request *request, struct response *response, struct problem *problem)
{
	enum problem_code code;

	if (!problem_code_parse(request->path_ids[0], &code))
		return problem_set(problem, PROBLEM_not_found, "There is no such problem.");
	response->cache = CACHE_PUBLIC_5M;
	response_json(response, 200,
		json_pack("{s:s, s:i, s:s, s:s}", "code", problem_code_text(code), "status",
			problem_status(code), "title", problem_title(code), "description",
			descriptions[code]));
	return true;
}

static json_t *currencies(void)
{
	json_t *list = json_array();

	for (size_t i = 0; i < currency_count(); i++) {
		int exponent = 0;
		const char *code = currency_at(i, &exponent);

		json_array_append_new(
			list, json_pack("{s:s, s:i}", "code", code, "exponent", exponent));
	}
	return list;
}

static json_t *problems(void)
{
	json_t *list = json_array();

	for (int i = 0; i < PROBLEM_COUNT; i++) {
		enum problem_code code = (enum problem_code)i;

		json_array_append_new(list,
			json_pack("{s:s, s:i, s:s}", "code", problem_code_text(code), "status",
				problem_status(code), "title", problem_title(code)));
	}
	return list;
}

/* "DealStatus" is "deal_status". */
static const char *snake_case(struct request *request, const char *name)
{
	char *out = arena_alloc(request->arena, strlen(name) * 2 + 1);
	char *end = out;

	for (const char *at = name; *at; at++) {
		if (isupper((unsigned char)*at) && at != name)
			*end++ = '_';
		*end++ = (char)tolower((unsigned char)*at);
	}
	*end = '\0';
	return out;
}

static bool has_null(const json_t *values)
{
	size_t index;
	const json_t *value;

	json_array_foreach (values, index, value)
		if (json_is_null(value))
			return true;
	return false;
}

/*
 * Every schema of the contract that is a list of words, by its name. Copied: the contract is shared
 * by all threads and its reference counts are left alone.
 */
static json_t *enums(struct request *request)
{
	const json_t *document = contract_document(request->app->contract);
	json_t *schemas = json_object_get(json_object_get(document, "components"), "schemas");
	json_t *found = json_object();
	const char *name;
	json_t *schema;

	json_object_foreach (schemas, name, schema) {
		json_t *values = json_object_get(schema, "enum");

		/* "… or none" is another schema's list once more. */
		if (json_is_string(json_array_get(values, 0)) && !has_null(values))
			json_object_set_new(
				found, snake_case(request, name), json_deep_copy(values));
	}
	return found;
}

static bool run_meta(struct request *request, struct response *response, struct problem *problem)
{
	(void)problem;
	response->cache = CACHE_PUBLIC_5M;
	response_json(response, 200,
		json_pack("{s:s, s:s, s:{s:i, s:i, s:I}, s:o, s:o, s:o}", "version",
			PARTNERD_VERSION, "api_version", "v1", "limits", "page_max", PAGE_MAX,
			"page_default", PAGE_DEFAULT, "body_bytes",
			(json_int_t)request->app->settings->body_limit_bytes, "currencies",
			currencies(), "enums", enums(request), "problems", problems()));
	return true;
}

const struct endpoint meta_endpoints[] = {
	{ "livez", .run = run_livez },
	{ "readyz", .run = run_readyz },
	{ "getContractYaml", .run = run_contract_yaml },
	{ "getContractJson", .run = run_contract_json },
	{ "getProblemPage", .run = run_problem_page },
	{ "getMeta", .run = run_meta },
	{ 0 },
};
