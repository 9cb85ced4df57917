/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests that need PostgreSQL: a database of their own in the cluster that DATABASE_URL or
 * PGHOST, PGPORT … name
 * (`pg_virtualenv ctest` gives one), dropped at the end. Without a cluster such a test skips, and
 * says so.
 */
#ifndef PARTNERD_TESTS_UNIT_DB_CLUSTER_H
#define PARTNERD_TESTS_UNIT_DB_CLUSTER_H

#include <libpq-fe.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define CLUSTER_URL_BYTES 600

struct cluster {
	PGconn *admin; /* in the cluster's own database */
	char database[64];
	char url[CLUSTER_URL_BYTES]; /* of the database of this test */
};

static inline bool cluster_is_there(void)
{
	if (getenv("DATABASE_URL") || getenv("PGHOST") || getenv("PGPORT"))
		return true;
	print_message("no DATABASE_URL, PGHOST or PGPORT: tests against PostgreSQL are skipped\n");
	return false;
}

static inline void cluster_run(PGconn *pg, const char *sql)
{
	PGresult *result = PQexec(pg, sql);
	ExecStatusType status = PQresultStatus(result);
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(pg));
	PQclear(result);
}

static inline void cluster_append(struct cluster *cluster, const char *key, const char *value)
{
	size_t length = strlen(cluster->url);
	if (value && *value)
		snprintf(cluster->url + length, CLUSTER_URL_BYTES - length, "%s='%s' ", key, value);
}

/* The application role belongs to the cluster: other tests may make it in the same moment. */
#define CLUSTER_ROLE                                    \
	"do $$ begin create role partnerd_app nologin;" \
	" exception when duplicate_object or unique_violation then null; end $$"

static inline struct cluster cluster_open(const char *name)
{
	struct cluster cluster = { 0 };
	const char *url = getenv("DATABASE_URL");
	cluster.admin = PQconnectdb(url ? url : "");
	if (PQstatus(cluster.admin) != CONNECTION_OK)
		fail_msg("%s", PQerrorMessage(cluster.admin));
	snprintf(cluster.database, sizeof(cluster.database), "unit_%s_%d", name, (int)getpid());
	char sql[128];
	snprintf(sql, sizeof(sql), "create database %s", cluster.database);
	cluster_run(cluster.admin, sql);
	cluster_run(cluster.admin, CLUSTER_ROLE);
	cluster_append(&cluster, "host", PQhost(cluster.admin));
	cluster_append(&cluster, "port", PQport(cluster.admin));
	cluster_append(&cluster, "user", PQuser(cluster.admin));
	cluster_append(&cluster, "password", PQpass(cluster.admin));
	cluster_append(&cluster, "dbname", cluster.database);
	return cluster;
}

static inline void cluster_close(struct cluster *cluster)
{
	char sql[128];
	snprintf(sql, sizeof(sql), "drop database %s with (force)", cluster->database);
	cluster_run(cluster->admin, sql);
	PQfinish(cluster->admin);
}

/* cmocka counts a skip only from within a test. */
#define AGAINST_CLUSTER(test)                 \
	static void with_##test(void **state) \
	{                                     \
		if (!*state)                  \
			skip();               \
		test(state);                  \
	}

#define UNIT_TEST(test) cmocka_unit_test_setup_teardown(with_##test, set_up, tear_down),

#endif
