/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of batches share: a small schema whose constraints borrow names that sqlstate.c
 * knows, statements on it, and a pool that is opened anew for each test.
 */
#ifndef PARTNERD_TESTS_UNIT_DB_FIXTURE_H
#define PARTNERD_TESTS_UNIT_DB_FIXTURE_H

#include "cluster.h"
#include "db/internal.h"

#include "base/log.h"

#include <poll.h>

#define UNUSED  __attribute__((unused))
#define PROGRAM "018f0000-0000-7000-8000-00000000000a"
#define PARTNER "018f0000-0000-7000-8000-00000000000b"

static const char schema[] =
	"create table things (id int constraint deals_pkey primary key, email text not null,"
	" constraint users_email_key unique (email));"
	"create table parts (thing_id int, constraint deals_partner_fkey foreign key (thing_id)"
	" references things (id) deferrable initially deferred);"
	"create table keys (key text constraint idempotency_keys_pkey primary key);"
	"create sequence calls;"
	"create function refuse(state text, up_to bigint default 1000000) returns bigint language "
	"plpgsql as $$"
	" declare call bigint := nextval('calls'); begin if call <= up_to then"
	" raise exception 'refused %', call using errcode = state; end if; return call; end $$;"
	"create function die(up_to bigint) returns bigint language plpgsql security definer as $$"
	" declare call bigint := nextval('calls'); begin if call <= up_to then"
	" perform pg_terminate_backend(pg_backend_pid()); perform pg_sleep(10); end if; return "
	"call; end $$;"
	"grant all on all tables in schema public to partnerd_app;"
	"grant all on all sequences in schema public to partnerd_app";

UNUSED static const struct statement insert_thing = { "insert_thing",
	"insert into things values ($1, $2) returning id", "it" };
UNUSED static const struct statement insert_part = { "insert_part", "insert into parts values ($1)",
	"i" };
UNUSED static const struct statement insert_key = { "insert_key", "insert into keys values ($1)",
	"t" };
UNUSED static const struct statement count_things = { "count_things",
	"select count(*) as n from things", "" };
UNUSED static const struct statement refuse = { "refuse", "select refuse($1)", "t" };
UNUSED static const struct statement refuse_first = { "refuse_first",
	"select refuse($1, $2) as call", "ti" };
UNUSED static const struct statement die = { "die", "select die($1) as call", "i" };
UNUSED static const struct statement take_lock = { "take_lock",
	"select pg_advisory_xact_lock(7)::text", "" };
UNUSED static const struct statement nap = { "nap", "select pg_sleep(30)::text", "" };
UNUSED static const struct statement session = { "session",
	"select current_user as role, current_setting('app.program') as program, "
	"current_setting('app.partner') as partner,"
	" coalesce(current_setting('app.door', true), '') as door, current_setting('timezone') as "
	"zone,"
	" current_setting('statement_timeout') as timeout, current_setting('search_path') as path,"
	" (select count(*) from pg_prepared_statements) as prepared",
	"" };

struct fixture {
	struct cluster cluster;
	PGconn *pg; /* as the owner, in the database of the test */
	struct settings settings;
	struct db *db;
	struct arena *arena;
	struct db_batch batch;
	struct problem problem;
};

/* ---- helpers ---- */

static inline struct db_batch *start(struct fixture *f)
{
	f->batch =
		(struct db_batch){ .arena = f->arena, .door = DOOR_PROGRAM, .program_id = PROGRAM };
	f->problem = (struct problem)PROBLEM_INIT;
	return &f->batch;
}

static inline enum db_failure run(struct fixture *f)
{
	return db_run(f->db, &f->batch, &f->problem);
}

static inline void add_thing(struct fixture *f, const char *id, const char *email)
{
	struct db_call *call = db_add(&f->batch, &insert_thing);
	call->params[0] = id;
	call->params[1] = email;
}

static inline struct rows *run_one(struct fixture *f, const struct statement *statement)
{
	struct db_call *call = db_add(start(f), statement);
	enum db_failure failure = run(f);
	if (failure != DB_NONE)
		fail_msg("%s: %d %s", statement->name, failure, f->problem.cause);
	return call->rows;
}

static inline int64_t things(struct fixture *f)
{
	return rows_int(run_one(f, &count_things), "n");
}

static inline void owner_waits_for(struct fixture *f, const char *condition)
{
	char sql[300];
	snprintf(sql, sizeof(sql), "select 1 from pg_stat_activity where %s", condition);
	for (int n = 0; n == 0;) {
		PGresult *result = PQexec(f->pg, sql);
		n = PQntuples(result);
		PQclear(result);
		poll(NULL, 0, n ? 0 : 5);
	}
}

static inline void wait_for_usage(struct fixture *f, int busy, int waiting)
{
	struct db_usage usage;
	do {
		db_usage(f->db, &usage);
		poll(NULL, 0, 2);
	} while (usage.busy != busy || usage.waiting != waiting);
}

static inline void reopen(struct fixture *f)
{
	db_close(f->db);
	f->db = db_open(&f->settings);
}

/* ---- set-up ---- */

static inline int open_fixture(void **state)
{
	log_set_level(LOG_OFF);
	if (!cluster_is_there())
		return 0;
	struct fixture *f = calloc(1, sizeof(*f));
	f->cluster = cluster_open("run");
	f->pg = PQconnectdb(f->cluster.url);
	f->arena = arena_new();
	PQclear(PQexec(f->pg, "set client_min_messages = warning"));
	*state = f;
	return 0;
}

static inline int close_fixture(void **state)
{
	struct fixture *f = *state;
	if (!f)
		return 0;
	PQfinish(f->pg);
	cluster_close(&f->cluster);
	arena_free(f->arena);
	free(f);
	return 0;
}

static inline int set_up(void **state)
{
	struct fixture *f = *state;
	if (!f)
		return 0;
	f->settings = (struct settings){ .database_url = f->cluster.url,
		.database_connections = 4,
		.database_wait_ms = 5000,
		.statement_timeout_ms = 20000,
		.prepared_statements = true };
	cluster_run(f->pg, "drop schema public cascade; create schema public;"
			   " grant usage on schema public to partnerd_app");
	cluster_run(f->pg, schema);
	f->db = db_open(&f->settings);
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *f = *state;
	if (!f)
		return 0;
	cluster_run(f->pg, "select pg_advisory_unlock_all()");
	f->db = db_close(f->db);
	arena_reset(f->arena);
	return 0;
}

#endif
