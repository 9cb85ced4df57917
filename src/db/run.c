/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends a batch as one libpq pipeline and collects its rows. The walls come first and everything up
 * to the Sync is one implicit transaction: it commits at the Sync or not at all, and what
 * set_config(…, true) set ends with it. A dry run is an explicit transaction in two pipelines sent
 * together, so that its ROLLBACK is reached even after an error. Statements are parsed at their
 * first use on a connection, in the same round trip. What is sent is written down as a list of
 * steps, and the answers are read along that list; a failure anywhere, also at the Sync itself
 * (deferred constraints), is the failure of the batch.
 */
#include "db/internal.h"

#include "base/clock.h"

#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_STEPS       (2 * (DB_MAX_CALLS + 1) + 5)
#define MAX_AGAIN       3
#define ANSWER_SPARE_MS 1000

/* app.partner is '*' where every partner of the program may be seen: said by DOOR_PROGRAM, never by
 * leaving something out. */
static const struct statement walls_tenant = { "walls_tenant",
	"select set_config('app.program', $1::text, true), set_config('app.partner', $2::text, "
	"true)",
	"tt" };
static const struct statement walls_identity = { "walls_identity",
	"select set_config('app.door', 'identity', true),"
	" set_config('app.program', coalesce($1::text, ''), true),"
	" set_config('app.partner', coalesce($2::text, ''), true)",
	"tt" };

/* Behind a transaction pooler the session is not ours: what connect.c sets once is set for each
 * transaction. */
#define SESSION_SETTINGS                                                                       \
	" set_config('role', '" DB_ROLE                                                        \
	"', true), set_config('statement_timeout', $3::text, true),"                           \
	" set_config('timezone', 'UTC', true), set_config('datestyle', 'ISO, MDY', true),"     \
	" set_config('bytea_output', 'hex', true), set_config('search_path', 'public', true)," \
	" set_config('jit', 'off', true)"
static const struct statement walls_tenant_pooled = { "walls_tenant_pooled",
	"select set_config('app.program', $1::text, true), set_config('app.partner', $2::text, "
	"true)," SESSION_SETTINGS,
	"ttt" };
static const struct statement walls_identity_pooled = { "walls_identity_pooled",
	"select set_config('app.door', 'identity', true),"
	" set_config('app.program', coalesce($1::text, ''), true),"
	" set_config('app.partner', coalesce($2::text, ''), true)," SESSION_SETTINGS,
	"ttt" };

static const struct statement begin = { "begin", "begin", "" };
static const struct statement check_deferred = { "check_deferred", "set constraints all immediate",
	"" };
static const struct statement rollback = { "rollback", "rollback", "" };

enum step_kind { STEP_COMMAND, STEP_PREPARE, STEP_CALL, STEP_SYNC };

struct step {
	enum step_kind kind;
	const struct statement *statement;
	size_t call;
};

/* One try of a batch on one connection. */
struct attempt {
	struct connection *connection;
	const struct db_batch *batch;
	const struct connect_options *options;
	int64_t deadline_us;
	struct step steps[MAX_STEPS];
	size_t step_count;
	PGresult *results[DB_MAX_CALLS];
	PGresult *error;       /* the first one */
	const char *failed_in; /* name of the statement it belongs to */
	bool failed_at_sync;   /* it came when every statement had been answered */
	const char *fault;     /* ours: the batch cannot be sent */
	const char *lost;      /* why the connection is of no more use */
	char lost_text[PROBLEM_DETAIL_BYTES];
};

/* ---- sending ---- */

static bool lose(struct attempt *attempt, const char *why)
{
	if (!attempt->lost)
		attempt->lost = why ? why
				    : message_line(PQerrorMessage(attempt->connection->pg),
					      attempt->lost_text, sizeof(attempt->lost_text));
	return false;
}

static void push(struct attempt *attempt, enum step_kind kind, const struct statement *statement,
	size_t call)
{
	attempt->steps[attempt->step_count++] = (struct step){ kind, statement, call };
}

static bool is_prepared(const struct attempt *attempt, const struct statement *statement)
{
	if (prepared_has(&attempt->connection->prepared, statement))
		return true;
	for (size_t i = 0; i < attempt->step_count; i++) {
		if (attempt->steps[i].kind == STEP_PREPARE &&
			attempt->steps[i].statement == statement)
			return true;
	}
	return false;
}

