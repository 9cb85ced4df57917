/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Wires the parts of identity into a running server and keeps them fresh. An instance holds keys
 * and revocations in memory, so that no request asks the database who sends it; the watcher wakes
 * it when either changes.
 */
#include "http/identity.h"

#include "base/clock.h"
#include "base/log.h"
#include "http/external.h"
#include "http/keys.h"
#include "http/tokens.h"

bool identity_start(struct app *app, struct text *reterr)
{
	passwords_configure(app->settings);
	app->keys = keys_make();
	if (!common_passwords_load(app->settings, reterr) ||
		!keys_ensure(app->db, app->vault, app->settings->signing_alg, reterr) ||
		!keys_reload(app->keys, app->db, app->vault, reterr))
		return false;
	app->tokens = tokens_make(app->keys, app->issuer, app->settings->access_token_s);
	app->external = external_make(app->side_db, app->settings, app->tokens, reterr);
	if (!app->external)
		return false;
	if (revocation_reload(app->tokens, app->db) &&
		providers_reload(external_providers(app->external)))
		return true;
	text_append_string(reterr, "The revocations and identity providers cannot be read.");
	return false;
}

bool identity_serve(struct app *app, struct text *reterr)
{
	return providers_start(external_providers(app->external), reterr);
}

void identity_stop(struct app *app)
{
	app->external = external_free(app->external);
	app->tokens = tokens_free(app->tokens);
	app->keys = keys_free(app->keys);
	common_passwords_free();
}

void identity_wake(struct app *app)
{
	struct text fault = TEXT_INIT;

	if (!revocation_reload(app->tokens, app->side_db))
		log_event(LOG_WARN, "revocations not read", "%s", "what was known stays");
	if (!keys_reload(app->keys, app->side_db, app->vault, &fault))
		log_event(LOG_WARN, "keys not read", "%s", fault.bytes ? fault.bytes : "");
	text_release(&fault);
	if (!providers_reload(external_providers(app->external)))
		log_event(LOG_WARN, "identity providers not read", "%s", "what was known stays");
}

void identity_revoked(struct app *app, const char *principal_id)
{
	revocation_add(app->tokens, principal_id, clock_now_us());
}

json_t *identity_jwks(const struct app *app)
{
	return keys_jwks(app->keys);
}
