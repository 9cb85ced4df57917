/* SPDX-License-Identifier: Apache-2.0 */
/*
 * By what a customer is known again (domain.md §5.5). Exact keys are the tax id, the DUNS number
 * and the registrable domain of website and contact address; the name gives words, of which only
 * the distinctive ones count. Whoever changes what a key looks like raises CUSTOMER_KEYS_VERSION,
 * so that what is stored is computed anew.
 */
#ifndef PARTNERD_DOMAIN_CUSTOMER_H
#define PARTNERD_DOMAIN_CUSTOMER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"

struct customer {
	const char *name, *website, *tax_id, *duns, *contact_email; /* NULL: not known */
};

struct customer_key {
	const char *kind; /* "tax_id", "duns", "domain" */
	const char *key;
};

#define CUSTOMER_MAX_KEYS  4
#define CUSTOMER_MAX_WORDS 12

struct customer_keys {
	struct customer_key keys[CUSTOMER_MAX_KEYS];
	size_t key_count;
	const char *words[CUSTOMER_MAX_WORDS]; /* distinctive, of the name and of the domain's
						  label, each once */
	size_t word_count;
};

void customer_keys(
	const struct customer *customer, struct arena *arena, struct customer_keys *ret_keys);

/*
 * The name as it is compared: NFKC, case-folded, words separated by a space, the legal form at the
 * end left out. Never empty for a name with a letter or a digit in it.
 */
const char *customer_name(const char *name, struct arena *arena);

/* NULL when the text cannot be one: too short, no digits, all the same. */
const char *customer_tax_id(const char *tax_id, struct arena *arena);
const char *customer_duns(const char *duns, struct arena *arena);

/* A word of a name that many have, in any line of business: "academy", "group", "traders". */
bool word_is_common(const char *word);
/* A word that only says what kind of company it is: "gmbh", "ltd". */
bool word_is_legal_form(const char *word);
/* A domain at which anybody has an address or a page: says nothing about the customer. */
bool domain_is_shared(const char *domain);

#endif
