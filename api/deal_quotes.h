/* SPDX-License-Identifier: Apache-2.0 */
/* The quote of a deal: whose it is, what of it is the deal's, and until when. */
#ifndef PARTNERD_API_DEAL_QUOTES_H
#define PARTNERD_API_DEAL_QUOTES_H

#include <jansson.h>

#include "http/endpoint.h"

void deal_quote_refuse(const struct command_input *in, enum violation_code code, const char *where,
	const char *detail, struct problem *problem);

/* The one the body names, if any: the partner's own, still valid, not used up, with the amount and
 * the terms that the body gives. */
bool deal_quote_fits(const struct command_input *in, struct problem *problem);

/* The amount that is given, else the quote's. Into fields; NULL with `problem` set. */
const json_t *deal_quote_amount(
	const struct command_input *in, json_t *fields, struct problem *problem);

/* The margin of a quote is for who submits in time; the write asks again (`needs_quote`). */
bool deal_quote_is_in_time(
	const struct command_input *in, struct decision *out, struct problem *problem);

#endif
