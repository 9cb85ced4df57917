/* SPDX-License-Identifier: Apache-2.0 */
/* Credit for a deal, for the commands that approve it and that win it. */
#ifndef PARTNERD_API_DEAL_CREDIT_H
#define PARTNERD_API_DEAL_CREDIT_H

#include "http/endpoint.h"

/*
 * By the facts shares, attribution_model and attribution_window_days: leaves `credit` in the
 * decision for the write (sql/functions/deal_credit.sql), and who gets what, and why, in its
 * inputs, which are the vendor's to see.
 */
bool deal_credit_freeze(const struct command_input *in, int64_t amount_minor, struct decision *out,
	struct problem *problem);

/* Divides what was won as it was credited. */
void deal_credit_win(const struct command_input *in, int64_t won_minor, struct decision *out);

#endif
