/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signing in and staying in, as api/auth.c and main see it: sessions of people (password, rotating
 * refresh tokens), tokens of machine clients, the requests of RFC 6749, and the keys behind them. A
 * grant that is not given is an OAuth refusal or a problem; which of the two is shown how belongs
 * to the endpoint.
 */
#ifndef PARTNERD_HTTP_IDENTITY_H
#define PARTNERD_HTTP_IDENTITY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/problem.h"
#include "base/settings.h"
#include "base/text.h"
#include "db/db.h"
#include "http/app.h"
#include "http/key_store.h"
#include "http/request.h"
#include "http/response.h"

/* ---- life ---- */

/*
 * Needs app->settings, db, issuer and secret; sets app->keys, app->tokens and app->external. Makes
 * the first signing keys when there are none. False and a sentence in `reterr` when the database or
 * the keys cannot be used.
 */
bool identity_start(struct app *app, struct text *reterr);
/* For a process that answers requests: from now on the keys of identity providers are read. Before
 * the watcher starts. */
bool identity_serve(struct app *app, struct text *reterr);
void identity_stop(struct app *app);

/* For the watcher: reads keys and revocations again. What cannot be read stays as it was and is
 * logged. */
void identity_wake(struct app *app);

/*
 * The cost of password hashes, for subcommands that make users without a server. identity_start
 * does it, too.
 */
void passwords_configure(const struct settings *settings);

/* Reads common_passwords_file, which password_objection needs. identity_start does it, too. */
bool common_passwords_load(const struct settings *settings, struct text *reterr);
void common_passwords_free(void);

/* What failed attempts hold against the account is forgotten: its person has proved to own it. */
void identity_forgive(struct request *request, const char *email);

/*
 * Whether somebody who is signed in knows their password, slowed down like a sign-in: who guesses
 * here waits there. `stored` is the hash, or NULL. False and the problem set when it was not judged
 * (`rate_limited`, `unavailable`); else *ret_right says it.
 */
bool identity_prove_password(struct request *request, const char *email, const char *stored,
	const char *password, bool *ret_right, struct problem *problem);

/* Refuses, on this instance and at once, what a user, client or session was given until now. */
void identity_revoked(struct app *app, const char *principal_id);

/* ---- signing keys (key_store.h) ---- */

/* {"keys": […]} as served, a new reference. */
json_t *identity_jwks(const struct app *app);

/* ---- grants ---- */

/* RFC 6749 §5.2 */
#define OAUTH_ERRORS(X)                \
	X(invalid_request, 400)        \
	X(invalid_client, 401)         \
	X(invalid_grant, 400)          \
	X(unsupported_grant_type, 400) \
	X(invalid_scope, 400)

enum oauth_error {
	OAUTH_NONE,
#define OAUTH_ENUM(name, status) OAUTH_##name,
	OAUTH_ERRORS(OAUTH_ENUM)
#undef OAUTH_ENUM
};

const char *oauth_error_text(enum oauth_error error);
int oauth_error_status(enum oauth_error error);

struct refusal {
	enum oauth_error error; /* OAUTH_NONE: the problem says what happened */
	const char *detail;     /* a sentence without quotes or backslashes (RFC 6749 §5.2) */
};

/* A request to an endpoint of OAuth. Strings are decoded, on the request's arena, NULL when absent.
 */
struct oauth_request {
	const char *grant_type;
	const char *token; /* to be revoked or introspected */
	const char *scope;
	const char *refresh_token;
	const char *client_id; /* from Basic or from the form, never from both */
	const char *client_secret;
	bool has_basic;
	/* A refresh token out of a cookie, which a session of the other kind does not take; without
	 * a browser's word on its origin it needs the session's CSRF token. */
	bool is_cookie;
	bool needs_csrf;
};

/* Reads Authorization and the form; what an endpoint needs of it is for the endpoint to miss. False
 * with the refusal set. */
bool oauth_read(struct request *request, struct oauth_request *ret_oauth, struct refusal *refusal);

