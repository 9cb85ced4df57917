/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a connection ready for use. Whatever the URL leaves open gets a bounded default here, so
 * that no dead peer can hold a thread for long. With prepared statements the session belongs to us
 * and is set up once; without them (a transaction pooler such as pgbouncer sits in between) no
 * session state may be left behind, and run.c sets the same things for the length of each
 * transaction instead. A new session setting needs a line in both places.
 */
#include "db/internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

const char *message_line(const char *message, char *out, size_t size)
{
	size_t length = 0;
	for (; message && *message && length + 1 < size; message++) {
		bool is_space = *message == '\n' || *message == '\t' || *message == ' ';
		if (!is_space)
			out[length++] = *message;
		else if (length > 0 && out[length - 1] != ' ')
			out[length++] = ' ';
	}
	while (length > 0 && out[length - 1] == ' ')
		length--;
	out[length] = '\0';
	return out;
}

/* libpq prints notices on standard error unless told otherwise; our log holds JSON only. */
static void on_notice(void *context, const char *message)
{
	(void)context;
	char line[PROBLEM_DETAIL_BYTES];
	log_event(LOG_DEBUG, "database notice", "%s", message_line(message, line, sizeof(line)));
}

void connect_params(const char *database_url, const char *keys[CONNECT_PARAMS],
	const char *values[CONNECT_PARAMS])
{
	static const char *const defaults[][2] = {
		{ "connect_timeout", "3" },
		{ "tcp_user_timeout", "15000" },
		{ "keepalives_idle", "10" },
		{ "keepalives_interval", "5" },
		{ "keepalives_count", "3" },
		{ "gssencmode", "disable" },
		{ "application_name", "partnerd" },
		{ "client_encoding", "UTF8" },
	};
	size_t count = 0;
	for (; count < sizeof(defaults) / sizeof(defaults[0]); count++) {
		keys[count] = defaults[count][0];
		values[count] = defaults[count][1];
	}
	keys[count] = "dbname"; /* expanded by libpq when it is a URL or a list of settings */
	values[count] = database_url;
	keys[count + 1] = values[count + 1] = NULL;
}

PGconn *connect_owner(const char *database_url, struct text *reterr)
{
	const char *keys[CONNECT_PARAMS], *values[CONNECT_PARAMS];
	connect_params(database_url, keys, values);
	PGconn *pg = PQconnectdbParams(keys, values, /* expand_dbname = */ 1);
	if (pg && PQstatus(pg) == CONNECTION_OK) {
		PQsetNoticeProcessor(pg, on_notice, NULL);
		return pg;
	}
	char line[PROBLEM_DETAIL_BYTES];
	text_appendf(reterr, "cannot connect to the database: %s",
		message_line(pg ? PQerrorMessage(pg) : "out of memory", line, sizeof(line)));
	PQfinish(pg);
	return NULL;
}

/* libpq alone would wait for ever. Below TLS there may be bytes that poll() cannot see: hence the
 * slices. */
static bool wait_result(PGconn *pg, int64_t deadline_us)
{
	while (PQisBusy(pg)) {
		int64_t left_ms = (deadline_us - clock_monotonic_us()) / 1000;
		if (left_ms <= 0)
			return false;
		struct pollfd fd = { .fd = PQsocket(pg), .events = POLLIN };
		poll(&fd, 1,
			(int)(PQsslInUse(pg) && left_ms > TLS_SLICE_MS ? TLS_SLICE_MS : left_ms));
		if (!PQconsumeInput(pg))
			return false;
	}
	return true;
}

PGresult *exec_within(PGconn *pg, const char *sql, int64_t timeout_ms)
{
	int64_t deadline_us = clock_monotonic_us() + timeout_ms * 1000;
	PGresult *last = NULL;
	if (!PQsendQuery(pg, sql))
		return NULL;
	while (wait_result(pg, deadline_us)) {
		PGresult *result = PQgetResult(pg);
		if (!result)
			return last;
		PQclear(last);
		last = result;
	}
	PQclear(last);
	return NULL;
}

