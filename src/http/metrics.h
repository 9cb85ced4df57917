/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers about the process for /metrics. What is counted for each request are relaxed atomics in
 * arrays by operation; everything else is a gauge that is asked for when somebody reads.
 */
#ifndef PARTNERD_SRC_HTTP_METRICS_H
#define PARTNERD_SRC_HTTP_METRICS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"
#include "contract/contract.h"

struct metrics;

struct metrics *metrics_make(const struct contract *contract);
struct metrics *metrics_free(struct metrics *metrics);

/* One answered request; `operation` is NULL when none was found. */
void metrics_request(struct metrics *metrics, const struct operation *operation, int status,
	int64_t duration_us);

#define METRICS_MAX_GAUGES 32

/*
 * Adds a value that `fn` is asked for at every reading, from any thread, until metrics_free. `name`
 * and `help` are static; a name that ends in _total is written as a counter.
 */
void metrics_gauge(struct metrics *metrics, const char *name, const char *help,
	double (*fn)(void *context), void *context);

/* The page: OpenMetrics 1.0, or Prometheus' text format 0.0.4. */
void metrics_write(struct metrics *metrics, bool openmetrics, struct text *out);

#endif
