/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first piece decides: whoever may not send this, or has nothing to send it to, gets no buffer,
 * and what still comes is thrown away until the request is complete and refused in the usual way.
 * Each full buffer is one row, written in a transaction of its own behind the walls of the actor;
 * the rows of an attempt that fails are nobody's and are swept up by a job. A client must bring a
 * buffer's worth of bytes within the time that other requests have for all of theirs.
 */
#include "http/uploads.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <ulfius.h>

#include "base/log.h"
#include "http/exchange.h"
#include "http/file.h"

#define HEADROOM 4 /* in front of the buffer: the cut character at the end of the last one */

struct upload_intake {
	bool is_taken;
	bool is_open; /* else refused: `problem` says why when nobody else would */
	struct problem problem;
	struct arena *arena; /* of the actor and the ids */
	struct arena *scratch;
	const struct actor *actor;
	const char *file_id;
	char id[UUID_TEXT_BYTES];
	int64_t declared_bytes, size_bytes;
	int sequence;
	crypto_hash_sha256_state hash;
	char sha256[65];
	char head[FILE_HEAD_BYTES];
	size_t head_length;
	bool is_text;
	size_t carried; /* bytes of a cut character before the buffer */
	size_t used;
	char *buffer; /* HEADROOM + FILE_CHUNK_BYTES */
};

struct uploads {
	struct server *server;
	pthread_mutex_t lock; /* guards is_taken and the owners' counts */
	struct upload_intake intakes[UPLOADS_COUNT];
	struct upload_intake busy; /* stands for all that found no place */
};

/* A server has no use for the member `follow_redirect` of a request, so it carries where its body
 * goes: the number of an intake from 1 on. */
enum { UNSEEN = 0, THROWN_AWAY = -1, NO_PLACE = -2 };

/* A file keeps the chunks of one attempt: who begins anew has given up the one before. */
static const struct statement open_statement = {
	.name = "file_upload_open",
	.sql = "with waits as (select id, size_bytes from files where program_id = $1 and "
	       "($2::uuid is null or partner_id = $2) and id = $3 and status = 'pending'), "
	       "given_up as (delete from file_chunks c using waits w where c.program_id = $1 and "
	       "c.file_id = w.id) select size_bytes from waits",
	.types = "uuu",
};

static const struct statement chunk_statement = {
	.name = "file_chunk_add",
	.sql = "with f as (select id from files where program_id = $1 and ($2::uuid is null or "
	       "partner_id = $2) and id = $3 and status = 'pending' for share), "
	       "others as (delete from file_chunks c using f where $5 = 0 and c.program_id = $1 "
	       "and c.file_id = f.id and c.upload_id <> $4) "
	       "insert into file_chunks (program_id, file_id, upload_id, sequence, bytes) "
	       "select $1, f.id, $4, $5, decode($6, 'hex') from f returning assert_written(1)",
	.types = "uuuuit",
};

struct uploads *uploads_make(struct server *server)
{
	struct uploads *uploads = calloc(1, sizeof(*uploads));

	if (!uploads)
		abort();
	uploads->server = server;
	pthread_mutex_init(&uploads->lock, NULL);
	uploads->busy.problem = (struct problem)PROBLEM_INIT;
	uploads->busy.problem.retry_after_s = 5;
	problem_set(&uploads->busy.problem, PROBLEM_unavailable, "Too many uploads at the moment.");
	return uploads;
}

static void intake_clear(struct upload_intake *intake)
{
	arena_free(intake->arena);
	arena_free(intake->scratch);
	free(intake->buffer);
	*intake = (struct upload_intake){ 0 };
}

struct uploads *uploads_free(struct uploads *uploads)
{
	if (!uploads)
		return NULL;
	for (size_t i = 0; i < UPLOADS_COUNT; i++)
		intake_clear(&uploads->intakes[i]);
	pthread_mutex_destroy(&uploads->lock);
	free(uploads);
	return NULL;
}

static struct upload_intake *intake_of(const struct uploads *uploads, const struct _u_request *call)
{
	return call->follow_redirect > 0
		       ? (struct upload_intake *)&uploads->intakes[call->follow_redirect - 1]
		       : NULL;
}

const struct upload_intake *uploads_intake(
	const struct uploads *uploads, const struct _u_request *call)
{
	if (!uploads)
		return NULL;
	return call->follow_redirect == NO_PLACE ? &uploads->busy : intake_of(uploads, call);
}

/* ---- rows ---- */