/* One round trip: the simple protocol takes several statements at once. */
static bool session_setup(PGconn *pg, const struct connect_options *options, struct text *reterr)
{
	struct text sql = TEXT_INIT;
	text_appendf(&sql,
		"set role " DB_ROLE "; set timezone = 'UTC'; set datestyle = 'ISO, MDY';"
		"set bytea_output = hex; set search_path = public; set jit = off;"
		"set plan_cache_mode = force_generic_plan; set client_min_messages = warning;"
		"set statement_timeout = %lld; set idle_in_transaction_session_timeout = %lld",
		(long long)options->statement_timeout_ms, (long long)options->statement_timeout_ms);
	PGresult *result = exec_within(pg, sql.bytes, SESSION_EXEC_MS);
	bool ok = PQresultStatus(result) == PGRES_COMMAND_OK;
	char line[PROBLEM_DETAIL_BYTES];
	if (!ok)
		text_appendf(reterr, "cannot set up the database session: %s",
			!result && PQstatus(pg) == CONNECTION_OK
				? "the database did not answer in time"
				: message_line(PQerrorMessage(pg), line, sizeof(line)));
	PQclear(result);
	text_release(&sql);
	return ok;
}

static bool pipeline_enter(PGconn *pg, struct text *reterr)
{
	if (PQenterPipelineMode(pg))
		return true;
	text_append_string(reterr, "cannot enter pipeline mode");
	return false;
}

struct connection *connection_open(const struct connect_options *options, struct text *reterr)
{
	PGconn *pg = connect_owner(options->database_url, reterr);
	if (!pg)
		return NULL;
	bool ok = !options->prepared_statements || session_setup(pg, options, reterr);
	struct connection *connection = NULL;
	if (ok && pipeline_enter(pg, reterr))
		connection = calloc(1, sizeof(*connection));
	if (!connection) {
		PQfinish(pg);
		return NULL;
	}
	connection->pg = pg;
	connection->has_tls = PQsslInUse(pg);
	return connection;
}

struct connection *connection_close(struct connection *connection)
{
	if (connection)
		PQfinish(connection->pg);
	free(connection);
	return NULL;
}

bool connection_is_alive(const struct connection *connection)
{
	struct pollfd fd = { .fd = PQsocket(connection->pg), .events = POLLIN };
	if (fd.fd < 0)
		return false;
	if (poll(&fd, 1, 0) == 0)
		return true;
	/* Something came unasked: a goodbye, or merely a changed server parameter. */
	return PQconsumeInput(connection->pg) && !PQisBusy(connection->pg) &&
	       PQstatus(connection->pg) == CONNECTION_OK;
}

/* The slot that holds the statement, or the free one where it would go. */
static size_t prepared_slot(const struct prepared *prepared, const struct statement *statement)
{
	size_t slot = name_hash(statement->name) & (PREPARED_SLOTS - 1);
	while (prepared->slots[slot].name) {
		/* The usual hit is the very same text; a name twice with two texts must not pass as
		 * one. */
		if (prepared->slots[slot].sql == statement->sql)
			break;
		if (strcmp(prepared->slots[slot].name, statement->name) == 0 &&
			strcmp(prepared->slots[slot].sql, statement->sql) == 0)
			break;
		slot = (slot + 1) & (PREPARED_SLOTS - 1);
	}
	return slot;
}

bool prepared_has(const struct prepared *prepared, const struct statement *statement)
{
	return prepared->slots[prepared_slot(prepared, statement)].name != NULL;
}

bool prepared_add(struct prepared *prepared, const struct statement *statement)
{
	size_t slot = prepared_slot(prepared, statement);
	if (prepared->slots[slot].name)
		return true;
	if (prepared->count >= PREPARED_MAX)
		return false;
	prepared->slots[slot].name = statement->name;
	prepared->slots[slot].sql = statement->sql;
	prepared->count++;
	return true;
}

void prepared_clear(struct prepared *prepared)
{
	memset(prepared, 0, sizeof(*prepared));
}
