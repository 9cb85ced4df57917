/* SPDX-License-Identifier: Apache-2.0 */
/* Trusted proxies: which networks are taken, and who the client is for what stands in
 * X-Forwarded-For. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/proxies.h"

static const char networks[] = "10.0.0.0/8, 192.0.2.7,2001:db8::/33 , ::1";

static void assert_parses(const char *list, bool expected)
{
	struct proxies proxies;
	struct text error = TEXT_INIT;
	assert_int_equal(proxies_parse(list, &proxies, &error), expected);
	assert_int_equal(error.length == 0, expected);
	text_release(&error);
}

static void lists_are_addresses_and_networks(void **state)
{
	(void)state;
	static const char endless[] = "an entry that is far too long to be an address of any kind "
				      "at all, whatever it says";
	static const char *const bad[] = { "10.0.0.0/33", "10.0.0/8", "localhost", "::1/129",
		"10.0.0.1/", "10.0.0.1/-1", "10.0.0.1/8x", ",", "10.0.0.1,,10.0.0.2", endless,
		"10.0.0.1, " };
	assert_parses("", true);
	assert_parses(networks, true);
	assert_parses("0.0.0.0/0", true);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_parses(bad[i], false);
}

static void the_client_is_the_first_that_is_not_ours(void **state)
{
	(void)state;
	static const struct {
		const char *peer, *forwarded, *client;
	} cases[] = {
		{ "203.0.113.9", "198.51.100.1",
			"203.0.113.9" }, /* a stranger may write what it likes */
		{ "10.1.2.3", NULL, "10.1.2.3" },
		{ "10.1.2.3", "198.51.100.1", "198.51.100.1" },
		{ "10.1.2.3", "6.6.6.6, 198.51.100.1", "198.51.100.1" },
		{ "10.1.2.3", "198.51.100.1, 192.0.2.7", "198.51.100.1" },
		{ "10.1.2.3", "6.6.6.6,198.51.100.1 , 10.9.9.9", "198.51.100.1" },
		{ "10.1.2.3", "10.0.0.1, 10.0.0.2", "10.0.0.1" }, /* all ours: the farthest */
		{ "10.1.2.3", "unknown", "10.1.2.3" },
		{ "10.1.2.3", "198.51.100.1, _hidden, 192.0.2.7", "192.0.2.7" },
		{ "10.1.2.3", "", "10.1.2.3" },
		{ "::1", "2001:db8:7fff::1", "2001:db8:7fff::1" },
		{ "2001:db8:7fff::1", "2001:db8:8000::1, ::1", "2001:db8:8000::1" },
		{ "2001:db8:8000::1", "198.51.100.1", "2001:db8:8000::1" },
		/* one client, however its address is spelled */
		{ "10.1.2.3", "::ffff:198.51.100.1", "198.51.100.1" },
		{ "10.1.2.3", "::FFFF:c633:6401", "198.51.100.1" },
		{ "10.1.2.3", "0:0:0:0:0:ffff:198.51.100.1, ::ffff:10.9.9.9", "198.51.100.1" },
		{ "10.1.2.3", "2001:DB8:8000:0:0:0:0:1", "2001:db8:8000::1" },
		{ "10.1.2.3", "2001:db8:8000::0.0.0.1", "2001:db8:8000::1" },
	};
	struct proxies proxies;
	struct text error = TEXT_INIT;
	struct arena *arena = arena_new();
	assert_true(proxies_parse(networks, &proxies, &error));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_string_equal(
			proxies_client(&proxies, cases[i].peer, cases[i].forwarded, arena),
			cases[i].client);
	arena_free(arena);
}

static void nobody_is_trusted_without_a_list(void **state)
{
	(void)state;
	struct proxies proxies;
	struct text error = TEXT_INIT;
	assert_true(proxies_parse("", &proxies, &error));
	assert_string_equal(proxies_client(&proxies, "127.0.0.1", "6.6.6.6", NULL), "127.0.0.1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists_are_addresses_and_networks),
		cmocka_unit_test(the_client_is_the_first_that_is_not_ours),
		cmocka_unit_test(nobody_is_trusted_without_a_list),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