static bool send_prepared(struct attempt *attempt, enum step_kind kind,
	const struct statement *statement, const char *const *params, size_t call)
{
	PGconn *pg = attempt->connection->pg;
	int count = (int)strlen(statement->types);
	if (!is_prepared(attempt, statement)) {
		Oid oids[DB_MAX_PARAMS];
		if (types_to_oids(statement->types, oids) < 0) {
			attempt->fault = "a parameter type is unknown";
			attempt->failed_in = statement->name;
			return false;
		}
		if (!PQsendPrepare(pg, statement->name, statement->sql, count, oids))
			return lose(attempt, NULL);
		push(attempt, STEP_PREPARE, statement, call);
	}
	if (!PQsendQueryPrepared(pg, statement->name, count, params, NULL, NULL, 0))
		return lose(attempt, NULL);
	push(attempt, kind, statement, call);
	return true;
}

static bool send_unprepared(struct attempt *attempt, enum step_kind kind,
	const struct statement *statement, const char *const *params, size_t call)
{
	Oid oids[DB_MAX_PARAMS];
	int count = types_to_oids(statement->types, oids);
	if (count < 0) {
		attempt->fault = "a parameter type is unknown";
		attempt->failed_in = statement->name;
		return false;
	}
	if (!PQsendQueryParams(
		    attempt->connection->pg, statement->sql, count, oids, params, NULL, NULL, 0))
		return lose(attempt, NULL);
	push(attempt, kind, statement, call);
	return true;
}

static bool send_statement(struct attempt *attempt, enum step_kind kind,
	const struct statement *statement, const char *const *params, size_t call)
{
	return attempt->options->prepared_statements && statement->name[0] != '\0'
		       ? send_prepared(attempt, kind, statement, params, call)
		       : send_unprepared(attempt, kind, statement, params, call);
}

static bool send_sync(struct attempt *attempt)
{
	if (!PQpipelineSync(attempt->connection->pg))
		return lose(attempt, NULL);
	push(attempt, STEP_SYNC, NULL, 0);
	return true;
}

static bool send_walls(struct attempt *attempt)
{
	const struct db_batch *batch = attempt->batch;
	bool tenant = batch->door != DOOR_IDENTITY;
	const char *partner = batch->door == DOOR_PROGRAM ? "*" : batch->partner_id;
	if (attempt->options->prepared_statements) {
		const char *params[] = { batch->program_id, partner };
		return send_statement(
			attempt, STEP_COMMAND, tenant ? &walls_tenant : &walls_identity, params, 0);
	}
	char timeout_ms[24];
	snprintf(timeout_ms, sizeof(timeout_ms), "%lld",
		(long long)attempt->options->statement_timeout_ms);
	const char *params[] = { batch->program_id, partner, timeout_ms };
	return send_statement(attempt, STEP_COMMAND,
		tenant ? &walls_tenant_pooled : &walls_identity_pooled, params, 0);
}

static bool send_calls(struct attempt *attempt)
{
	const struct db_batch *batch = attempt->batch;
	for (size_t i = 0; i < batch->call_count; i++) {
		const struct db_call *call = &batch->calls[i];
		if (!send_statement(attempt, STEP_CALL, call->statement, call->params, i))
			return false;
	}
	return true;
}

static bool send_batch(struct attempt *attempt)
{
	if (!attempt->batch->rollback)
		return send_walls(attempt) && send_calls(attempt) && send_sync(attempt);
	return send_unprepared(attempt, STEP_COMMAND, &begin, NULL, 0) && send_walls(attempt) &&
	       send_calls(attempt) &&
	       send_unprepared(attempt, STEP_COMMAND, &check_deferred, NULL, 0) &&
	       send_sync(attempt) && send_unprepared(attempt, STEP_COMMAND, &rollback, NULL, 0) &&
	       send_sync(attempt);
}

/* ---- reading ---- */

/*
 * libpq alone would wait for ever on a peer that neither answers nor hangs up. Below TLS there may
 * be bytes that poll() cannot see: there the wait is cut into slices.
 */
static bool wait_answer(struct attempt *attempt)
{
	PGconn *pg = attempt->connection->pg;
	while (PQisBusy(pg)) {
		int64_t left_ms = (attempt->deadline_us - clock_monotonic_us()) / 1000;
		if (left_ms <= 0)
			return lose(attempt, "the database did not answer in time");
		if (attempt->connection->has_tls && left_ms > TLS_SLICE_MS)
			left_ms = TLS_SLICE_MS;
		struct pollfd fd = { .fd = PQsocket(pg), .events = POLLIN };
		bool is_readable = poll(&fd, 1, (int)left_ms) > 0;
		if ((is_readable || attempt->connection->has_tls) && !PQconsumeInput(pg))
			return lose(attempt, NULL);
	}
	return true;
}

static void keep_error(struct attempt *attempt, const struct step *step, PGresult *result)
{
	if (attempt->error) {
		PQclear(result);
		return;
	}
	attempt->error = result;
	attempt->failed_in = step->statement ? step->statement->name : "commit";
	attempt->failed_at_sync = step->kind == STEP_SYNC;
}

