/* SPDX-License-Identifier: Apache-2.0 */
/* Terms of machine clients: which changes cut tokens (cases/client_narrowed.tsv), where a client
 * may come from, how many secrets it may have. */
#include "domain/client.h"

#include "tsv.h"

static struct client_terms terms_of(
	const struct tsv *tsv, const char *scopes, const char *networks, const char *expires_at_us)
{
	struct client_terms terms = { .expires_at_us = tsv_int(tsv, expires_at_us) };
	const char *list = tsv_text(tsv, networks);

	assert_true(scope_set_parse(tsv_text(tsv, scopes), &terms.scopes));
	assert_true(networks_parse(
		list ? list : "", terms.networks, CLIENT_MAX_NETWORKS, &terms.network_count));
	return terms;
}

static void narrower_terms_cut_tokens(void **state)
{
	struct tsv *tsv = tsv_open("client_narrowed.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		struct client_terms before = terms_of(tsv, "scopes", "networks", "expires_at_us");
		struct client_terms after =
			terms_of(tsv, "new_scopes", "new_networks", "new_expires_at_us");

		tsv_expect_int(tsv, "is_narrowed", client_is_narrowed(&before, &after));
	}
	tsv_close(tsv);
}

static void a_client_comes_from_its_networks(void **state)
{
	struct network networks[2];
	size_t count;

	(void)state;
	assert_true(networks_parse("10.0.0.0/8 2001:db8::/32", networks, 2, &count));
	assert_true(client_may_come_from(networks, 0, "203.0.113.1"));
	assert_true(client_may_come_from(networks, 0, "no address"));
	assert_true(client_may_come_from(networks, count, "10.1.2.3"));
	assert_true(client_may_come_from(networks, count, "::ffff:10.1.2.3"));
	assert_true(client_may_come_from(networks, count, "2001:db8::1"));
	assert_false(client_may_come_from(networks, count, "203.0.113.1"));
	assert_false(client_may_come_from(networks, count, "no address"));
	assert_false(client_may_come_from(networks, count, ""));
}

static void there_is_room_for_few_secrets(void **state)
{
	(void)state;
	assert_true(client_may_rotate(0, 1));
	assert_true(client_may_rotate(CLIENT_MAX_SECRETS - 1, 3600));
	assert_false(client_may_rotate(CLIENT_MAX_SECRETS, 3600));
	assert_true(client_may_rotate(CLIENT_MAX_SECRETS, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(narrower_terms_cut_tokens),
		cmocka_unit_test(a_client_comes_from_its_networks),
		cmocka_unit_test(there_is_room_for_few_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
