/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What OAuth asks for beside the token endpoint: tokens given back and tokens asked about (RFC
 * 7009, RFC 7662; src/http/revoke.c), and the two documents by which a client that knows only our
 * address finds all the rest (RFC 8414, RFC 9728). Refusals are RFC 6749's, as at the token
 * endpoint.
 */
#include "domain/access.h"
#include "http/app.h"
#include "http/identity.h"
#include "resources.h"

static bool revoke_token(
	struct request *request, struct response *response, struct problem *problem)
{
	struct refusal refusal = { OAUTH_NONE, NULL };
	struct oauth_request oauth;

	response->cache = CACHE_NO_STORE;
	bool done = oauth_read(request, &oauth, &refusal) &&
		    identity_revoke(request, &oauth, &refusal, problem);
	if (refusal.error != OAUTH_NONE)
		return answer_oauth_refusal(response, &refusal);
	response->status = 200;
	return done;
}

static bool introspect_token(
	struct request *request, struct response *response, struct problem *problem)
{
	struct refusal refusal = { OAUTH_NONE, NULL };
	struct oauth_request oauth;
	json_t *answer;

	response->cache = CACHE_NO_STORE;
	bool done = oauth_read(request, &oauth, &refusal) &&
		    identity_introspect(request, &oauth, &answer, &refusal, problem);
	if (refusal.error != OAUTH_NONE)
		return answer_oauth_refusal(response, &refusal);
	if (!done)
		return false;
	response_json(response, 200, answer);
	return true;
}

/* ---- metadata ---- */

static json_t *scopes_supported(void)
{
	json_t *list = json_array();

	for (int scope = 0; scope < SCOPE_COUNT; scope++)
		json_array_append_new(list, json_string(scope_text((enum scope)scope)));
	return list;
}

static json_t *url(const struct request *request, const char *path)
{
	return json_sprintf("%s%s", request->app->issuer, path);
}

/*
 * "none" is the front end, which keeps no secret. RFC 8414 requires response_types_supported and
 * forbids empty lists; libraries that read it want the member, so it is there and empty.
 */
static bool get_authorization_server(
	struct request *request, struct response *response, struct problem *problem)
{
	(void)problem;
	response->cache = CACHE_PUBLIC_5M;
	response_json(response, 200,
		json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:[], s:[ss], s:[sss], s:[sss], s:[ss]}",
			"issuer", request->app->issuer, "token_endpoint",
			url(request, "/oauth/token"), "revocation_endpoint",
			url(request, "/oauth/revoke"), "introspection_endpoint",
			url(request, "/oauth/introspect"), "jwks_uri",
			url(request, "/.well-known/jwks.json"), "scopes_supported",
			scopes_supported(), "response_types_supported", "grant_types_supported",
			"client_credentials", "refresh_token",
			"token_endpoint_auth_methods_supported", "client_secret_basic",
			"client_secret_post", "none", "revocation_endpoint_auth_methods_supported",
			"client_secret_basic", "client_secret_post", "none",
			"introspection_endpoint_auth_methods_supported", "client_secret_basic",
			"client_secret_post"));
	return true;
}

static bool get_protected_resource(
	struct request *request, struct response *response, struct problem *problem)
{
	(void)problem;
	response->cache = CACHE_PUBLIC_5M;
	response_json(response, 200,
		json_pack("{s:s, s:[s], s:o, s:[s], s:s}", "resource", request->app->issuer,
			"authorization_servers", request->app->issuer, "scopes_supported",
			scopes_supported(), "bearer_methods_supported", "header", "resource_name",
			"partnerd"));
	return true;
}

const struct endpoint oauth_endpoints[] = {
	{ .operation_id = "revokeToken", .run = revoke_token },
	{ .operation_id = "introspectToken", .run = introspect_token },
	{ .operation_id = "getAuthorizationServerMetadata", .run = get_authorization_server },
	{ .operation_id = "getProtectedResourceMetadata", .run = get_protected_resource },
	{ 0 },
};
