/* SPDX-License-Identifier: Apache-2.0 */
/* The list of all resources. A new resource is a file of rows and one line here. */
#include "resources.h"

const struct endpoint *const all_endpoints[] = {
	meta_endpoints,
	auth_endpoints,
	session_endpoints,
	second_factor_endpoints,
	oauth_endpoints,
	program_endpoints,
	tier_endpoints,
	benefit_endpoints,
	partner_endpoints,
	region_endpoints,
	territory_endpoints,
	fx_endpoints,
	partner_type_endpoints,
	role_endpoints,
	user_endpoints,
	password_endpoints,
	mail_endpoints,
	api_client_endpoints,
	identity_provider_endpoints,
	deal_endpoints,
	decision_endpoints,
	event_endpoints,
	audit_endpoints,
	api_request_endpoints,
	NULL,
};
