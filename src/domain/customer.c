/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keys of customers. Pure but for the Public Suffix List behind base/host.h, which is the same for
 * the life of the process. Cases stand in tests/unit/domain/cases/customer_*.tsv; the words are in
 * customer_words.c.
 */
#include "domain/customer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "base/country.h"
#include "base/host.h"

#define LEAST_ID_BYTES 5
#define DUNS_DIGITS    9
/* Letters before a dot that are still part of an abbreviation: "S.A.", "e.V.". */
#define MOST_INITIALS  2

/* ---- names ---- */

/* NFKC and case folding in one go; the caller frees. NULL when the text is no UTF-8. */
static uint8_t *fold(const char *text, size_t *ret_length)
{
	return u8_casefold(
		(const uint8_t *)text, strlen(text), NULL, UNINORM_NFKC, NULL, ret_length);
}

static bool is_word_character(ucs4_t character)
{
	return uc_is_general_category_withtable(
		character, UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_N | UC_CATEGORY_MASK_M);
}

/* Characters that stand within a word and are left out of it: apostrophes. */
static bool is_within_word(ucs4_t character)
{
	return character == '\'' || character == 0x2019 || character == 0x02bc;
}

/*
 * Copies the words, separated by single spaces. A dot after one or two letters belongs to an
 * abbreviation and is dropped, any other separates.
 */
static char *words_of(const uint8_t *text, size_t length, struct arena *arena)
{
	char *out = arena_alloc(arena, length + 1);
	size_t used = 0, letters = 0;
	bool in_word = false;
	for (size_t at = 0; at < length;) {
		ucs4_t character;
		int bytes = u8_mbtouc(&character, text + at, length - at);
		if (is_word_character(character)) {
			if (!in_word && used > 0)
				out[used++] = ' ';
			memcpy(out + used, text + at, (size_t)bytes);
			used += (size_t)bytes;
			in_word = true;
			letters++;
		} else if (character == '.' && in_word && letters <= MOST_INITIALS) {
			letters = 0;
		} else if (!is_within_word(character)) {
			in_word = false;
			letters = 0;
		}
		at += (size_t)bytes;
	}
	out[used] = '\0';
	return out;
}

/* Legal forms at the end only, and never the whole name: "Limited Brands Ltd" keeps its first word.
 */
static void strip_legal_form(char *name)
{
	for (char *last = strrchr(name, ' '); last != NULL && word_is_legal_form(last + 1);
		last = strrchr(name, ' '))
		*last = '\0';
}

const char *customer_name(const char *name, struct arena *arena)
{
	size_t length;
	uint8_t *folded = fold(name, &length);
	if (folded == NULL)
		return "";
	char *words = words_of(folded, length, arena);
	free(folded);
	strip_legal_form(words);
	return words;
}

/* ---- ids ---- */

/* Letters and digits in upper case. */
static char *id_core(const char *text, struct arena *arena)
{
	size_t length, used = 0;
	uint8_t *folded = fold(text, &length);
	char *out = arena_alloc(arena, folded != NULL ? length + 1 : 1);
	for (size_t i = 0; folded != NULL && i < length; i++)
		if (isascii(folded[i]) && isalnum(folded[i]))
			out[used++] = (char)toupper(folded[i]);
	out[used] = '\0';
	free(folded);
	return out;
}

static size_t digits_in(const char *text)
{
	size_t digits = 0;
	for (; *text != '\0'; text++)
		digits += isdigit((unsigned char)*text) != 0;
	return digits;
}

static bool is_one_character(const char *text)
{
	return text[strspn(text, (const char[]){ text[0], '\0' })] == '\0';
}

/* The prefix of a VAT number: a country, or Greece's own letters. It is left out of everybody's
 * key: which country an id is of, the customer's country says. */
static bool has_country_prefix(const char *core)
{
	return strlen(core) > LEAST_ID_BYTES + 1 &&
	       (country_is_valid(core, 2) || strncmp(core, "EL", 2) == 0);
}

/* What is left out behind a Swiss number: the tax in the languages of the country. */
static void strip_tax_name(char *core)
{
	static const char *const names[] = { "MWST", "TVA", "IVA" };
	size_t length = strlen(core);
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		size_t tail = strlen(names[i]);
		if (length > tail && strcmp(core + length - tail, names[i]) == 0) {
			core[length - tail] = '\0';
			return;
		}
	}
}

const char *customer_tax_id(const char *tax_id, struct arena *arena)
{
	char *core = id_core(tax_id, arena);
	strip_tax_name(core);
	if (has_country_prefix(core))
		core += 2;
	if (strlen(core) < LEAST_ID_BYTES || digits_in(core) < LEAST_ID_BYTES - 1 ||
		is_one_character(core))
		return NULL;
	return core;
}

const char *customer_duns(const char *duns, struct arena *arena)
{
	const char *core = id_core(duns, arena);
	bool is_good = strlen(core) == DUNS_DIGITS && digits_in(core) == DUNS_DIGITS &&
		       !is_one_character(core);
	return is_good ? core : NULL;
}

/* ---- all of them ---- */

static void add_key(struct customer_keys *keys, const char *kind, const char *key)
{
	if (key == NULL)
		return;
	for (size_t i = 0; i < keys->key_count; i++)
		if (strcmp(keys->keys[i].kind, kind) == 0 && strcmp(keys->keys[i].key, key) == 0)
			return;
	keys->keys[keys->key_count++] = (struct customer_key){ kind, key };
}

static void add_word(struct customer_keys *keys, const char *word)
{
	if (word_is_common(word) || word_is_legal_form(word) ||
		u8_strlen((const uint8_t *)word) == 1)
		return;
	for (size_t i = 0; i < keys->word_count; i++)
		if (strcmp(keys->words[i], word) == 0)
			return;
	if (keys->word_count < CUSTOMER_MAX_WORDS)
		keys->words[keys->word_count++] = word;
}

static void add_words(struct customer_keys *keys, const char *text, struct arena *arena)
{
	char *rest = arena_strdup(arena, customer_name(text, arena));
	for (char *word = strsep(&rest, " "); word != NULL; word = strsep(&rest, " "))
		if (word[0] != '\0')
			add_word(keys, word);
}

static void add_domain(struct customer_keys *keys, const char *domain, struct arena *arena)
{
	char label[HOST_BYTES];
	if (domain_is_shared(domain))
		return;
	add_key(keys, "domain", arena_strdup(arena, domain));
	if (host_label(domain, label))
		add_words(keys, label, arena);
}

void customer_keys(
	const struct customer *customer, struct arena *arena, struct customer_keys *ret_keys)
{
	char domain[HOST_BYTES];
	*ret_keys = (struct customer_keys){ 0 };
	if (customer->tax_id != NULL)
		add_key(ret_keys, "tax_id", customer_tax_id(customer->tax_id, arena));
	if (customer->duns != NULL)
		add_key(ret_keys, "duns", customer_duns(customer->duns, arena));
	if (customer->name != NULL)
		add_words(ret_keys, customer->name, arena);
	if (customer->website != NULL && website_registrable(customer->website, domain))
		add_domain(ret_keys, domain, arena);
	if (customer->contact_email != NULL && email_registrable(customer->contact_email, domain))
		add_domain(ret_keys, domain, arena);
}
