/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as bytes and networks as their first bits (see network.h). What can be spelled in two
 * ways is parsed by inet_pton, which takes no leading zeros and no short forms of IPv4. */
#include "base/network.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS_BITS 128
#define MAPPED_BITS  96 /* ::ffff:0:0/96 */

static const unsigned char mapped_network[MAPPED_BITS / 8] = { [10] = 0xff, [11] = 0xff };

static bool same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned rest = bits % 8;

	if (memcmp(a, b, bits / 8) != 0)
		return false;
	return rest == 0 || (a[bits / 8] >> (8 - rest)) == (b[bits / 8] >> (8 - rest));
}

static bool is_v4(const unsigned char *address)
{
	return same_bits(address, mapped_network, MAPPED_BITS);
}

static bool is_v4_network(const struct network *network)
{
	return network->prefix >= MAPPED_BITS && is_v4(network->address);
}

/* `ret_is_short`: written with dots alone, so that its prefix counts 32 bits. */
static bool parse(const char *text, unsigned char *ret_address, bool *ret_is_short)
{
	*ret_is_short = inet_pton(AF_INET, text, ret_address + MAPPED_BITS / 8) == 1;
	if (!*ret_is_short)
		return inet_pton(AF_INET6, text, ret_address) == 1;
	memcpy(ret_address, mapped_network, sizeof mapped_network);
	return true;
}

bool address_parse(const char *text, unsigned char ret_address[static IP_BYTES])
{
	bool is_short;

	return parse(text, ret_address, &is_short);
}

void address_format(const unsigned char address[static IP_BYTES], char out[static IP_TEXT_BYTES])
{
	bool is_short = is_v4(address);

	inet_ntop(is_short ? AF_INET : AF_INET6, is_short ? address + MAPPED_BITS / 8 : address,
		out, IP_TEXT_BYTES);
}

/* Digits only, and no more than `most`. */
static bool parse_prefix(const char *text, unsigned most, unsigned *ret_prefix)
{
	size_t length = strspn(text, "0123456789");

	if (length == 0 || length > 3 || text[length] != '\0')
		return false;
	*ret_prefix = (unsigned)strtoul(text, NULL, 10);
	return *ret_prefix <= most;
}

bool network_parse(const char *text, struct network *ret_network)
{
	char address[IP_TEXT_BYTES];
	size_t length = strcspn(text, "/");
	bool is_short;

	if (length >= sizeof address)
		return false;
	memcpy(address, text, length);
	address[length] = '\0';
	if (!parse(address, ret_network->address, &is_short))
		return false;
	unsigned before = is_short ? MAPPED_BITS : 0;
	unsigned prefix = ADDRESS_BITS - before;
	if (text[length] == '/' && !parse_prefix(text + length + 1, prefix, &prefix))
		return false;
	ret_network->prefix = (unsigned char)(prefix + before);
	return true;
}

bool network_trim(struct network *network)
{
	bool is_trim = true;

	for (unsigned bit = network->prefix; bit < ADDRESS_BITS; bit++) {
		unsigned mask = 0x80u >> bit % 8;
		is_trim = is_trim && !(network->address[bit / 8] & mask);
		network->address[bit / 8] = (unsigned char)(network->address[bit / 8] & ~mask);
	}
	return is_trim;
}

void network_format(const struct network *network, char out[static NETWORK_TEXT_BYTES])
{
	char address[IP_TEXT_BYTES];

	address_format(network->address, address);
	snprintf(out, NETWORK_TEXT_BYTES, "%s/%u", address,
		network->prefix - (is_v4_network(network) ? MAPPED_BITS : 0u));
}

bool network_has(const struct network *network, const unsigned char address[static IP_BYTES])
{
	return is_v4_network(network) == is_v4(address) &&
	       same_bits(network->address, address, network->prefix);
}

bool network_within(const struct network *inner, const struct network *outer)
{
	return is_v4_network(inner) == is_v4_network(outer) && inner->prefix >= outer->prefix &&
	       same_bits(inner->address, outer->address, outer->prefix);
}

bool networks_parse(const char *text, struct network *ret_networks, size_t room, size_t *ret_count)
{
	*ret_count = 0;
	while (*text) {
		char one[NETWORK_TEXT_BYTES];
		size_t length = strcspn(text, " ");

		if (*ret_count == room || length >= sizeof one)
			return false;
		memcpy(one, text, length);
		one[length] = '\0';
		if (!network_parse(one, &ret_networks[(*ret_count)++]))
			return false;
		text += length;
		if (*text == ' ' && *++text == '\0')
			return false;
	}
	return true;
}

bool networks_have(
	const struct network *networks, size_t count, const unsigned char address[static IP_BYTES])
{
	for (size_t i = 0; i < count; i++)
		if (network_has(&networks[i], address))
			return true;
	return false;
}
