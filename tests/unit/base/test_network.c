/* SPDX-License-Identifier: Apache-2.0 */
/* Networks: what is taken, how it is written back, and who belongs to whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/network.h"

static struct network network_of(const char *text)
{
	struct network network;

	if (!network_parse(text, &network))
		fail_msg("%s is no network", text);
	return network;
}

static void networks_have_one_spelling(void **state)
{
	static const struct {
		const char *text, *canonical;
		bool is_exact;
	} cases[] = {
		{ "10.0.0.0/8", "10.0.0.0/8", true },
		{ "10.1.2.3/8", "10.0.0.0/8", false },
		{ "192.0.2.7", "192.0.2.7/32", true },
		{ "0.0.0.0/0", "0.0.0.0/0", true },
		{ "192.0.2.255/25", "192.0.2.128/25", false },
		{ "2001:DB8:0:0::/32", "2001:db8::/32", true },
		{ "2001:db8::1", "2001:db8::1/128", true },
		{ "2001:db8:8000::/33", "2001:db8:8000::/33", true },
		{ "::/0", "::/0", true },
		{ "::ffff:10.0.0.0/104", "10.0.0.0/8", true },
		{ "::ffff:c000:207", "192.0.2.7/32", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct network network = network_of(cases[i].text);
		char text[NETWORK_TEXT_BYTES];

		assert_int_equal(network_trim(&network), cases[i].is_exact);
		network_format(&network, text);
		assert_string_equal(text, cases[i].canonical);
	}
}

static void what_is_no_network_is_refused(void **state)
{
	static const char *const bad[] = { "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0/8",
		"10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8 ", " 10.0.0.0/8", "10.0.0.0/8x",
		"10.0.0.0/0x8", "10.0.0.0/4294967304", "10.0.0.0/8/8", "010.0.0.0/8", "10.0.0.256",
		"localhost", "::1/129", "::1%lo", "1::2::3", "::ffff:10.0.0.0/129",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999/128" };
	struct network network;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (network_parse(bad[i], &network))
			fail_msg("\"%s\" was taken", bad[i]);
}

static void addresses_belong_to_networks(void **state)
{
	static const struct {
		const char *network, *address;
		bool belongs;
	} cases[] = {
		{ "10.0.0.0/8", "10.255.255.255", true },
		{ "10.0.0.0/8", "11.0.0.0", false },
		{ "10.0.0.0/8", "::ffff:10.1.2.3", true },
		{ "192.0.2.128/25", "192.0.2.127", false },
		{ "192.0.2.128/25", "192.0.2.128", true },
		{ "192.0.2.7", "192.0.2.7", true },
		{ "192.0.2.7", "192.0.2.6", false },
		{ "0.0.0.0/0", "203.0.113.1", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "::/0", "2001:db8::1", true },
		{ "::/0", "10.0.0.1", false }, /* a network of IPv6 has none of IPv4 */
		{ "::/80", "10.0.0.1", false },
		{ "::1", "::1", true },
		{ "::1", "127.0.0.1", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct network network = network_of(cases[i].network);
		unsigned char address[IP_BYTES];

		assert_true(address_parse(cases[i].address, address));
		if (network_has(&network, address) != cases[i].belongs)
			fail_msg("%s in %s", cases[i].address, cases[i].network);
	}
}

static void lists_are_parsed_whole_or_not(void **state)
{
	static const char *const bad[] = { " ", "10.0.0.0/8 ", " 10.0.0.0/8", "10.0.0.0/8  ::1",
		"10.0.0.0/8,::1", "10.0.0.0/8 x", "::1 ::2 ::3 ::4" };
	struct network networks[3];
	unsigned char address[IP_BYTES];
	size_t count;

	(void)state;
	assert_true(networks_parse("", networks, 3, &count));
	assert_int_equal(count, 0);
	assert_true(networks_parse("10.0.0.0/8 2001:db8::/32 ::1", networks, 3, &count));
	assert_int_equal(count, 3);
	assert_true(address_parse("2001:db8::7", address));
	assert_true(networks_have(networks, count, address));
	assert_false(networks_have(networks, 1, address));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (networks_parse(bad[i], networks, 3, &count))
			fail_msg("\"%s\" was taken", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(networks_have_one_spelling),
		cmocka_unit_test(what_is_no_network_is_refused),
		cmocka_unit_test(addresses_belong_to_networks),
		cmocka_unit_test(lists_are_parsed_whole_or_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
