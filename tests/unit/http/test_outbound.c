/* SPDX-License-Identifier: Apache-2.0 */
/* Where calls to URLs of others may go: every network that only we can reach is refused, in every
 * spelling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/outbound.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct sockaddr_storage address_of(const char *text, int port)
{
	struct sockaddr_storage storage = { 0 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&storage;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&storage;

	if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)port);
		return storage;
	}
	assert_int_equal(inet_pton(AF_INET6, text, &v6->sin6_addr), 1);
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)port);
	return storage;
}

static bool is_public(const char *text)
{
	struct sockaddr_storage storage = address_of(text, 443);

	return outbound_is_public((const struct sockaddr *)&storage);
}

static void the_internet_is_public(void **state)
{
	static const char *const good[] = { "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0",
		"100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.1", "169.253.255.255",
		"169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.1", "192.0.3.1",
		"192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
		"2606:4700:4700::1111", "2a00:1450::1", "2001:4860:4860::8888", "2003::1",
		"3ffe::1" };
	(void)state;

	for (size_t i = 0; i < COUNT(good); i++)
		if (!is_public(good[i]))
			fail_msg("refused: %s", good[i]);
}

static void everything_else_is_not(void **state)
{
	static const char *const bad[] = { "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255",
		"100.64.0.1", "100.127.255.255", "127.0.0.1", "127.255.255.254", "169.254.169.254",
		"172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1",
		"192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
		"224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1",
		"::ffff:127.0.0.1", "::ffff:8.8.8.8", "::127.0.0.1", "64:ff9b::a9fe:a9fe",
		"64:ff9b:1::1", "100::1", "2001::1", "2001:0:53aa::1", "2001:10::1", "2001:20::1",
		"2001:1ff::1", "2001:db8::1", "2002:7f00:1::1", "3fff::1", "3fff:fff::1", "4000::1",
		"fc00::1", "fd12:3456::1", "fe80::1", "fec0::1", "ff02::1" };
	struct sockaddr_storage other = { .ss_family = AF_UNIX };
	(void)state;

	for (size_t i = 0; i < COUNT(bad); i++)
		if (is_public(bad[i]))
			fail_msg("public: %s", bad[i]);
	assert_false(outbound_is_public((const struct sockaddr *)&other));
}

static bool may(const struct outbound *outbound, const char *text, int port, bool is_plain)
{
	struct sockaddr_storage storage = address_of(text, port);

	return outbound_may_connect(outbound, (const struct sockaddr *)&storage, is_plain);
}

static void a_network_has_to_be_named(void **state)
{
	struct text fault = TEXT_INIT;
	struct outbound *none = outbound_make("", &fault);
	struct outbound *some = outbound_make("127.0.0.0/8, fd00::/8", &fault);
	(void)state;

	assert_true(may(none, "1.1.1.1", 443, false));
	assert_false(may(none, "1.1.1.1", 8443, false));
	assert_false(may(none, "1.1.1.1", 443, true));
	assert_false(may(none, "127.0.0.1", 443, false));
	assert_true(may(some, "127.0.0.1", 8080, true));
	assert_true(may(some, "::ffff:127.0.0.1", 8080, false));
	assert_true(may(some, "fd00::1", 1, false));
	assert_false(may(some, "10.0.0.1", 443, false));
	assert_false(may(some, "1.1.1.1", 80, true));
	assert_true(may(some, "1.1.1.1", 443, false));
	outbound_free(none);
	outbound_free(some);
	assert_null(outbound_make("localhost", &fault));
	assert_true(fault.length > 0);
	text_release(&fault);
}

static void other_schemes_are_not_taken(void **state)
{
	static const char *const bad[] = { "", "http", "https:", "https:/x", "ftp://a", "file:///a",
		"gopher://a", "dict://a", "ldap://a", "//a", " https://a" };
	struct text fault = TEXT_INIT;
	struct outbound *none = outbound_make("", &fault);
	struct outbound *some = outbound_make("10.0.0.0/8", &fault);
	(void)state;

	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(outbound_takes_url(some, bad[i]));
	assert_true(outbound_takes_url(none, "https://a"));
	assert_true(outbound_takes_url(none, "HTTPS://a"));
	assert_false(outbound_takes_url(none, "http://a"));
	assert_true(outbound_takes_url(some, "http://a"));
	outbound_free(none);
	outbound_free(some);
}

/* Spellings that a resolver understands: the guard sees what becomes of them. No packet is sent. */
static void disguises_do_not_help(void **state)
{
	static const char *const urls[] = { "https://localhost/", "https://127.1/", "https://0/",
		"https://2130706433/", "https://0x7f.1/", "https://0177.0.0.1/", "https://[::1]/",
		"https://[::ffff:127.0.0.1]/", "https://[64:ff9b::7f00:1]/",
		"https://169.254.169.254/latest/meta-data", "https://[fe80::1]/",
		"https://1.1.1.1:22/", "https://x@127.0.0.1/" };
	struct text fault = TEXT_INIT;
	struct outbound *none = outbound_make("", &fault);
	(void)state;

	for (size_t i = 0; i < COUNT(urls); i++) {
		struct transfer transfer;
		assert_true(transfer_begin(&transfer, none, urls[i], 100));
		CURLcode result = curl_easy_perform(transfer.easy);
		if (transfer_fault(&transfer, result) != OUTBOUND_REFUSED)
			fail_msg("not refused: %s (%d)", urls[i], (int)result);
		transfer_release(&transfer);
	}
	outbound_free(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_internet_is_public),
		cmocka_unit_test(everything_else_is_not),
		cmocka_unit_test(a_network_has_to_be_named),
		cmocka_unit_test(other_schemes_are_not_taken),
		cmocka_unit_test(disguises_do_not_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
