/* SPDX-License-Identifier: Apache-2.0 */
/* A list of trusted networks, and the walk along X-Forwarded-For (see proxies.h). */
#include "http/proxies.h"

#include <string.h>

#define ADDRESS_LENGTH 64

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

bool proxies_parse(const char *list, struct proxies *ret_proxies, struct text *reterr)
{
	ret_proxies->count = 0;
	for (const char *at = list; at != NULL && *at != '\0';) {
		char entry[ADDRESS_LENGTH];
		const char *end = at + strcspn(at, ",");
		bool is_short = cut(at, end, entry);
		if (!is_short || ret_proxies->count == PROXIES_MAX ||
			!network_parse(entry, &ret_proxies->networks[ret_proxies->count])) {
			text_appendf(reterr, "'%s' in trusted_proxies is no address or network",
				is_short ? entry : at);
			return false;
		}
		ret_proxies->count++;
		at = *end == ',' ? end + 1 : end;
	}
	return true;
}

bool proxies_trust(const struct proxies *proxies, const char *address)
{
	unsigned char bytes[IP_BYTES];

	return address_parse(address, bytes) &&
	       networks_have(proxies->networks, proxies->count, bytes);
}

/* One spelling for each address, an IPv4 address as such, so that a client cannot be several to
 * who counts. NULL for what is no address. */
static const char *canonical(const char *text, struct arena *arena)
{
	unsigned char bytes[IP_BYTES];
	char out[IP_TEXT_BYTES];

	if (!address_parse(text, bytes))
		return NULL;
	address_format(bytes, out);
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
