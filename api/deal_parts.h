/* SPDX-License-Identifier: Apache-2.0 */
/* What everything has in common that people add to a deal (facts: deal_part_facts). */
#ifndef PARTNERD_API_DEAL_PARTS_H
#define PARTNERD_API_DEAL_PARTS_H

#include "domain/deal.h"
#include "margin.h"
#include "resources.h"

/* The deal the body names is one the caller sees; else a violation at #/deal_id. */
bool deal_part_has_deal(const struct command_input *in, struct problem *problem);
/* Who sees it: what the body says, else only the own side; a partner shares all it writes. */
bool deal_part_visibility(
	const struct command_input *in, struct decision *out, struct problem *problem);
/* Only who wrote it may change it; the vendor's admins may also take it away. */
bool deal_part_is_own(const struct command_input *in, bool removes, struct problem *problem);

/*
 * The special price that approval locks (facts: special_price), for the rule and for the write;
 * refused while one is being asked for.
 */
bool deal_special_price(const struct command_input *in, struct deal_facts *facts, json_t *fields,
	struct problem *problem);

/* What is done with a deal by operations of other paths. */
extern const struct offer deal_offers[];

#endif
