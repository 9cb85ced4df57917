/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A person's second factor: a seed shared with an authenticator, and ten codes for the day it is
 * lost. A seed counts once a code of it has come back. The seed is sealed for its user and opened
 * to judge a code only; recovery codes have 80 random bits and are therefore stored as plain
 * SHA-256.
 */
#include "http/second_factor.h"

#include "base/clock.h"
#include "base/vault.h"
#include "http/attempts.h"
#include "http/secrets.h"
#include "http/totp.h"

#include <ctype.h>
#include <sodium.h>
#include <string.h>

#define RECOVERY_CODES   10
#define RECOVERY_BYTES   10
#define RECOVERY_LETTERS 16 /* of base32 */
#define RECOVERY_GROUP   4

static const char *purpose_of(const struct request *request, const char *user_id)
{
	return arena_printf(request->arena, "second factor %s", user_id);
}

/* ---- codes ---- */

static bool is_one_time(const char *code)
{
	return strlen(code) == TOTP_CODE_BYTES - 1 &&
	       strspn(code, "0123456789") == TOTP_CODE_BYTES - 1;
}

/* The letters of a recovery code, however it was typed: hyphens, blanks and case do not matter.
 * NULL when it is none. */
static const char *recovery_letters(const struct request *request, const char *code)
{
	char *letters = arena_alloc(request->arena, RECOVERY_LETTERS + 1);
	size_t length = 0;

	for (const char *at = code; *at; at++) {
		if (*at == '-' || *at == ' ')
			continue;
		if (length == RECOVERY_LETTERS || !isalnum((unsigned char)*at))
			return NULL;
		letters[length++] = (char)toupper((unsigned char)*at);
	}
	letters[length] = '\0';
	return length == RECOVERY_LETTERS ? letters : NULL;
}

static bool judge_one_time(const struct request *request, const struct rows *rows, const char *code,
	struct proof *proof)
{
	const char *purpose = purpose_of(request, rows_text(rows, "id"));
	struct slice seed;

	return proof->seed &&
	       vault_unseal(request->app->vault, purpose, proof->seed, request->arena, &seed) &&
	       seed.length == TOTP_SEED_BYTES &&
	       totp_match((const unsigned char *)seed.bytes, code, clock_now_us() / CLOCK_SECOND_US,
		       rows_int(rows, "last_step"), &proof->step);
}

bool proof_judge(const struct request *request, const struct rows *rows, const char *code,
	struct proof *ret_proof)
{
	*ret_proof = (struct proof){ .seed = rows_text(rows, "seed") };
	if (is_one_time(code))
		return judge_one_time(request, rows, code, ret_proof);
	const char *letters = recovery_letters(request, code);
	if (!letters)
		return false;
	ret_proof->code_hash = secret_hash(letters, request->arena) + 2; /* without "\x" */
	return true;
}

/* A statement about a person at the identity door; takes the reference of `body`. */
static void add_call(struct db_batch *batch, const struct request *request, const char *name,
	const char *user_id, json_t *body)
{
	struct db_call *call = grant_call(batch, name);

	call->params[0] = batch->program_id;
	call->params[2] = user_id;
	call->params[3] = body ? grant_json(request, body) : NULL;
}

void proof_add(struct db_batch *batch, const struct request *request, const char *user_id,
	const struct proof *proof)
{
	if (proof->code_hash)
		add_call(batch, request, "second_factor_recover", user_id,
			json_pack("{s:s}", "code_hash", proof->code_hash));
	else
		add_call(batch, request, "second_factor_step", user_id,
			json_pack("{s:I, s:s}", "step", (json_int_t)proof->step, "seed",
				proof->seed));
}

/* ---- what people do with their own ---- */

static bool find_own(
	const struct request *request, const struct rows **ret_rows, struct problem *problem)
{
	struct db_batch batch = grant_batch(request, request->actor->program_id);

	add_call(&batch, request, "second_factor_find", request->actor->id, NULL);
	if (db_run(request->app->db, &batch, problem) != DB_NONE)
		return false;
	*ret_rows = batch.calls[0].rows;
	return rows_count(*ret_rows) == 1 ||
	       problem_set(problem, PROBLEM_token_invalid, "The access token is not valid.");
}

