/* SPDX-License-Identifier: Apache-2.0 */
/* IPv4 and IPv6 in one form of sixteen bytes, so that a network is one comparison of bits (see
 * proxies.h). */
#include "http/proxies.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS_BITS   128
#define MAPPED_BITS    96 /* ::ffff:0:0/96 */
#define ADDRESS_LENGTH 64

static const unsigned char mapped_network[MAPPED_BITS / 8] = { [10] = 0xff, [11] = 0xff };

static bool parse_address(const char *text, unsigned char out[static 16], bool *ret_is_v4)
{
	*ret_is_v4 = inet_pton(AF_INET, text, out + 12) == 1;
	if (*ret_is_v4) {
		memcpy(out, mapped_network, sizeof mapped_network);
		return true;
	}
	return inet_pton(AF_INET6, text, out) == 1;
}

static bool same_bits(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned rest = bits % 8;
	if (memcmp(a, b, bits / 8) != 0)
		return false;
	return rest == 0 || (a[bits / 8] >> (8 - rest)) == (b[bits / 8] >> (8 - rest));
}

/* Cuts one entry out of a list, without the blanks around it. False when it is too long to be an
 * address. */
static bool cut(const char *from, const char *to, char out[static ADDRESS_LENGTH])
{
	while (from < to && (*from == ' ' || *from == '\t'))
		from++;
	while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
		to--;
	if (to - from >= ADDRESS_LENGTH)
		return false;
	memcpy(out, from, (size_t)(to - from));
	out[to - from] = '\0';
	return true;
}

static bool parse_network(char *text, struct proxies *proxies)
{
	bool is_v4;
	char *slash = strchr(text, '/'), *end = NULL;
	unsigned long bits = 0;
	if (slash != NULL) {
		*slash = '\0';
		bits = slash[1] >= '0' && slash[1] <= '9' ? strtoul(slash + 1, &end, 10)
							  : ADDRESS_BITS + 1;
	}
	if (proxies->count == PROXIES_MAX || (end != NULL && *end != '\0') ||
		!parse_address(text, proxies->networks[proxies->count].address, &is_v4))
		return false;
	unsigned long most = is_v4 ? ADDRESS_BITS - MAPPED_BITS : ADDRESS_BITS;
	if (slash == NULL)
		bits = most;
	if (bits > most)
		return false;
	proxies->networks[proxies->count++].prefix = (unsigned)(bits + (is_v4 ? MAPPED_BITS : 0));
	return true;
}

bool proxies_parse(const char *list, struct proxies *ret_proxies, struct text *reterr)
{
	ret_proxies->count = 0;
	for (const char *at = list; at != NULL && *at != '\0';) {
		char entry[ADDRESS_LENGTH], shown[ADDRESS_LENGTH];
		const char *end = at + strcspn(at, ",");
		bool good = cut(at, end, entry);
		memcpy(shown, entry, sizeof shown);
		if (!good || !parse_network(entry, ret_proxies)) {
			text_appendf(reterr, "'%s' in trusted_proxies is no address or network",
				good ? shown : at);
			return false;
		}
		at = *end == ',' ? end + 1 : end;
	}
	return true;
}

bool proxies_trust(const struct proxies *proxies, const char *address)
{
	unsigned char bytes[16];
	bool is_v4;
	if (!parse_address(address, bytes, &is_v4))
		return false;
	for (size_t i = 0; i < proxies->count; i++)
		if (same_bits(bytes, proxies->networks[i].address, proxies->networks[i].prefix))
			return true;
	return false;
}

/* One spelling for each address, an IPv4 address as such, so that a client cannot be several to
 * who counts. NULL for what is no address. */
static const char *canonical(const char *text, struct arena *arena)
{
	unsigned char bytes[16];
	char out[INET6_ADDRSTRLEN];
	bool is_v4;
	if (!parse_address(text, bytes, &is_v4))
		return NULL;
	is_v4 = same_bits(bytes, mapped_network, MAPPED_BITS);
	inet_ntop(is_v4 ? AF_INET : AF_INET6, is_v4 ? bytes + 12 : bytes, out, sizeof out);
	return arena_strdup(arena, out);
}

const char *proxies_client(
	const struct proxies *proxies, const char *peer, const char *forwarded, struct arena *arena)
{
	const char *client = peer;
	const char *end = forwarded != NULL ? forwarded + strlen(forwarded) : NULL;
	while (end != NULL && proxies_trust(proxies, client)) {
		const char *start = end;
		char entry[ADDRESS_LENGTH];
		while (start > forwarded && start[-1] != ',')
			start--;
		const char *address = cut(start, end, entry) ? canonical(entry, arena) : NULL;
		if (address == NULL)
			break;
		client = address;
		end = start > forwarded ? start - 1 : NULL;
	}
	return client;
}
