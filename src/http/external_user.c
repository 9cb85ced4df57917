/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the claims of a foreign token to one of our users. The facts are read in one trip, the rule
 * (domain/federation.h) decides, and where it says so one more trip links or creates the user and
 * leaves behind what every write does. Two requests may come with the same new subject at once: the
 * one that is late looks again and finds the link.
 */
#include "http/external.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "domain/federation.h"
#include "http/claims.h"
#include "http/grants.h"

#define CLAIM_MAX       500
#define EMAIL_MAX       254
#define PERSON_NAME_MAX 200
#define TRIES           3

struct newcomer {
	struct request *request;
	const struct provider *provider;
	const json_t *claims;
	const char *subject;
	const char *email;   /* verified, or NULL */
	const char *partner; /* id or number that the token names, or NULL */
	enum role role;
	bool has_role;
	const struct rows *rows;
};

/* ---- claims ---- */

/* One step of a JSON pointer (RFC 6901): the member named by the text up to the next slash. */
static const json_t *step(const json_t *value, const char **pointer)
{
	char name[CLAIM_MAX + 1];
	size_t length = 0;
	const char *at = *pointer + 1;

	for (; *at && *at != '/'; at++) {
		char byte = *at;
		if (byte == '~' && (at[1] == '0' || at[1] == '1'))
			byte = *++at == '0' ? '~' : '/';
		if (length < CLAIM_MAX)
			name[length++] = byte;
	}
	name[length] = '\0';
	*pointer = at;
	return json_object_get(value, name);
}

/* The claim of this name, or at this pointer when it begins with a slash. */
static const json_t *claim_at(const json_t *claims, const char *name)
{
	const json_t *value = claims;

	if (!name)
		return NULL;
	if (*name != '/')
		return json_object_get(claims, name);
	while (value && *name)
		value = step(value, &name);
	return value;
}

static bool has_value(const json_t *claim, const char *value)
{
	size_t index;
	const json_t *one;

	if (json_is_string(claim))
		return strcmp(json_string_value(claim), value) == 0;
	json_array_foreach (claim, index, one)
		if (json_is_string(one) && strcmp(json_string_value(one), value) == 0)
			return true;
	return false;
}

/* By the first rule that applies, else by default. */
static const char *role_of(const struct provider *provider, const json_t *claims)
{
	const json_t *claim = claim_at(claims, provider->role_claim);
	size_t index;
	const json_t *rule;

	json_array_foreach (provider->role_rules, index, rule)
		if (has_value(claim, json_string_value(json_object_get(rule, "value"))))
			return json_string_value(json_object_get(rule, "role"));
	return provider->default_role;
}

/* An address is taken only when the provider says, as a boolean, that it has verified it. */
static const char *verified_email(const json_t *claims)
{
	const char *email = claim_text(claims, "email", EMAIL_MAX);

	if (!email || !json_is_true(json_object_get(claims, "email_verified")))
		return NULL;
	const char *at = strchr(email, '@');
	if (!at || at == email || strchr(at + 1, '@') || !strchr(at + 1, '.'))
		return NULL;
	for (const char *byte = email; *byte; byte++)
		if (!isgraph((unsigned char)*byte))
			return NULL;
	return email;
}

static bool is_printable(const char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			return false;
	return true;
}

/* What a new user is called: "name", or the address. */
static const char *name_of(const struct newcomer *in)
{
	const char *name = claim_text(in->claims, "name", PERSON_NAME_MAX * 4);

	if (name && is_printable(name) && utf8_length(name, strlen(name)) <= PERSON_NAME_MAX)
		return name;
	return in->email;
}

/*
 * The role's scopes that the token names, in "scope" as text or in "scp" as text or list; scopes of
 * others mean nothing here.
 */
static scope_set named_scopes(const json_t *claims)
{
	const json_t *claim = json_object_get(claims, "scope");
	scope_set scopes = 0;

	if (!claim)
		claim = json_object_get(claims, "scp");
	for (int i = 0; i < SCOPE_COUNT; i++) {
		const char *name = scope_text((enum scope)i);
		size_t length = strlen(name);
		bool is_named = json_is_array(claim) && has_value(claim, name);
		const char *at = json_is_string(claim) ? json_string_value(claim) : "";
		for (; *at && !is_named; at += strspn(at, " ")) {
			size_t word = strcspn(at, " ");
			is_named = word == length && memcmp(at, name, length) == 0;
			at += word;
		}
		if (is_named)
			scopes |= UINT64_C(1) << i;
	}
	return scopes;
}

/* ---- facts ---- */