static struct db_batch intake_batch(const struct upload_intake *intake)
{
	return (struct db_batch){
		.arena = intake->scratch,
		.door = actor_side(intake->actor) == SIDE_VENDOR ? DOOR_PROGRAM : DOOR_PARTNER,
		.program_id = intake->actor->program_id,
		.partner_id = actor_partner(intake->actor),
	};
}

static struct db_call *add_call(const struct upload_intake *intake, struct db_batch *batch,
	const struct statement *statement)
{
	struct db_call *call = db_add(batch, statement);

	call->params[0] = intake->actor->program_id;
	call->params[1] = actor_partner(intake->actor);
	call->params[2] = intake->file_id;
	return call;
}

/* Bytes at the end that begin a character and do not end it. */
static size_t cut_tail(const char *bytes, size_t length)
{
	for (size_t back = 1; back <= 3 && back <= length; back++) {
		unsigned char byte = (unsigned char)bytes[length - back];
		size_t needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;

		if ((byte & 0xc0) != 0x80)
			return needs > back ? back : 0;
	}
	return 0;
}

static void judge_text(struct upload_intake *intake, bool is_last)
{
	char *begin = intake->buffer + HEADROOM - intake->carried;
	size_t length = intake->carried + intake->used;
	size_t cut = is_last ? 0 : cut_tail(begin, length);

	intake->is_text = intake->is_text && !memchr(begin, '\0', length) &&
			  utf8_is_valid(begin, length - cut);
	memmove(intake->buffer + HEADROOM - cut, begin + length - cut, cut);
	intake->carried = cut;
}

static bool write_chunk(struct upload_intake *intake, struct db *db)
{
	struct db_batch batch = intake_batch(intake);
	struct db_call *call = add_call(intake, &batch, &chunk_statement);
	char *hex = arena_alloc(intake->scratch, intake->used * 2 + 1);

	hex_encode((const unsigned char *)intake->buffer + HEADROOM, intake->used, hex);
	call->params[3] = intake->id;
	call->params[4] = arena_printf(intake->scratch, "%d", intake->sequence++);
	call->params[5] = hex;
	batch.is_write = true;
	bool done = db_run(db, &batch, &intake->problem) == DB_NONE;
	arena_reset(intake->scratch);
	return done;
}

static void flush(struct uploads *uploads, struct upload_intake *intake, bool is_last)
{
	judge_text(intake, is_last);
	if (intake->used > 0 && !intake->problem.is_set)
		write_chunk(intake, uploads->server->app->db);
	intake->used = 0;
}

/* ---- a request ---- */

static bool is_upload(const struct uploads *uploads, const struct _u_request *call)
{
	struct slice path = { call->http_url, strcspn(call->http_url, "?") };
	struct route route = { 0 };

	if (strcmp(call->http_verb, "PUT") != 0)
		return false;
	contract_route(uploads->server->app->contract, METHOD_PUT, path, &route);
	return route.operation && route.operation->takes_bytes;
}

static const char *owner_of(const struct actor *actor)
{
	const char *partner = actor_partner(actor);

	return partner ? partner : actor->id;
}

/* Takes a place for the actor, if there is one. */
static int take_place(struct uploads *uploads, const struct actor *actor)
{
	int own = 0;
	int free_at = -1;

	pthread_mutex_lock(&uploads->lock);
	for (int i = 0; i < UPLOADS_COUNT; i++) {
		const struct upload_intake *intake = &uploads->intakes[i];
		if (!intake->is_taken)
			free_at = i;
		else
			own += intake->actor &&
			       strcmp(owner_of(intake->actor), owner_of(actor)) == 0;
	}
	if (own >= UPLOADS_PER_OWNER)
		free_at = -1;
	if (free_at >= 0) {
		uploads->intakes[free_at].is_taken = true;
		uploads->intakes[free_at].actor = actor;
	}
	pthread_mutex_unlock(&uploads->lock);
	return free_at;
}

/* The file must be there and wait for its content. */
static void find_file(struct uploads *uploads, struct upload_intake *intake)
{
	struct problem problem = PROBLEM_INIT;
	struct db_batch batch = intake_batch(intake);
	const struct db_call *call = add_call(intake, &batch, &open_statement);

	batch.is_write = true;
	if (db_run(uploads->server->app->db, &batch, &problem) != DB_NONE) {
		intake->problem = problem;
	} else if (rows_count(call->rows) > 0) {
		intake->is_open = true;
		intake->declared_bytes = rows_int(call->rows, "size_bytes");
	}
	arena_reset(intake->scratch);
}

