/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table signing_keys: how keys come to be, follow each other and leave. At any time one key is
 * active and the next is already published, so that whoever verifies our tokens knows a key before
 * the first token it signs. Everything that writes holds one advisory lock, because every instance
 * and every operator may start it at the same moment.
 *
 * A private half is in the clear in memory only: sealed for its kid before it is sent, opened when
 * the set in memory changes.
 */
#include "http/key_store.h"

#include "base/log.h"
#include "http/keys.h"
#include "http/tokens.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define CLEAR_PREFIX "-----BEGIN" /* of a key from before keys were sealed */

static const struct statement lock_keys = {
	"keys_lock",
	"select pg_advisory_xact_lock(hashtextextended('partnerd.keys', 0))",
	"",
};

static const struct statement private_keys = {
	"keys_private",
	"select kid, private_key from signing_keys where private_key <> ''",
	"",
};

static const struct statement missing_keys = {
	"keys_missing",
	"select not exists (select from signing_keys where state = 'active')"
	" or not exists (select from signing_keys where state = 'next') as is_missing",
	"",
};

/* One of this state when there is none. */
static const struct statement insert_missing = {
	"keys_insert_missing",
	"insert into signing_keys (kid, alg, private_key, public_jwk, state, activated_at)"
	" select $1, $2, $3, $4, $5, case $5 when 'active' then now() end"
	" where not exists (select from signing_keys where state = $5)",
	"tttjt",
};

/* Another one, as long as every instance can hold them all. */
static const struct statement insert_next = {
	"keys_insert_next",
	"with written as ("
	" insert into signing_keys (kid, alg, private_key, public_jwk, state)"
	" select $1, $2, $3, $4, 'next'"
	" where (select count(*) from signing_keys where state in ('next', 'active')"
	"   or (state = 'retiring' and retired_at > now())) < 16"
	" returning 1)"
	" select assert_written(count(*)) from written",
	"tttj",
};

static const struct statement seal_key = {
	"keys_seal",
	"update signing_keys set private_key = $2 where kid = $1 and private_key = $3",
	"ttt",
};