static struct db_batch own_batch(const struct request *request)
{
	struct db_batch batch = grant_batch(request, request->actor->program_id);

	batch.is_write = true;
	return batch;
}

static void add_audit(struct db_batch *batch, const struct request *request, const char *action)
{
	char entry_id[UUID_TEXT_BYTES];

	uuid_v7(entry_id);
	add_call(batch, request, "second_factor_audit", request->actor->id,
		json_pack("{s:s, s:s}", "entry_id", entry_id, "action", action));
	batch->calls[batch->call_count - 1].params[5] = grant_json(request,
		json_pack("{s:s, s:s, s:s, s:s*}", "request_id", request->id, "actor_type", "user",
			"actor_id", request->actor->id, "address", request->address));
}

/* Ten new codes: their hashes into the batch, the codes themselves into a new list. */
static json_t *add_recovery_codes(struct db_batch *batch, const struct request *request)
{
	json_t *codes = json_array();
	json_t *hashes = json_array();
	unsigned char bytes[RECOVERY_BYTES];

	for (int i = 0; i < RECOVERY_CODES; i++) {
		randombytes_buf(bytes, sizeof bytes);
		const char *letters = base32_text(bytes, sizeof bytes, request->arena);
		json_array_append_new(codes,
			json_sprintf("%.4s-%.4s-%.4s-%.4s", letters, letters + RECOVERY_GROUP,
				letters + 2 * RECOVERY_GROUP, letters + 3 * RECOVERY_GROUP));
		json_array_append_new(
			hashes, json_string(secret_hash(letters, request->arena) + 2));
	}
	sodium_memzero(bytes, sizeof bytes);
	add_call(batch, request, "recovery_codes_forget", request->actor->id, NULL);
	add_call(batch, request, "recovery_codes_add", request->actor->id,
		json_pack("{s:o}", "code_hashes", hashes));
	return codes;
}

static bool refuse_code(const struct request *request, struct problem *problem)
{
	*problem = (struct problem)PROBLEM_INIT;
	problem_add(problem, request->arena, PLACE_POINTER, "#/code", VIOLATION_inconsistent,
		"The code is not right, or was used before.");
	return false;
}

static bool refuse_second(struct problem *problem)
{
	*problem = (struct problem)PROBLEM_INIT;
	return problem_set(
		problem, PROBLEM_already_exists, "There is a second factor; remove it first.");
}

static bool needs_factor(const struct rows *rows, struct problem *problem)
{
	return rows_bool(rows, "has_second_factor") ||
	       problem_set(problem, PROBLEM_not_found, "There is no second factor.");
}

/* An access token that was stolen must not be enough to bind somebody's account to one's own
 * authenticator. */
static bool check_password(struct request *request, const struct rows *rows, const char *password,
	struct problem *problem)
{
	bool is_right;

	if (!identity_prove_password(request, rows_text(rows, "email"),
		    rows_text(rows, "password_hash"), password, &is_right, problem))
		return false;
	if (!is_right)
		problem_add(problem, request->arena, PLACE_POINTER, "#/password",
			VIOLATION_inconsistent, "This is not the password.");
	return is_right;
}

bool second_factor_start(struct request *request, const char *password,
	struct second_factor_seed *ret_seed, struct problem *problem)
{
	struct db_batch batch = own_batch(request);
	unsigned char seed[TOTP_SEED_BYTES];
	const char *user_id = request->actor->id;
	const struct rows *rows;

	if (!find_own(request, &rows, problem))
		return false;
	if (rows_bool(rows, "has_second_factor"))
		return refuse_second(problem);
	if (!check_password(request, rows, password, problem))
		return false;
	randombytes_buf(seed, sizeof seed);
	const char *sealed = vault_seal(request->app->vault, purpose_of(request, user_id),
		(const char *)seed, sizeof seed, request->arena);
	ret_seed->secret = base32_text(seed, sizeof seed, request->arena);
	sodium_memzero(seed, sizeof seed);
	ret_seed->uri = totp_uri(ret_seed->secret, rows_text(rows, "program_name"),
		rows_text(rows, "email"), request->arena);
	add_call(&batch, request, "second_factor_start", user_id,
		json_pack("{s:s}", "seed", sealed));
	enum db_failure failure = db_run(request->app->db, &batch, problem);
	return failure == DB_WORLD_MOVED ? refuse_second(problem) : failure == DB_NONE;
}