static void take_result(struct attempt *attempt, const struct step *step, PGresult *result)
{
	switch (PQresultStatus(result)) {
	case PGRES_TUPLES_OK:
	case PGRES_COMMAND_OK:
		if (step->kind == STEP_PREPARE)
			prepared_add(&attempt->connection->prepared, step->statement);
		if (step->kind == STEP_CALL && !attempt->results[step->call])
			attempt->results[step->call] = result;
		else
			PQclear(result);
		return;
	case PGRES_PIPELINE_SYNC:
		if (step->kind != STEP_SYNC)
			lose(attempt, "the pipeline is out of step");
		PQclear(result);
		return;
	case PGRES_PIPELINE_ABORTED: PQclear(result); return;
	case PGRES_FATAL_ERROR: keep_error(attempt, step, result); return;
	default:
		lose(attempt, "an answer that belongs to no statement of ours");
		PQclear(result);
		return;
	}
}

/* Reads what one step answers: results up to a NULL, or up to its own mark when the step is a Sync.
 */
static bool read_step(struct attempt *attempt, const struct step *step)
{
	PGconn *pg = attempt->connection->pg;
	for (int nulls = 0; nulls < 3;) {
		if (!wait_answer(attempt))
			return false;
		PGresult *result = PQgetResult(pg);
		bool is_mark = PQresultStatus(result) == PGRES_PIPELINE_SYNC;
		if (result)
			take_result(attempt, step, result);
		if (PQstatus(pg) == CONNECTION_BAD)
			lose(attempt, NULL);
		if (attempt->lost)
			return false;
		if (is_mark || (!result && step->kind != STEP_SYNC))
			return true;
		nulls += !result;
	}
	return lose(attempt, "the pipeline has no end");
}

static void attempt_make(struct attempt *attempt)
{
	if (!send_batch(attempt)) {
		/* What was sent without a Sync cannot be taken back: the connection goes, and with
		 * it the transaction. */
		lose(attempt, NULL);
		return;
	}
	for (size_t i = 0; i < attempt->step_count; i++) {
		if (!read_step(attempt, &attempt->steps[i]))
			return;
	}
}

static void attempt_clear(struct attempt *attempt)
{
	for (size_t i = 0; i < attempt->batch->call_count; i++)
		PQclear(attempt->results[i]);
	PQclear(attempt->error);
}

/* ---- outcome ---- */

static struct failure attempt_failure(const struct attempt *attempt)
{
	struct failure failure = { .statement = attempt->failed_in };
	if (attempt->error) {
		failure.sqlstate = PQresultErrorField(attempt->error, PG_DIAG_SQLSTATE);
		failure.constraint = PQresultErrorField(attempt->error, PG_DIAG_CONSTRAINT_NAME);
		failure.message = PQresultErrorField(attempt->error, PG_DIAG_MESSAGE_PRIMARY);
	}
	if (!failure.message)
		failure.message = attempt->lost;
	return failure;
}

/* The rows now live as long as the arena. */
static void adopt_rows(struct attempt *attempt, struct db_batch *batch)
{
	for (size_t i = 0; i < batch->call_count; i++)
		batch->calls[i].rows = rows_new(batch->arena, attempt->results[i]);
}

static void forget_prepared(struct connection *connection)
{
	prepared_clear(&connection->prepared);
	PQexitPipelineMode(connection->pg);
	PQclear(exec_within(connection->pg, "deallocate all", SESSION_EXEC_MS));
	PQenterPipelineMode(connection->pg);
}

/* Full jitter, so that two that met in a deadlock do not meet again. */
static void pause_before_again(int tries)
{
	uint32_t limit_us = 4000U << tries;
	struct timespec pause = { 0, (long)(500 + randombytes_uniform(limit_us)) * 1000 };
	nanosleep(&pause, NULL);
}

struct tries {
	int again, forget, reconnect;
	enum take take;
};

/*
 * A session that ends at its Sync may have ended after the commit. Class 08 is a pooler's word
 * about a server it has lost: what that server did last is unknown, whatever statement the word
 * answers.
 */
static bool may_have_committed(const struct attempt *attempt, const struct failure *failure)
{
	return attempt->batch->is_write && !attempt->batch->rollback &&
	       (attempt->failed_at_sync ||
		       (failure->sqlstate && strncmp(failure->sqlstate, "08", 2) == 0));
}

