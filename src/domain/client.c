/* SPDX-License-Identifier: Apache-2.0 */
/* Terms of machine clients (see client.h). Cases stand in tests/unit/domain/cases/client_*.tsv. */
#include "domain/client.h"

bool client_may_come_from(const struct network *networks, size_t network_count, const char *address)
{
	unsigned char bytes[IP_BYTES];

	return network_count == 0 ||
	       (address_parse(address, bytes) && networks_have(networks, network_count, bytes));
}

static bool has_within(const struct client_terms *terms, const struct network *inner)
{
	for (size_t i = 0; i < terms->network_count; i++)
		if (network_within(inner, &terms->networks[i]))
			return true;
	return false;
}

static bool networks_narrowed(const struct client_terms *before, const struct client_terms *after)
{
	if (after->network_count == 0)
		return false;
	for (size_t i = 0; i < before->network_count; i++)
		if (!has_within(after, &before->networks[i]))
			return true;
	return before->network_count == 0;
}

static bool ends_sooner(int64_t before_us, int64_t after_us)
{
	return after_us != 0 && (before_us == 0 || after_us < before_us);
}

bool client_is_narrowed(const struct client_terms *before, const struct client_terms *after)
{
	return (before->scopes & ~after->scopes) != 0 || networks_narrowed(before, after) ||
	       ends_sooner(before->expires_at_us, after->expires_at_us);
}

bool client_may_rotate(int64_t live, int64_t overlap_s)
{
	return overlap_s == 0 || live < CLIENT_MAX_SECRETS;
}