static void begin(struct uploads *uploads, struct _u_request *call)
{
	struct exchange exchange = { 0 };
	struct request request = { 0 };
	struct problem problem = PROBLEM_INIT;
	struct arena *arena = arena_new();
	int place = -1;

	exchange_open(&exchange, &request, call, uploads->server, arena);
	call->follow_redirect = THROWN_AWAY;
	if (checks_may_upload(&exchange, &request, &problem)) {
		if (checks_has_budget(&exchange, &request, &problem))
			place = take_place(uploads, request.actor);
		call->follow_redirect = place < 0 ? NO_PLACE : place + 1;
	}
	if (place < 0) {
		arena_free(arena);
		return;
	}
	struct upload_intake *intake = &uploads->intakes[place];
	intake->problem = (struct problem)PROBLEM_INIT;
	intake->arena = arena;
	intake->scratch = arena_new();
	intake->file_id = request.path_ids[0];
	intake->buffer = malloc(HEADROOM + FILE_CHUNK_BYTES);
	if (!intake->buffer)
		abort();
	intake->is_text = true;
	uuid_v7(intake->id);
	crypto_hash_sha256_init(&intake->hash);
	find_file(uploads, intake);
}

static void add(struct uploads *uploads, struct upload_intake *intake, const char *bytes,
	size_t length, struct place *place)
{
	size_t head = FILE_HEAD_BYTES - intake->head_length;

	intake->size_bytes += (int64_t)length;
	if (!intake->is_open || intake->size_bytes > intake->declared_bytes)
		return;
	crypto_hash_sha256_update(&intake->hash, (const unsigned char *)bytes, length);
	head = head < length ? head : length;
	memcpy(intake->head + intake->head_length, bytes, head);
	intake->head_length += head;
	while (length > 0) {
		size_t room = FILE_CHUNK_BYTES - intake->used;
		size_t part = room < length ? room : length;
		memcpy(intake->buffer + HEADROOM + intake->used, bytes, part);
		intake->used += part;
		bytes += part;
		length -= part;
		if (intake->used < FILE_CHUNK_BYTES)
			continue;
		flush(uploads, intake, false);
		if (place)
			place_reading(uploads->server->watchdog, place);
	}
}

static void finish(struct uploads *uploads, struct upload_intake *intake)
{
	unsigned char digest[crypto_hash_sha256_BYTES];

	if (!intake->is_open || intake->sha256[0])
		return;
	flush(uploads, intake, true);
	crypto_hash_sha256_final(&intake->hash, digest);
	hex_encode(digest, sizeof(digest), intake->sha256);
}

bool uploads_take(
	struct uploads *uploads, struct _u_request *call, const char *bytes, size_t length)
{
	struct upload_intake *intake;

	if (length > 0 && call->follow_redirect == UNSEEN && is_upload(uploads, call))
		begin(uploads, call);
	intake = intake_of(uploads, call);
	if (intake && length > 0)
		add(uploads, intake, bytes, length, listener_place(listener_connection(call)));
	if (intake && length == 0)
		finish(uploads, intake);
	return length > 0 && call->follow_redirect != UNSEEN;
}

void uploads_forget(struct uploads *uploads, struct _u_request *call)
{
	struct upload_intake *intake = call ? intake_of(uploads, call) : NULL;

	if (!intake)
		return;
	if (intake->is_open && !intake->sha256[0])
		log_event(LOG_INFO, "upload cut off", "%s of %s after %lld bytes", intake->file_id,
			intake->actor->id, (long long)intake->size_bytes);
	call->follow_redirect = THROWN_AWAY;
	pthread_mutex_lock(&uploads->lock);
	intake_clear(intake);
	pthread_mutex_unlock(&uploads->lock);
}

bool file_upload_of(
	const struct request *request, struct file_upload *ret_upload, struct problem *problem)
{
	const struct upload_intake *intake = ((const struct exchange *)request->connection)->intake;

	*ret_upload = (struct file_upload){ 0 };
	if (!intake)
		return true;
	if (intake->problem.is_set) {
		*problem = intake->problem;
		return false;
	}
	memcpy(ret_upload->id, intake->id, sizeof(ret_upload->id));
	memcpy(ret_upload->sha256, intake->sha256, sizeof(ret_upload->sha256));
	memcpy(ret_upload->head, intake->head, sizeof(ret_upload->head));
	ret_upload->head_length = intake->head_length;
	ret_upload->size_bytes = intake->size_bytes;
	ret_upload->is_text = intake->is_text;
	return true;
}