/* Decides on one more try, and pauses or asks for a new connection for it. */
static bool try_again(
	struct tries *tries, const struct attempt *attempt, const struct failure *failure)
{
	if (attempt->fault)
		return false;
	if (attempt->lost) {
		tries->take = TAKE_FRESH;
		return !attempt->batch->is_write && tries->reconnect++ == 0;
	}
	switch (failure_remedy(failure)) {
	case REMEDY_AGAIN:
		if (tries->again == MAX_AGAIN)
			return false;
		pause_before_again(tries->again++);
		return true;
	case REMEDY_FORGET: return tries->forget++ == 0;
	case REMEDY_RECONNECT:
		tries->take = TAKE_FRESH;
		return !may_have_committed(attempt, failure) && tries->reconnect++ == 0;
	case REMEDY_NONE: return false;
	}
	return false;
}

static void attempt_run(struct attempt *attempt, int64_t answer_ms)
{
	struct connection *connection = attempt->connection;
	attempt->deadline_us = clock_monotonic_us() + answer_ms * 1000;
	if (connection->prepared.count + attempt->batch->call_count + 1 > PREPARED_MAX)
		forget_prepared(connection);
	attempt_make(attempt);
}

static enum db_failure attempt_explain(
	const struct attempt *attempt, struct failure *failure, struct problem *problem)
{
	if (attempt->fault) {
		failure->sqlstate = "XX000";
		failure->message = attempt->fault;
	} else if (attempt->lost) {
		failure->sqlstate = NULL;
	}
	return failure_explain(failure, attempt->batch->arena, problem);
}

/* True when the batch is settled, with *ret_failure; false when it is to be tried again. */
static bool run_once(struct db *db, struct connection *connection, struct db_batch *batch,
	int64_t answer_ms, struct tries *tries, enum db_failure *ret_failure,
	struct problem *problem)
{
	struct attempt attempt = {
		.connection = connection, .batch = batch, .options = pool_options(db)
	};
	attempt_run(&attempt, answer_ms);
	if (!attempt.lost && !attempt.error) {
		pool_give(db, connection, /* is_broken = */ false);
		adopt_rows(&attempt, batch);
		*ret_failure = DB_NONE;
		return true;
	}
	struct failure failure = attempt_failure(&attempt);
	enum remedy remedy = failure_remedy(&failure);
	if (!attempt.lost && remedy == REMEDY_FORGET)
		forget_prepared(connection);
	pool_give(db, connection, attempt.lost || remedy == REMEDY_RECONNECT);
	bool is_settled = !try_again(tries, &attempt, &failure);
	if (is_settled)
		*ret_failure = attempt_explain(&attempt, &failure, problem);
	attempt_clear(&attempt);
	return is_settled;
}

/* Forgetting to say something must show less, not more. */
static bool has_door(const struct db_batch *batch)
{
	switch (batch->door) {
	case DOOR_PROGRAM: return batch->program_id && !batch->partner_id;
	case DOOR_PARTNER: return batch->program_id && batch->partner_id;
	case DOOR_IDENTITY: return !batch->partner_id;
	case DOOR_NONE: break;
	}
	return false;
}

enum db_failure db_run_within(struct db *db, struct db_batch *batch,
	const struct run_limits *limits, struct problem *problem)
{
	for (size_t i = 0; i < batch->call_count; i++)
		batch->calls[i].rows = NULL;
	if (!has_door(batch)) {
		problem_set(problem, PROBLEM_internal, "The request could not be handled.");
		problem_cause(problem, "a batch does not say whose rows it may see");
		return DB_BROKEN;
	}
	struct tries tries = { .take = TAKE_ANY };
	enum db_failure failure = DB_NONE;
	bool is_settled = false;
	while (!is_settled) {
		struct connection *connection = pool_take(db, tries.take, limits->wait_ms, problem);
		if (!connection)
			return DB_UNAVAILABLE;
		is_settled = run_once(
			db, connection, batch, limits->answer_ms, &tries, &failure, problem);
	}
	return failure;
}

/* ---- public ---- */

struct db_call *db_add(struct db_batch *batch, const struct statement *statement)
{
	if (batch->call_count >= DB_MAX_CALLS)
		abort(); /* a batch is composed by our code, never by input */
	struct db_call *call = &batch->calls[batch->call_count++];
	*call = (struct db_call){ .statement = statement };
	return call;
}

/* Every statement may take its statement_timeout; beyond that the server is not the one who is
 * slow. */
enum db_failure db_run(struct db *db, struct db_batch *batch, struct problem *problem)
{
	int64_t each_ms = pool_options(db)->statement_timeout_ms;
	struct run_limits limits = {
		.wait_ms = pool_wait_ms(db),
		.answer_ms = each_ms * (int64_t)(batch->call_count + 1) + ANSWER_SPARE_MS,
	};
	return db_run_within(db, batch, &limits, problem);
}
