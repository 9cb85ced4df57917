/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credit for a deal (domain.md §5.21): what was agreed between the partners, and what each is
 * credited with at approval by the program's model and window. Frozen from then on.
 */
#ifndef PARTNERD_DOMAIN_CREDIT_H
#define PARTNERD_DOMAIN_CREDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/problem.h"

#define CREDIT_MAX_SHARES 20

/*
 * sourced: all to the partner that brought the deal. shared: by the agreed shares. even: the same
 * to each. Help counts when it is no longer ago than the window; who brought the deal always
 * counts.
 */
enum credit_model { CREDIT_SOURCED, CREDIT_SHARED, CREDIT_EVEN };

bool credit_model_parse(const char *text, enum credit_model *ret_model);

struct credit_share {
	const char *partner_id;
	bool is_sourced; /* brought the deal; else helped */
	int64_t share_bps;
	int64_t days_ago;           /* when it took part */
	const char *partner_status; /* NULL: there is no such partner */
};

/* Partners that are there, each once, one of them the source; shares of 10,000 together; nothing of
 * what is still to come. All faults at once. */
bool credit_split_check(const struct credit_share *shares, size_t count, struct arena *arena,
	struct problem *problem);

/* Before approval freezes them: nobody who was terminated since the split is credited. */
bool credit_freeze_check(const struct credit_share *shares, size_t count, struct problem *problem);

struct credit_policy {
	enum credit_model model;
	int64_t window_days;
};

bool credit_counts(const struct credit_policy *policy, const struct credit_share *share);

/* What each is credited with: 10,000 together. The shares have one source. */
bool credit_attribute(const struct credit_policy *policy, const struct credit_share *shares,
	size_t count, int64_t *ret_bps);

#endif
