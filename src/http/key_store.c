/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table signing_keys: how keys come to be, follow each other and leave. At any time one key is
 * active and the next is already published, so that whoever verifies our tokens knows a key before
 * the first token it signs. Everything that writes holds one advisory lock, because every instance
 * and every operator may start it at the same moment.
 */
#include "http/keys.h"

#include "http/tokens.h"

#include <stdlib.h>
#include <string.h>

static const struct statement lock_keys = {
	"keys_lock",
	"select pg_advisory_xact_lock(hashtextextended('partnerd.keys', 0))",
	"",
};

static const struct statement missing_keys = {
	"keys_missing",
	"select not exists (select from signing_keys where state = 'active')"
	" or not exists (select from signing_keys where state = 'next') as is_missing",
	"",
};

static const struct statement insert_key = {
	"keys_insert",
	"insert into signing_keys (kid, alg, private_pem, public_jwk, state, activated_at)"
	" select $1, $2, $3, $4, $5, case $5 when 'active' then now() end"
	" where not exists (select from signing_keys where state = $5)",
	"tttjt",
};

static const struct statement load_keys = {
	"keys_load",
	"select kid, alg, private_pem, public_jwk, state,"
	" coalesce((extract(epoch from retired_at) * 1000000)::bigint, 0) as retired_us"
	" from signing_keys"
	" where state in ('next', 'active') or (state = 'retiring' and retired_at > now())"
	" order by state, created_at desc limit 16",
	"",
};

static const struct statement list_keys = {
	"keys_list",
	"select kid, alg, state, created_at, activated_at, retired_at from signing_keys"
	" order by created_at desc, kid",
	"",
};

/* Nothing is retired unless there is a successor. */
static const struct statement retire_active = {
	"keys_retire",
	"update signing_keys set state = 'retiring', retired_at = now() + make_interval(secs => $1)"
	" where state = 'active' and exists (select from signing_keys where state = 'next')",
	"i",
};

static const struct statement promote_next = {
	"keys_promote",
	"update signing_keys set state = 'active', activated_at = now() where state = 'next'"
	" returning kid, extract(epoch from now() - created_at)::bigint as published_s",
	"",
};

/* The public half stays: old checkpoints of the audit chain are verified with it. */
static const struct statement forget_retired = {
	"keys_forget",
	"update signing_keys set state = 'retired', private_pem = ''"
	" where state = 'retiring' and retired_at <= now()",
	"",
};

static const struct statement notify_keys = {
	"keys_notify",
	"select pg_notify('partnerd', 'keys')",
	"",
};

static bool run(struct db *db, struct db_batch *batch, struct text *reterr)
{
	struct problem problem = PROBLEM_INIT;

	if (db_run(db, batch, &problem) == DB_NONE)
		return true;
	text_appendf(reterr, "Signing keys: %s", problem.cause[0] ? problem.cause : problem.detail);
	return false;
}

static void add_insert(struct db_batch *batch, const struct key_record *record, const char *state)
{
	struct db_call *call = db_add(batch, &insert_key);

	call->params[0] = record->kid;
	call->params[1] = record->alg;
	call->params[2] = record->private_pem;
	call->params[3] = record->public_jwk;
	call->params[4] = state;
}

static bool store_first(struct db *db, struct arena *arena, struct text *reterr)
{
	struct db_batch batch = { .arena = arena, .door = DOOR_IDENTITY, .is_write = true };
	struct key_record active;
	struct key_record next;

	if (!key_generate(arena, &active) || !key_generate(arena, &next)) {
		text_append_string(reterr, "Signing keys: OpenSSL cannot make a key.");
		return false;
	}
	db_add(&batch, &lock_keys);
	add_insert(&batch, &active, "active");
	add_insert(&batch, &next, "next");
	db_add(&batch, &notify_keys);
	return run(db, &batch, reterr);
}

bool keys_ensure(struct db *db, struct text *reterr)
{
	struct arena *arena = arena_new();
	struct db_batch batch = { .arena = arena, .door = DOOR_IDENTITY };
	const struct db_call *call = db_add(&batch, &missing_keys);

	bool done = run(db, &batch, reterr);
	if (done && rows_bool(call->rows, "is_missing"))
		done = store_first(db, arena, reterr);
	arena_free(arena);
	return done;
}

static const char *cell(const struct rows *rows, size_t row, const char *column)
{
	const char *text = rows_cell(rows, row, (size_t)rows_column(rows, column), NULL);

	return text ? text : "";
}

static bool install_rows(struct keys *keys, const struct rows *rows, struct text *reterr)
{
	struct key_record records[KEYS_MAX];
	size_t count = rows_count(rows) < KEYS_MAX ? rows_count(rows) : KEYS_MAX;

	for (size_t i = 0; i < count; i++)
		records[i] = (struct key_record){
			.kid = cell(rows, i, "kid"),
			.alg = cell(rows, i, "alg"),
			.private_pem = cell(rows, i, "private_pem"),
			.public_jwk = cell(rows, i, "public_jwk"),
			.state = cell(rows, i, "state"),
			.retired_us = strtoll(cell(rows, i, "retired_us"), NULL, 10),
		};
	return keys_install(keys, records, count, reterr);
}

bool keys_reload(struct keys *keys, struct db *db, struct text *reterr)
{
	struct arena *arena = arena_new();
	struct db_batch batch = { .arena = arena, .door = DOOR_IDENTITY };
	const struct db_call *call = db_add(&batch, &load_keys);

	bool done = run(db, &batch, reterr) && install_rows(keys, call->rows, reterr);
	arena_free(arena);
	return done;
}

int64_t keys_overlap_s(const struct settings *settings)
{
	return settings->access_token_s + TOKEN_REVOKE_EXTRA_S;
}

static bool promoted(const struct rows *rows, struct key_rotation *rotation, struct text *reterr)
{
	if (rows_count(rows) == 0) {
		text_append_string(reterr, "There was no next key, so nothing was rotated; one is "
					   "published now. Run it again later.");
		return false;
	}
	strncpy(rotation->active_kid, rows_text(rows, "kid"), sizeof rotation->active_kid - 1);
	rotation->published_s = rows_int(rows, "published_s");
	return true;
}

bool keys_rotate(
	struct db *db, int64_t overlap_s, struct key_rotation *ret_rotation, struct text *reterr)
{
	struct arena *arena = arena_new();
	struct db_batch batch = { .arena = arena, .door = DOOR_IDENTITY, .is_write = true };
	struct key_record next;

	memset(ret_rotation, 0, sizeof *ret_rotation);
	if (!key_generate(arena, &next)) {
		text_append_string(reterr, "Signing keys: OpenSSL cannot make a key.");
		arena_free(arena);
		return false;
	}
	memcpy(ret_rotation->next_kid, next.kid, KEY_KID_BYTES);
	db_add(&batch, &lock_keys);
	db_add(&batch, &forget_retired);
	db_add(&batch, &retire_active)->params[0] =
		arena_printf(arena, "%lld", (long long)overlap_s);
	const struct db_call *promotion = db_add(&batch, &promote_next);
	add_insert(&batch, &next, "next");
	db_add(&batch, &notify_keys);
	bool done = run(db, &batch, reterr) && promoted(promotion->rows, ret_rotation, reterr);
	arena_free(arena);
	return done;
}

const struct rows *keys_list(struct db *db, struct arena *arena, struct text *reterr)
{
	struct db_batch batch = { .arena = arena, .door = DOOR_IDENTITY };
	const struct db_call *call = db_add(&batch, &list_keys);

	return run(db, &batch, reterr) ? call->rows : NULL;
}