/* A code that is right, as an attempt like those of signing in. */
static bool try_code(struct request *request, const char *code, const struct rows *rows,
	struct proof *ret_proof, struct problem *problem)
{
	struct db_batch batch = own_batch(request);
	const struct db_call *attempt = attempt_add(&batch, request, rows_text(rows, "email"));

	if (db_run(request->app->db, &batch, problem) != DB_NONE ||
		!attempt_is_free(attempt, problem))
		return false;
	return proof_judge(request, rows, code, ret_proof) || refuse_code(request, problem);
}

/* Whoever asks was given the seed; who has only stolen the access token guesses, and is slowed. */
bool second_factor_confirm(
	struct request *request, const char *code, json_t **ret_codes, struct problem *problem)
{
	struct db_batch batch = own_batch(request);
	const struct rows *rows;
	struct proof proof;

	if (!find_own(request, &rows, problem))
		return false;
	if (rows_bool(rows, "has_second_factor"))
		return refuse_second(problem);
	if (!try_code(request, code, rows, &proof, problem))
		return false;
	if (proof.code_hash)
		return refuse_code(request, problem);
	/* Whoever comes with a token of an identity provider has no session to keep. */
	const char *kept = request->actor->session_id[0] ? request->actor->session_id : NULL;
	add_call(&batch, request, "second_factor_confirm", request->actor->id,
		json_pack("{s:I, s:s, s:s*}", "step", (json_int_t)proof.step, "seed", proof.seed,
			"kept", kept));
	*ret_codes = add_recovery_codes(&batch, request);
	add_audit(&batch, request, "user.second_factor_enabled");
	attempt_add_success(&batch, request, rows_text(rows, "email"));
	enum db_failure failure = db_run(request->app->db, &batch, problem);
	if (failure == DB_NONE)
		return true;
	json_decref(*ret_codes);
	return failure == DB_WORLD_MOVED ? refuse_code(request, problem) : false;
}

static bool take_code(struct request *request, const char *code, const struct rows **ret_rows,
	struct proof *ret_proof, struct problem *problem)
{
	return find_own(request, ret_rows, problem) && needs_factor(*ret_rows, problem) &&
	       try_code(request, code, *ret_rows, ret_proof, problem);
}

bool second_factor_disable(struct request *request, const char *code, struct problem *problem)
{
	struct db_batch batch = own_batch(request);
	const struct rows *rows;
	struct proof proof;

	if (!take_code(request, code, &rows, &proof, problem))
		return false;
	proof_add(&batch, request, request->actor->id, &proof);
	add_call(&batch, request, "second_factor_disable", request->actor->id, NULL);
	add_audit(&batch, request, "user.second_factor_disabled");
	attempt_add_success(&batch, request, rows_text(rows, "email"));
	enum db_failure failure = db_run(request->app->db, &batch, problem);
	return failure == DB_WORLD_MOVED ? refuse_code(request, problem) : failure == DB_NONE;
}

bool second_factor_recovery_codes(
	struct request *request, const char *code, json_t **ret_codes, struct problem *problem)
{
	struct db_batch batch = own_batch(request);
	const struct rows *rows;
	struct proof proof;

	if (!take_code(request, code, &rows, &proof, problem))
		return false;
	proof_add(&batch, request, request->actor->id, &proof);
	*ret_codes = add_recovery_codes(&batch, request);
	add_audit(&batch, request, "user.recovery_codes_renewed");
	attempt_add_success(&batch, request, rows_text(rows, "email"));
	enum db_failure failure = db_run(request->app->db, &batch, problem);
	if (failure == DB_NONE)
		return true;
	json_decref(*ret_codes);
	return failure == DB_WORLD_MOVED ? refuse_code(request, problem) : false;
}
