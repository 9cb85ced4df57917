/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a partner is measured by: the metrics that requirements of tiers may name. Computed ones are
 * read from the records of the program; reported ones are pushed by machines. A new metric is a row
 * of the table in metric.c, and for a computed one the statement that computes it.
 */
#ifndef PARTNERD_DOMAIN_METRIC_H
#define PARTNERD_DOMAIN_METRIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum metric_unit {
	METRIC_COUNT,
	METRIC_BPS,   /* a share: 0 to 10000 */
	METRIC_MINOR, /* money in minor units of the program's currency */
};

enum metric_source { METRIC_COMPUTED, METRIC_REPORTED };

/* Whether a requirement says over how many days the metric is taken. */
enum metric_window {
	WINDOW_NONE,     /* as of now only */
	WINDOW_OPTIONAL, /* a reported value: the newest, not older than the window */
	WINDOW_REQUIRED, /* a sum or share over the window that ends now */
};

struct metric {
	const char *key; /* "won_amount_minor" */
	const char *description;
	enum metric_unit unit;
	enum metric_source source;
	enum metric_window window;
};

extern const struct metric metrics[]; /* ends with key NULL */

/* NULL when there is none. */
const struct metric *metric_find(const char *key);

const char *metric_unit_text(enum metric_unit unit);
const char *metric_source_text(enum metric_source source);
const char *metric_window_text(enum metric_window window);

/* The values that a metric of this unit can have. */
int64_t metric_least(const struct metric *metric);
int64_t metric_most(const struct metric *metric);

#endif
