/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The label of a request is the path of its operation as the contract writes it, never the path
 * that was asked for: ids would make a series each. What no operation answers is counted as
 * "unmatched". The two text formats differ in the header of counters and in the last line only.
 */
#include "http/metrics.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "http/gate.h"

static const int statuses[] = { 200, 201, 202, 204, 304, 400, 401, 403, 404, 405, 406, 409, 410,
	412, 413, 414, 415, 422, 428, 429, 431, 500, 503, 504 };

static const int64_t bounds_us[] = { 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000,
	500000, 1000000, 2500000, 10000000 };

#define STATUS_COUNT (sizeof(statuses) / sizeof(statuses[0]))
#define BOUND_COUNT  (sizeof(bounds_us) / sizeof(bounds_us[0]))

struct series {
	_Atomic uint64_t by_status[STATUS_COUNT + 1]; /* the last one: any other */
	_Atomic uint64_t by_duration[BOUND_COUNT + 1];
	_Atomic uint64_t duration_us;
};

struct gauge {
	const char *name, *help;
	double (*fn)(void *context);
	void *context;
};

struct metrics {
	const struct contract *contract;
	size_t operation_count;
	pthread_mutex_t lock; /* the list of gauges */
	size_t gauge_count;
	struct gauge gauges[METRICS_MAX_GAUGES];
	struct series series[]; /* by operation, then the unmatched */
};

static size_t status_slot(int status)
{
	size_t slot = 0;

	while (slot < STATUS_COUNT && statuses[slot] != status)
		slot++;
	return slot;
}

static size_t duration_slot(int64_t duration_us)
{
	size_t slot = 0;

	while (slot < BOUND_COUNT && duration_us > bounds_us[slot])
		slot++;
	return slot;
}

static void add(_Atomic uint64_t *counter, uint64_t value)
{
	atomic_fetch_add_explicit(counter, value, memory_order_relaxed);
}