/* What somebody got. Strings are on the request's arena. */
struct grant {
	const char *access_token;
	int64_t expires_in_s;
	const char *scope;
	const char *refresh_token; /* NULL for machine clients */
	int64_t refresh_expires_in_s;
	struct actor actor;
};

struct credentials {
	const char *email;
	const char *password;
	const char *program;         /* a slug, or NULL */
	const char *challenge_token; /* in the second step, instead of the three */
	const char *code;
	bool is_cookie; /* how the session's tokens will travel */
};

/* Everything that is wrong with e-mail, password and program is invalid_credentials, in the same
 * time. */
bool identity_sign_in(struct request *request, const struct credentials *credentials,
	struct grant *ret_grant, struct problem *problem);

/*
 * The second step, for who has a second factor: identity_sign_in refused with
 * second_factor_required and a challenge_token, which is good for one session with a code. What is
 * wrong is invalid_code.
 */
bool identity_answer_challenge(struct request *request, const struct credentials *credentials,
	struct grant *ret_grant, struct problem *problem);

/* Rotates a refresh token; a spent one that comes back ends its session. */
bool identity_refresh(struct request *request, const struct oauth_request *oauth,
	struct grant *ret_grant, struct refusal *refusal, struct problem *problem);

/* client_credentials */
bool identity_client(struct request *request, const struct oauth_request *oauth,
	struct grant *ret_grant, struct refusal *refusal, struct problem *problem);

/*
 * RFC 7009: a refresh token ends its session, an access token only itself. True for a token that is
 * not good any more, too; a token of another client is invalid_grant.
 */
bool identity_revoke(struct request *request, const struct oauth_request *oauth,
	struct refusal *refusal, struct problem *problem);

/*
 * RFC 7662, for a machine client: what an access token of the caller's program, and partner, is
 * worth. A new reference in `ret_answer`.
 */
bool identity_introspect(struct request *request, const struct oauth_request *oauth,
	json_t **ret_answer, struct refusal *refusal, struct problem *problem);

/*
 * A session that ends is over everywhere: its refresh token, and its access tokens at all
 * instances. The session of request->actor; one of the actor's, by its id (404 when it is not); all
 * of the actor's, the present one too unless `keeps_current`.
 */
bool identity_end_session(struct request *request, struct problem *problem);
bool identity_end_own(struct request *request, const char *session_id, struct problem *problem);
bool identity_end_all(struct request *request, bool keeps_current, struct problem *problem);

/* ---- sessions in cookies (cookies.c) ---- */

/* False, and forbidden, when the operator does not offer them, or csrf_invalid when a page of
 * another origin asks. */
bool cookies_are_offered(const struct request *request, struct problem *problem);

/* Puts the tokens into cookies; gives back the session's CSRF token. */
const char *cookies_set(
	struct response *response, struct request *request, const struct grant *grant);
void cookies_clear(struct response *response);

/* identity_refresh by the cookie. What is over is token_invalid. */
bool identity_refresh_cookie(
	struct request *request, struct grant *ret_grant, struct problem *problem);

/* ---- the second factor of request->actor, who is a person (second_factor.c) ---- */

struct second_factor_seed {
	const char *secret; /* base32, to be typed */
	const char *uri;    /* otpauth://, to be scanned */
};

/* Makes a seed, which counts once a code of it is confirmed. already_exists when there is a second
 * factor. */
bool second_factor_start(struct request *request, const char *password,
	struct second_factor_seed *ret_seed, struct problem *problem);
/* `ret_codes`: the recovery codes, a new reference. A code that is not right is a violation at
 * #/code, here and below. */
bool second_factor_confirm(
	struct request *request, const char *code, json_t **ret_codes, struct problem *problem);
/* By a one-time password or a recovery code. not_found when there is no second factor. */
bool second_factor_disable(struct request *request, const char *code, struct problem *problem);
bool second_factor_recovery_codes(
	struct request *request, const char *code, json_t **ret_codes, struct problem *problem);

#endif