static bool find(struct newcomer *in, struct problem *problem)
{
	struct db_batch batch = grant_batch(in->request, NULL);
	struct db_call *call = grant_call(&batch, "external_find");

	call->params[0] = in->provider->program_id;
	call->params[3] = grant_json(in->request,
		json_pack("{s:s, s:s, s:s*, s:s*}", "provider_id", in->provider->id, "subject",
			in->subject, "email", in->email, "partner", in->partner));
	if (db_run(in->request->app->db, &batch, problem) != DB_NONE)
		return false;
	in->rows = call->rows;
	return rows_count(in->rows) > 0 || external_invalid(problem);
}

static bool column_is(const struct rows *rows, const char *column, const char *text)
{
	const char *value = rows_text(rows, column);

	return value && strcmp(value, text) == 0;
}

static struct identity_facts facts_of(const struct newcomer *in)
{
	const struct rows *rows = in->rows;
	const struct provider *provider = in->provider;
	bool is_linked = rows_text(rows, "link_id") != NULL;

	return (struct identity_facts){
		.matches_verified_email = provider->matches_verified_email,
		.creates_users = provider->creates_users,
		.is_for_one_partner = provider->partner_id[0] != '\0',
		.has_verified_email = in->email != NULL,
		.has_role = in->has_role,
		.role = in->role,
		.names_partner = in->partner != NULL,
		.partner_is_good = rows_text(rows, "named_id") &&
				   !column_is(rows, "named_status", "terminated"),
		.was_unlinked = rows_bool(rows, "was_unlinked"),
		.is_linked = is_linked,
		.has_user = rows_text(rows, "user_id") != NULL,
		/* Whoever was invited and proves to have the address has come. */
		.user_is_active = column_is(rows, "status", "active") ||
				  (!is_linked && column_is(rows, "status", "invited")),
		.user_partner_ended = column_is(rows, "partner_status", "terminated"),
		.user_is_of_partner = column_is(rows, "partner_id", provider->partner_id),
	};
}

/* ---- writes ---- */

static const char *who(const struct newcomer *in, const char *user_id)
{
	return grant_json(in->request,
		json_pack("{s:s, s:s, s:s, s:s*}", "request_id", in->request->id, "actor_type",
			"user", "actor_id", user_id, "address", in->request->address));
}

static const char *event_json(const struct newcomer *in, const char *event)
{
	char id[UUID_TEXT_BYTES];

	uuid_v7(id);
	return grant_json(in->request, json_pack("{s:s, s:s}", "event_id", id, "event", event));
}

static void add_call(struct db_batch *batch, const struct newcomer *in, const char *statement,
	const char *user_id, const char *body, const char *event)
{
	struct db_call *call = grant_call(batch, statement);

	call->params[0] = in->provider->program_id;
	call->params[2] = user_id;
	call->params[3] = body;
	if (event) {
		call->params[4] = event_json(in, event);
		call->params[5] = who(in, user_id);
	}
}

static const char *body_of(const struct newcomer *in, bool is_new)
{
	char link_id[UUID_TEXT_BYTES];

	uuid_v7(link_id);
	json_t *body = json_pack("{s:s, s:s, s:s, s:s*}", "provider_id", in->provider->id,
		"subject", in->subject, "link_id", link_id, "email", in->email);
	if (is_new) {
		const char *partner_id = rows_text(in->rows, "named_id");
		json_object_set_new(body, "name", json_string(name_of(in)));
		json_object_set_new(body, "role", json_string(role_text(in->role)));
		json_object_set_new(
			body, "partner_id", partner_id ? json_string(partner_id) : json_null());
	}
	return grant_json(in->request, body);
}

/* Links the user that was found, or makes one. */
static enum db_failure settle(
	struct newcomer *in, enum identity_verdict verdict, struct problem *problem)
{
	bool is_new = verdict == IDENTITY_CREATE;
	bool has_come = !is_new && column_is(in->rows, "status", "invited");
	const char *body = body_of(in, is_new);
	char new_id[UUID_TEXT_BYTES];
	struct db_batch batch = {
		.arena = in->request->arena,
		.door = DOOR_PROGRAM,
		.program_id = in->provider->program_id,
		.is_write = true,
	};

	uuid_v7(new_id);
	const char *user_id =
		is_new ? arena_strdup(in->request->arena, new_id) : rows_text(in->rows, "user_id");
	add_call(&batch, in, is_new ? "external_create" : "external_match", user_id, body, NULL);
	if (is_new || has_come)
		add_call(&batch, in, "person_publish", user_id, NULL,
			is_new ? "user.created" : "user.invitation_accepted");
	add_call(&batch, in, "external_publish", user_id, body,
		is_new ? "user_identity.created" : "user_identity.matched");
	return db_run(in->request->app->db, &batch, problem);
}

