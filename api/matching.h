/* SPDX-License-Identifier: Apache-2.0 */
/* A customer against the registrations that live: between JSON, SQL and the rules of
 * domain/matching.h. */
#ifndef PARTNERD_API_MATCHING_H
#define PARTNERD_API_MATCHING_H

#include <jansson.h>

#include "domain/customer.h"
#include "domain/matching.h"
#include "http/endpoint.h"

#define MATCH_MOST_CANDIDATES 60

struct match_work {
	struct customer_keys keys;
	struct matching matching;
	struct explanation explanation;
	struct match_candidate candidates[MATCH_MOST_CANDIDATES];
	size_t count;
};

/*
 * Looks for the customer (customer_name, customer_country, customer_website, customer_tax_id,
 * customer_duns, customer_contact_email, product_ids) among the registrations of the program.
 * `deal_id` is the one that is left out, or NULL; `partner_id` whose own ones are duplicates, or
 * NULL. Refuses products that the program does not have.
 */
bool match_find(struct request *request, const char *deal_id, const char *partner_id,
	const json_t *customer, struct match_work *ret_work, struct problem *problem);

/*
 * Keeps in the ledger that it was asked for this customer, and what was answered. A row with
 * "free_on", the day of the matching's time, and "now"; NULL: refused.
 */
const struct rows *match_note(struct request *request, const json_t *customer,
	const struct matching *matching, struct problem *problem);

/*
 * Puts into the decision what deal_place (sql/functions/deal_matching.sql) goes by: keys, names,
 * and whether the deal has to wait. Refuses a duplicate. A draft is not compared with anything; a
 * dry run that tells of others is a question, and kept as one.
 */
bool deal_match(const struct command_input *in, const char *partner_id, const json_t *customer,
	bool is_draft, struct decision *out, struct problem *problem);

/* Whether a patch changes what decides about the account. */
bool patch_matters_to_match(const json_t *body);
/* The body, with the products of the quote where it names none. Released with the arena. */
const json_t *customer_registered(const struct command_input *in, const json_t *quoted);
/* The row before with the patch on it, as far as matching looks at it. Released with the arena. */
const json_t *customer_patched(const struct command_input *in);

#endif
