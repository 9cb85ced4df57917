/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log behind GET /v1/api-requests: one line for each request of a known caller, without bodies.
 * A request only copies its line into a ring in memory; a thread writes what is there to the
 * database, in batches and not more than request_log_per_second. When the ring is full, because the
 * database is away or there are more requests than that, new lines are dropped and counted:
 * requests neither wait for their log nor fail for it.
 */
#ifndef PARTNERD_SRC_HTTP_REQUEST_LOG_H
#define PARTNERD_SRC_HTTP_REQUEST_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "http/app.h"
#include "http/request.h"
#include "http/response.h"

struct request_log;

/* NULL when no thread can be had. */
struct request_log *request_log_start(struct app *app);
/* Writes what is left, as far as the database takes it. Always returns NULL. */
struct request_log *request_log_stop(struct request_log *log);

/* Does nothing when the caller is not known. `problem` may be one that is not set. */
void request_log_add(struct request_log *log, const struct request *request, int status,
	const struct problem *problem, int64_t duration_us);

int64_t request_log_waiting(struct request_log *log);
int64_t request_log_written_total(struct request_log *log);
int64_t request_log_dropped_total(struct request_log *log);

#endif