static void note_use(const struct newcomer *in)
{
	struct db_batch batch = grant_batch(in->request, in->provider->program_id);
	struct problem ignored = PROBLEM_INIT;

	batch.is_write = true;
	add_call(&batch, in, "external_used", rows_text(in->rows, "user_id"),
		grant_json(
			in->request, json_pack("{s:s}", "link_id", rows_text(in->rows, "link_id"))),
		NULL);
	db_run(in->request->app->db, &batch, &ignored);
}

/* ---- the user ---- */

static bool refuse(const struct newcomer *in, enum identity_reason reason, struct problem *problem)
{
	struct log_line line = log_begin(LOG_INFO, "identity refused");

	log_text(&line, "request_id", in->request->id);
	log_text(&line, "provider_id", in->provider->id);
	log_text(&line, "reason", identity_reason_text(reason));
	log_end(&line);
	if (reason == IDENTITY_REASON_user_inactive || reason == IDENTITY_REASON_partner_ended)
		return external_invalid(problem);
	return problem_set(problem, PROBLEM_forbidden,
		"The identity provider is trusted, but this identity is no user here.");
}

static void fill_actor(const struct newcomer *in, struct actor *actor)
{
	const struct rows *rows = in->rows;
	const char *partner_id = rows_text(rows, "partner_id");

	actor->is_user = true;
	strcpy(actor->id, rows_text(rows, "user_id"));
	strcpy(actor->program_id, in->provider->program_id);
	strcpy(actor->partner_id, partner_id ? partner_id : "");
	strcpy(actor->grant_id, rows_text(rows, "grant_id"));
	if (role_parse(rows_text(rows, "role"), &actor->role))
		actor->scopes = role_scopes(actor->role);
	if (in->provider->uses_token_scopes)
		actor->scopes &= named_scopes(in->claims);
}

/* Issued before the user was cut off, by the table: memory forgets sooner than such a token ends.
 */
static bool is_revoked(const struct rows *rows, const struct actor *actor)
{
	int64_t revoked_us = rows_int(rows, "revoked_us");

	return revoked_us != 0 &&
	       actor->issued_at_us <= revoked_us + TOKEN_SKEW_S * CLOCK_SECOND_US;
}

/*
 * What our own second factor would prove was not asked for here: where the role needs one, the
 * provider has to vouch for its own.
 */
static bool has_second_factor(const struct newcomer *in, struct problem *problem)
{
	return !rows_bool(in->rows, "needs_second_factor") || in->provider->asserts_second_factor ||
	       problem_set(problem, PROBLEM_second_factor_missing,
		       "The role asks for a second factor, and the identity provider does not "
		       "vouch for one.");
}

static void newcomer_init(struct newcomer *in, struct request *request,
	const struct provider *provider, const json_t *claims)
{
	const json_t *partner = claim_at(claims, provider->partner_claim);
	const char *role = role_of(provider, claims);

	*in = (struct newcomer){ .request = request, .provider = provider, .claims = claims };
	in->subject = json_string_value(json_object_get(claims, "sub"));
	in->email = verified_email(claims);
	in->has_role = role && role_parse(role, &in->role);
	if (provider->partner_id[0])
		in->partner = provider->partner_id;
	else if (json_is_string(partner))
		in->partner = json_string_value(partner);
}

/* *ret_again: another request settled it in the same moment, or the world moved. */
static bool look(struct newcomer *in, struct actor *actor, bool *ret_again, struct problem *problem)
{
	enum identity_reason reason;

	*ret_again = false;
	if (!find(in, problem))
		return false;
	const struct identity_facts facts = facts_of(in);
	enum identity_verdict verdict = identity_judge(&facts, &reason);
	if (verdict == IDENTITY_REFUSED)
		return refuse(in, reason, problem);
	if (verdict == IDENTITY_KNOWN) {
		fill_actor(in, actor);
		if (is_revoked(in->rows, actor))
			return external_invalid(problem);
		if (!has_second_factor(in, problem))
			return false;
		if (rows_bool(in->rows, "is_use_due"))
			note_use(in);
		return true;
	}
	enum db_failure failure = settle(in, verdict, problem);
	*ret_again = failure == DB_NONE || failure == DB_WORLD_MOVED || failure == DB_REFUSED;
	return false;
}

bool external_user(struct request *request, const struct provider *provider, const json_t *claims,
	struct actor *actor, struct problem *problem)
{
	struct newcomer in;
	bool again = true;
	bool is_known = false;

	newcomer_init(&in, request, provider, claims);
	for (int i = 0; again && !is_known && i < TRIES; i++) {
		*problem = (struct problem)PROBLEM_INIT;
		is_known = look(&in, actor, &again, problem);
	}
	if (is_known || !again)
		return is_known;
	return refuse(&in, IDENTITY_REASON_unknown, problem);
}
