/* SPDX-License-Identifier: Apache-2.0 */
/* Terms of a tier as JSON (bodies, facts) and as the rules read them. */
#ifndef PARTNERD_API_TIER_TERMS_H
#define PARTNERD_API_TIER_TERMS_H

#include "domain/tier.h"
#include "http/endpoint.h"

/* An entry of the catalogue: a body, or a row of the table `benefits`. Borrows the texts. */
void benefit_read(const json_t *entry, struct benefit *ret_benefit);

/* A value of JSON: true or false, an integer or text. */
struct benefit_value benefit_value_read(const json_t *value);

/*
 * {floor_bps, base_bps, cap_bps, benefits, requirements}: a row of tier_versions. On the arena,
 * borrowing the texts; `catalogue` is an object of entries by key, or NULL.
 */
const struct tier_terms *terms_read(
	const json_t *terms, const json_t *catalogue, struct arena *arena);

/* A column of facts that holds JSON, kept on the arena; NULL for null. */
json_t *facts_json(const struct command_input *in, const char *column);

#endif
