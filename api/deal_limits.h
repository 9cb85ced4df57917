/* SPDX-License-Identifier: Apache-2.0 */
/* Room for one more open registration, for everything that opens one. */
#ifndef PARTNERD_API_DEAL_LIMITS_H
#define PARTNERD_API_DEAL_LIMITS_H

#include "domain/deal_capacity.h"
#include "http/endpoint.h"

/*
 * Judges by the facts open_limit and open_count, and leaves `needs_capacity` in the decision where
 * there is a limit: the write then asks deal_capacity_take (sql/functions/deal_limits.sql).
 */
bool deal_has_room(const struct command_input *in, struct decision *out, struct problem *problem);

#endif
