/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a basket costs the partner and brings the vendor (domain.md §5.7): list, less the volume
 * discount, is the net; the margin is a share of the net; what the partner pays is the rest. A
 * distributor's override comes out of what the vendor gets.
 */
#ifndef PARTNERD_DOMAIN_QUOTE_H
#define PARTNERD_DOMAIN_QUOTE_H

#include "domain/margin.h"
#include "domain/rates.h"

struct quote_input {
	struct margin_input margin; /* its amount is the net of the basket */
	int64_t list_minor;
	int64_t override_bps;    /* 0: there is no distributor */
	int64_t channel_cap_bps; /* < 0: there is none */
};

struct quote_terms {
	struct margin_terms margin;
	int64_t partner_price_minor;
	struct channel_cost channel;
	int64_t vendor_net_minor;
};

/* The explanation is for both sides: what a distributor gets is not in it. False when an amount
 * leaves the range of money. */
bool quote_decide(const struct quote_input *input, struct quote_terms *ret_terms,
	struct explanation *ret_explanation, struct problem *problem);

#endif