static uint64_t read_counter(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

struct metrics *metrics_make(const struct contract *contract)
{
	size_t count = contract_operation_count(contract);
	struct metrics *metrics =
		calloc(1, sizeof(*metrics) + (count + 1) * sizeof(metrics->series[0]));

	if (!metrics)
		abort();
	metrics->contract = contract;
	metrics->operation_count = count;
	pthread_mutex_init(&metrics->lock, NULL);
	return metrics;
}

struct metrics *metrics_free(struct metrics *metrics)
{
	if (metrics)
		pthread_mutex_destroy(&metrics->lock);
	free(metrics);
	return NULL;
}

void metrics_request(
	struct metrics *metrics, const struct operation *operation, int status, int64_t duration_us)
{
	struct series *series =
		&metrics->series[operation ? operation->index : metrics->operation_count];

	add(&series->by_status[status_slot(status)], 1);
	add(&series->by_duration[duration_slot(duration_us)], 1);
	add(&series->duration_us, (uint64_t)duration_us);
}

void metrics_gauge(struct metrics *metrics, const char *name, const char *help,
	double (*fn)(void *context), void *context)
{
	pthread_mutex_lock(&metrics->lock);
	if (metrics->gauge_count < METRICS_MAX_GAUGES)
		metrics->gauges[metrics->gauge_count++] = (struct gauge){ name, help, fn, context };
	pthread_mutex_unlock(&metrics->lock);
}

/* ---- writing ---- */

static void write_family(
	struct text *out, bool openmetrics, const char *name, const char *type, const char *help)
{
	size_t length = strlen(name);
	bool is_total = length > 6 && strcmp(name + length - 6, "_total") == 0;

	if (openmetrics && is_total)
		length -= 6;
	text_appendf(out, "# TYPE %.*s %s\n", (int)length, name, type);
	text_appendf(out, "# HELP %.*s %s\n", (int)length, name, help);
}

static void write_labels(struct text *out, const struct metrics *metrics, size_t index)
{
	const struct operation *operation = index < metrics->operation_count
						    ? contract_operation(metrics->contract, index)
						    : NULL;

	text_appendf(out, "method=\"%s\",route=\"%s\"",
		operation ? gate_method_text(operation->method) : "any",
		operation ? operation->path : "unmatched");
}

static void write_counts(struct text *out, const struct metrics *metrics, size_t index)
{
	for (size_t slot = 0; slot <= STATUS_COUNT; slot++) {
		uint64_t count = read_counter(&metrics->series[index].by_status[slot]);

		if (count == 0)
			continue;
		text_append_string(out, "partnerd_http_requests_total{");
		write_labels(out, metrics, index);
		if (slot < STATUS_COUNT)
			text_appendf(out, ",status=\"%d\"} ", statuses[slot]);
		else
			text_append_string(out, ",status=\"other\"} ");
		text_append_int64(out, (int64_t)count);
		text_append_char(out, '\n');
	}
}

static void write_bucket(struct text *out, const struct metrics *metrics, size_t index,
	const char *bound, uint64_t count)
{
	text_append_string(out, "partnerd_http_request_duration_seconds_bucket{");
	write_labels(out, metrics, index);
	text_appendf(out, ",le=\"%s\"} %llu\n", bound, (unsigned long long)count);
}

static void write_histogram(struct text *out, const struct metrics *metrics, size_t index)
{
	const struct series *series = &metrics->series[index];
	uint64_t count = 0;
	char bound[32];

	for (size_t slot = 0; slot < BOUND_COUNT; slot++) {
		count += read_counter(&series->by_duration[slot]);
		snprintf(bound, sizeof(bound), "%.4g", (double)bounds_us[slot] / 1e6);
		write_bucket(out, metrics, index, bound, count);
	}
	count += read_counter(&series->by_duration[BOUND_COUNT]);
	write_bucket(out, metrics, index, "+Inf", count);
	text_append_string(out, "partnerd_http_request_duration_seconds_sum{");
	write_labels(out, metrics, index);
	text_appendf(out, "} %.6f\n", (double)read_counter(&series->duration_us) / 1e6);
	text_append_string(out, "partnerd_http_request_duration_seconds_count{");
	write_labels(out, metrics, index);
	text_appendf(out, "} %llu\n", (unsigned long long)count);
}

static bool was_used(const struct series *series)
{
	for (size_t slot = 0; slot <= BOUND_COUNT; slot++)
		if (read_counter(&series->by_duration[slot]) > 0)
			return true;
	return false;
}

static void write_gauge(struct text *out, bool openmetrics, const struct gauge *gauge)
{
	size_t length = strlen(gauge->name);
	bool is_total = length > 6 && strcmp(gauge->name + length - 6, "_total") == 0;
	double value = gauge->fn(gauge->context);

	write_family(out, openmetrics, gauge->name, is_total ? "counter" : "gauge", gauge->help);
	text_appendf(out, "%s %.15g\n", gauge->name, isfinite(value) ? value : 0.0);
}

static size_t copy_gauges(struct metrics *metrics, struct gauge copy[static METRICS_MAX_GAUGES])
{
	size_t count;

	pthread_mutex_lock(&metrics->lock);
	count = metrics->gauge_count;
	memcpy(copy, metrics->gauges, count * sizeof(copy[0]));
	pthread_mutex_unlock(&metrics->lock);
	return count;
}

void metrics_write(struct metrics *metrics, bool openmetrics, struct text *out)
{
	struct gauge gauges[METRICS_MAX_GAUGES];
	size_t gauge_count = copy_gauges(metrics, gauges);

	write_family(
		out, openmetrics, "partnerd_http_requests_total", "counter", "Requests answered.");
	for (size_t i = 0; i <= metrics->operation_count; i++)
		write_counts(out, metrics, i);
	write_family(out, openmetrics, "partnerd_http_request_duration_seconds", "histogram",
		"From the complete request to its complete answer, without the time on the wire.");
	for (size_t i = 0; i <= metrics->operation_count; i++)
		if (was_used(&metrics->series[i]))
			write_histogram(out, metrics, i);
	for (size_t i = 0; i < gauge_count; i++)
		write_gauge(out, openmetrics, &gauges[i]);
	if (openmetrics)
		text_append_string(out, "# EOF\n");
}
