/* SPDX-License-Identifier: Apache-2.0 */
/* What customers are known by, by cases/customer_*.tsv. */
#include "domain/customer.h"

#include "tsv.h"

static void domains_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("customer_domain.tsv");
	struct arena *arena = arena_new();

	(void)state;
	while (tsv_next(tsv)) {
		const struct customer customer = { .website = tsv_text(tsv, "website"),
			.contact_email = tsv_text(tsv, "email") };
		struct customer_keys keys;

		customer_keys(&customer, arena, &keys);
		tsv_expect_text(tsv, "domain", keys.key_count > 0 ? keys.keys[0].key : NULL);
		arena_reset(arena);
	}
	arena_free(arena);
	tsv_close(tsv);
}

static const char *joined(const struct customer_keys *keys, char *out, size_t room)
{
	size_t used = 0;

	for (size_t i = 0; i < keys->word_count; i++)
		used += (size_t)snprintf(
			out + used, room - used, "%s%s", i > 0 ? "," : "", keys->words[i]);
	return used > 0 ? out : NULL;
}

static void names_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("customer_name.tsv");
	struct arena *arena = arena_new();

	(void)state;
	while (tsv_next(tsv)) {
		const struct customer customer = { .name = tsv_text(tsv, "name") };
		const char *folded = customer_name(customer.name, arena);
		struct customer_keys keys;
		char words[256];

		tsv_expect_text(tsv, "folded", folded[0] ? folded : NULL);
		customer_keys(&customer, arena, &keys);
		tsv_expect_text(tsv, "words", joined(&keys, words, sizeof(words)));
		arena_reset(arena);
	}
	arena_free(arena);
	tsv_close(tsv);
}

static void ids_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("customer_id.tsv");
	struct arena *arena = arena_new();

	(void)state;
	while (tsv_next(tsv)) {
		const char *text = tsv_text(tsv, "text");

		tsv_expect_text(tsv, "key",
			strcmp(tsv_text(tsv, "kind"), "tax") == 0 ? customer_tax_id(text, arena)
								  : customer_duns(text, arena));
		arena_reset(arena);
	}
	arena_free(arena);
	tsv_close(tsv);
}

static void website_and_address_of_one_domain_are_one_key(void **state)
{
	struct arena *arena = arena_new();
	const struct customer customer = { .name = "Stadtwerke Rosenheim GmbH & Co. KG",
		.website = "https://www.swro.de",
		.contact_email = "petra.vogel@swro.de",
		.tax_id = "DE811234567",
		.duns = "15-048-3782" };
	struct customer_keys keys;
	char words[64];

	(void)state;
	customer_keys(&customer, arena, &keys);
	assert_int_equal(keys.key_count, 3);
	assert_string_equal(keys.keys[0].kind, "tax_id");
	assert_string_equal(keys.keys[1].key, "150483782");
	assert_string_equal(keys.keys[2].key, "swro.de");
	assert_string_equal(joined(&keys, words, sizeof(words)), "rosenheim,swro");
	arena_free(arena);
}

/* However long and strange a name is, it has no more words than there is room for. */
static void a_name_of_many_words_is_cut(void **state)
{
	struct arena *arena = arena_new();
	char name[601] = "";
	struct customer_keys keys;

	(void)state;
	for (int i = 0; i < 100; i++)
		snprintf(name + strlen(name), sizeof(name) - strlen(name), "w%04d ", i);
	customer_keys(&(struct customer){ .name = name }, arena, &keys);
	assert_int_equal(keys.word_count, CUSTOMER_MAX_WORDS);
	customer_keys(&(struct customer){ .name = "\xff\xfe" }, arena, &keys);
	assert_int_equal(keys.word_count, 0);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domains_follow_the_cases),
		cmocka_unit_test(names_follow_the_cases),
		cmocka_unit_test(ids_follow_the_cases),
		cmocka_unit_test(website_and_address_of_one_domain_are_one_key),
		cmocka_unit_test(a_name_of_many_words_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
