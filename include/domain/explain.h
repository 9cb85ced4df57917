/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The explanation a rule gives with its answer: what each step looked at and what it made of it.
 * Fixed room, no allocation: rules are pure. The HTTP side stores it and serves it at
 * /v1/decisions/{id}.
 */
#ifndef PARTNERD_DOMAIN_EXPLAIN_H
#define PARTNERD_DOMAIN_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EXPLAIN_MAX_STEPS 80

struct explain_step {
	const char *rule; /* "tier_base", "band_clamp" */
	const char *unit; /* "bps", "days", "minor" or NULL */
	int64_t before;
	int64_t after;
	const char *detail; /* a sentence that outlives the explanation */
};

struct explanation {
	const char *rule_set; /* "margin" */
	int rule_set_version; /* of the code or of the data that decided */
	struct explain_step steps[EXPLAIN_MAX_STEPS];
	size_t step_count;
};

/* Steps past the room are a programming error and abort. */
void explain_add(struct explanation *explanation, const char *rule, const char *unit,
	int64_t before, int64_t after, const char *detail);

#endif