static const struct statement load_keys = {
	"keys_load",
	"select kid, alg, private_key, public_jwk, state,"
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

/* The key that would sign next: the one that is named, or the one that has waited longest. */
#define SUCCESSOR                                                                               \
	"coalesce($1, (select kid from signing_keys where state = 'next' order by created_at, " \
	"kid limit 1))"

static const struct statement find_successor = {
	"keys_successor",
	"select kid, state, extract(epoch from now() - created_at)::bigint as announced_s"
	" from signing_keys where kid = " SUCCESSOR,
	"t",
};

/* Nothing is retired unless the successor may follow: $2 is for how long it must have waited. */
static const struct statement retire_active = {
	"keys_retire_active",
	"update signing_keys set state = 'retiring', retired_at = now() + make_interval(secs => $3)"
	" where state = 'active' and exists (select from signing_keys where kid = " SUCCESSOR
	" and state = 'next' and created_at <= now() - make_interval(secs => $2))",
	"tii",
};

static const struct statement promote = {
	"keys_promote",
	"with written as ("
	" update signing_keys set state = 'active', activated_at = now() where kid = " SUCCESSOR
	" and state = 'next' and created_at <= now() - make_interval(secs => $2)"
	" returning kid)"
	" select min(kid) as kid, assert_written(count(*)) from written",
	"ti",
};

static const struct statement promote_longest = {
	"keys_promote_longest",
	"update signing_keys set state = 'active', activated_at = now()"
	" where kid = (select kid from signing_keys where state = 'next'"
	"   order by created_at, kid limit 1)"
	" and not exists (select from signing_keys where state = 'active')",
	"",
};

static const struct statement find_key = {
	"keys_find",
	"select state, state = 'active' or (state = 'retiring' and retired_at > now()) as is_in_use"
	" from signing_keys where kid = $1",
	"t",
};

static const struct statement retire_key = {
	"keys_retire",
	"update signing_keys set state = 'retired', private_key = '', retired_at = now()"
	" where kid = $1 and state <> 'retired'"
	" and ($2 or not (state = 'active' or (state = 'retiring' and retired_at > now())))"
	" returning kid",
	"tb",
};

static const struct statement active_key = {
	"keys_active",
	"select kid from signing_keys where state = 'active'",
	"",
};

/* The public half stays: old checkpoints of the audit chain are verified with it. */
static const struct statement forget_retired = {
	"keys_forget",
	"update signing_keys set state = 'retired', private_key = ''"
	" where state = 'retiring' and retired_at <= now()",
	"",
};

static const struct statement notify_keys = {
	"keys_notify",
	"select pg_notify('partnerd', 'keys')",
	"",
};

static bool refuse(struct text *reterr, const char *sentence)
{
	text_append_string(reterr, sentence);
	return false;
}

static bool run(struct db *db, struct db_batch *batch, struct text *reterr)
{
	struct problem problem = PROBLEM_INIT;

	enum db_failure failure = db_run(db, batch, &problem);
	if (failure == DB_NONE)
		return true;
	if (failure == DB_WORLD_MOVED)
		return refuse(reterr,
			"Somebody else changed the keys in the same moment, or 16 are "
			"in use already.");
	text_appendf(reterr, "Signing keys: %s", problem.cause[0] ? problem.cause : problem.detail);
	return false;
}

static struct db_batch reading(struct arena *arena)
{
	return (struct db_batch){ .arena = arena, .door = DOOR_IDENTITY };
}

/* Every writer begins with the lock. */
static struct db_batch writing(struct arena *arena)
{
	struct db_batch batch = { .arena = arena, .door = DOOR_IDENTITY, .is_write = true };

	db_add(&batch, &lock_keys);
	return batch;
}

/* ---- sealing ---- */

static const char *purpose_of(const char *kid, struct arena *arena)
{
	return arena_printf(arena, "signing key %s", kid);
}

/* The PEM, or NULL when it was not sealed, or not by us. */
static const char *open_key(
	const char *kid, const char *stored, const struct vault *vault, struct arena *arena)
{
	struct slice pem;

	return vault_unseal(vault, purpose_of(kid, arena), stored, arena, &pem) ? pem.bytes : NULL;
}

static const char *close_key(
	const char *kid, const char *pem, const struct vault *vault, struct arena *arena)
{
	return vault_seal(vault, purpose_of(kid, arena), pem, strlen(pem), arena);
}

/* A new key whose private half is sealed already. */
static bool generate(const struct vault *vault, const char *alg, struct arena *arena,
	struct key_record *ret_record, struct text *reterr)
{
	enum jws_alg parsed;

	if (!jws_alg_parse(alg, &parsed) || !key_generate(parsed, arena, ret_record))
		return refuse(reterr, "Signing keys: OpenSSL cannot make a key.");
	const char *pem = ret_record->private_pem;
	ret_record->private_pem = close_key(ret_record->kid, pem, vault, arena);
	sodium_memzero((char *)pem, strlen(pem));
	return true;
}

static bool reseal_key(struct db *db, const struct vault *vault, const char *kid,
	const char *stored, struct text *reterr)
{
	struct arena *arena = arena_new();
	bool is_clear = strncmp(stored, CLEAR_PREFIX, sizeof CLEAR_PREFIX - 1) == 0;
	const char *pem = is_clear ? stored : open_key(kid, stored, vault, arena);
	bool done = true;

	/* What another key sealed is left as it is; keys_reload says so when it matters. */
	if (pem) {
		struct db_batch batch = writing(arena);
		struct db_call *call = db_add(&batch, &seal_key);
		call->params[0] = kid;
		call->params[1] = close_key(kid, pem, vault, arena);
		call->params[2] = stored;
		done = run(db, &batch, reterr);
	}
	arena_free(arena);
	return done;
}

static bool reseal(struct db *db, const struct vault *vault, struct text *reterr)
{
	struct arena *arena = arena_new();
	struct db_batch batch = reading(arena);
	const struct db_call *call = db_add(&batch, &private_keys);
	bool done = run(db, &batch, reterr);

	for (size_t row = 0; done && row < rows_count(call->rows); row++) {
		const char *stored = rows_cell(call->rows, row, 1, NULL);
		if (!vault_is_current(vault, stored))
			done = reseal_key(
				db, vault, rows_cell(call->rows, row, 0, NULL), stored, reterr);
	}
	arena_free(arena);
	return done;
}

/* ---- making ---- */

static struct db_call *add_insert(
	struct db_batch *batch, const struct statement *statement, const struct key_record *record)
{
	struct db_call *call = db_add(batch, statement);

	call->params[0] = record->kid;
	call->params[1] = record->alg;
	call->params[2] = record->private_pem;
	call->params[3] = record->public_jwk;
	return call;
}

static bool store_first(struct db *db, const struct vault *vault, const char *alg,
	struct arena *arena, struct text *reterr)
{
	struct key_record active;
	struct key_record next;

	if (!generate(vault, alg, arena, &active, reterr) ||
		!generate(vault, alg, arena, &next, reterr))
		return false;
	struct db_batch batch = writing(arena);
	add_insert(&batch, &insert_missing, &active)->params[4] = "active";
	add_insert(&batch, &insert_missing, &next)->params[4] = "next";
	db_add(&batch, &notify_keys);
	return run(db, &batch, reterr);
}

bool keys_ensure(struct db *db, const struct vault *vault, const char *alg, struct text *reterr)
{
	struct arena *arena = arena_new();
	struct db_batch batch = reading(arena);
	const struct db_call *call = db_add(&batch, &missing_keys);

	bool done = run(db, &batch, reterr);
	if (done && rows_bool(call->rows, "is_missing"))
		done = store_first(db, vault, alg, arena, reterr);
	arena_free(arena);
	return done && reseal(db, vault, reterr);
}

bool keys_create(struct db *db, const struct vault *vault, const char *alg,
	char ret_kid[static KEY_KID_BYTES], struct text *reterr)
{
	struct arena *arena = arena_new();
	struct key_record record;
	bool done = generate(vault, alg, arena, &record, reterr);

	if (done) {
		struct db_batch batch = writing(arena);
		add_insert(&batch, &insert_next, &record);
		db_add(&batch, &notify_keys);
		memcpy(ret_kid, record.kid, KEY_KID_BYTES);
		done = run(db, &batch, reterr);
	}
	arena_free(arena);
	return done;
}

/* ---- loading ---- */

static const char *cell(const struct rows *rows, size_t row, const char *column)
{
	const char *text = rows_cell(rows, row, (size_t)rows_column(rows, column), NULL);

	return text ? text : "";
}

static bool install_rows(struct keys *keys, const struct rows *rows, const struct vault *vault,
	struct arena *arena, struct text *reterr)
{
	struct key_record records[KEYS_MAX];
	size_t count = rows_count(rows) < KEYS_MAX ? rows_count(rows) : KEYS_MAX;

	for (size_t i = 0; i < count; i++)
		records[i] = (struct key_record){
			.kid = cell(rows, i, "kid"),
			.alg = cell(rows, i, "alg"),
			.public_jwk = cell(rows, i, "public_jwk"),
			.state = cell(rows, i, "state"),
			.retired_us = strtoll(cell(rows, i, "retired_us"), NULL, 10),
		};
	/* Nothing is opened that is not needed: the set is read twice a second. */
	if (keys_equal(keys, records, count))
		return true;
	for (size_t i = 0; i < count; i++)
		records[i].private_pem =
			open_key(records[i].kid, cell(rows, i, "private_key"), vault, arena);
	return keys_install(keys, records, count, reterr);
}

static bool read_keys(
	struct keys *keys, struct db *db, const struct vault *vault, struct text *reterr)
{
	struct arena *arena = arena_new();
	struct db_batch batch = reading(arena);
	const struct db_call *call = db_add(&batch, &load_keys);
	struct text fault = TEXT_INIT;

	bool done = run(db, &batch, &fault) && install_rows(keys, call->rows, vault, arena, &fault);
	if (done && fault.length > 0)
		log_event(LOG_WARN, "signing keys left out", "%s", fault.bytes);
	else
		text_append(reterr, fault.bytes, fault.length);
	text_release(&fault);
	arena_free(arena);
	return done;
}

bool keys_reload(struct keys *keys, struct db *db, const struct vault *vault, struct text *reterr)
{
	keys_reading_begin(keys);
	bool done = read_keys(keys, db, vault, reterr);
	keys_reading_end(keys);
	return done;
}

void keys_refresh(struct keys *keys, struct db *db, const struct vault *vault)
{
	struct text fault = TEXT_INIT;
	bool is_turn;

	if (!keys_reading_ask(keys, &is_turn))
		return;
	if (is_turn)
		read_keys(keys, db, vault, &fault);
	keys_reading_end(keys);
	text_release(&fault);
}

int64_t keys_overlap_s(const struct settings *settings)
{
	return settings->access_token_s + TOKEN_REVOKE_EXTRA_S;
}

/* ---- following each other ---- */

/* What stands in the way, said before anything is tried. `kid` NULL: the key that has waited
 * longest.
 */
static bool may_follow(
	struct db *db, struct arena *arena, const char *kid, int64_t waited_s, struct text *reterr)
{
	struct db_batch batch = reading(arena);
	struct db_call *call = db_add(&batch, &find_successor);

	call->params[0] = kid;
	if (!run(db, &batch, reterr))
		return false;
	if (rows_count(call->rows) == 0)
		return refuse(reterr, kid ? "There is no such key." : "No key is announced.");
	int64_t announced_s = rows_int(call->rows, "announced_s");
	if (strcmp(rows_text(call->rows, "state"), "next") != 0)
		text_appendf(reterr, "The key is %s; only one that is announced can be activated.",
			rows_text(call->rows, "state"));
	else if (announced_s < waited_s)
		text_appendf(reterr,
			"The key was announced %lld s ago, and whoever verifies our tokens may "
			"need "
			"%d s to learn of it. Wait, or say --now.",
			(long long)announced_s, KEY_ANNOUNCE_S);
	else
		return true;
	return false;
}

/* Appends what makes the successor the active key; the call gives back its kid, and fails the batch
 * when there is none. */
static const struct db_call *add_succession(
	struct db_batch *batch, const char *kid, int64_t waited_s, int64_t overlap_s)
{
	const char *waited = arena_printf(batch->arena, "%lld", (long long)waited_s);

	db_add(batch, &forget_retired);
	struct db_call *retired = db_add(batch, &retire_active);
	retired->params[0] = kid;
	retired->params[1] = waited;
	retired->params[2] = arena_printf(batch->arena, "%lld", (long long)overlap_s);
	struct db_call *promoted = db_add(batch, &promote);
	promoted->params[0] = kid;
	promoted->params[1] = waited;
	return promoted;
}

bool keys_activate(
	struct db *db, const char *kid, int64_t overlap_s, bool at_once, struct text *reterr)
{
	struct arena *arena = arena_new();
	int64_t waited_s = at_once ? 0 : KEY_ANNOUNCE_S;
	bool done = may_follow(db, arena, kid, waited_s, reterr);

	if (done) {
		struct db_batch batch = writing(arena);
		add_succession(&batch, kid, waited_s, overlap_s);
		db_add(&batch, &notify_keys);
		done = run(db, &batch, reterr);
	}
	arena_free(arena);
	return done;
}

static bool rotate(struct db *db, struct arena *arena, const struct key_record *next,
	int64_t overlap_s, int64_t waited_s, struct key_rotation *rotation, struct text *reterr)
{
	struct db_batch batch = writing(arena);
	const struct db_call *promoted = add_succession(&batch, NULL, waited_s, overlap_s);

	add_insert(&batch, &insert_next, next);
	db_add(&batch, &notify_keys);
	if (!run(db, &batch, reterr))
		return false;
	strcpy(rotation->next_kid, next->kid);
	strcpy(rotation->active_kid, rows_text(promoted->rows, "kid"));
	return true;
}

bool keys_rotate(struct db *db, const struct vault *vault, const char *alg, int64_t overlap_s,
	bool at_once, struct key_rotation *ret_rotation, struct text *reterr)
{
	struct arena *arena = arena_new();
	int64_t waited_s = at_once ? 0 : KEY_ANNOUNCE_S;
	struct key_record next;

	bool done = may_follow(db, arena, NULL, waited_s, reterr) &&
		    generate(vault, alg, arena, &next, reterr) &&
		    rotate(db, arena, &next, overlap_s, waited_s, ret_rotation, reterr);
	arena_free(arena);
	return done;
}

/* ---- leaving ---- */

static bool may_retire(
	struct db *db, struct arena *arena, const char *kid, bool at_once, struct text *reterr)
{
	struct db_batch batch = reading(arena);
	struct db_call *call = db_add(&batch, &find_key);

	call->params[0] = kid;
	if (!run(db, &batch, reterr))
		return false;
	if (rows_count(call->rows) == 0)
		return refuse(reterr, "There is no such key.");
	if (strcmp(rows_text(call->rows, "state"), "retired") == 0)
		return refuse(reterr, "The key is retired already.");
	if (rows_bool(call->rows, "is_in_use") && !at_once)
		return refuse(reterr, "Tokens signed with the key may be about; --now refuses them "
				      "from this moment.");
	return true;
}

static bool retire(struct db *db, const struct vault *vault, const char *alg, struct arena *arena,
	const char *kid, bool at_once, char ret_active[static KEY_KID_BYTES], struct text *reterr)
{
	struct key_record spares[2];

	if (!generate(vault, alg, arena, &spares[0], reterr) ||
		!generate(vault, alg, arena, &spares[1], reterr))
		return false;
	struct db_batch batch = writing(arena);
	struct db_call *retired = db_add(&batch, &retire_key);
	retired->params[0] = kid;
	retired->params[1] = at_once ? "t" : "f";
	db_add(&batch, &promote_longest);
	add_insert(&batch, &insert_missing, &spares[0])->params[4] = "active";
	add_insert(&batch, &insert_missing, &spares[1])->params[4] = "next";
	const struct db_call *active = db_add(&batch, &active_key);
	db_add(&batch, &notify_keys);
	if (!run(db, &batch, reterr))
		return false;
	strcpy(ret_active, rows_text(active->rows, "kid"));
	return rows_count(retired->rows) == 1 ||
	       refuse(reterr, "Somebody else activated or retired the key in the same moment.");
}

bool keys_retire(struct db *db, const struct vault *vault, const char *alg, const char *kid,
	bool at_once, char ret_active[static KEY_KID_BYTES], struct text *reterr)
{
	struct arena *arena = arena_new();
	bool done = may_retire(db, arena, kid, at_once, reterr) &&
		    retire(db, vault, alg, arena, kid, at_once, ret_active, reterr);

	arena_free(arena);
	return done;
}

const struct rows *keys_list(struct db *db, struct arena *arena, struct text *reterr)
{
	struct db_batch batch = reading(arena);
	const struct db_call *call = db_add(&batch, &list_keys);

	return run(db, &batch, reterr) ? call->rows : NULL;
}
