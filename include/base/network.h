/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses and networks (CIDR) of IPv4 and IPv6 in one form of sixteen bytes, so that belonging to
 * a network is one comparison of bits. An IPv4 address is held as ::ffff:a.b.c.d and is the same
 * address in either spelling; a network of IPv6 never holds one of IPv4, however short its prefix.
 */
#ifndef PARTNERD_BASE_NETWORK_H
#define PARTNERD_BASE_NETWORK_H

#include <stdbool.h>
#include <stddef.h>

#define IP_BYTES           16
#define IP_TEXT_BYTES      46 /* the longest address and a NUL */
#define NETWORK_TEXT_BYTES 50 /* … with "/128" */

struct network {
	unsigned char address[IP_BYTES];
	unsigned char prefix; /* bits, of 128; those behind it may be anything */
};

/* False when `text` is no address. */
bool address_parse(const char *text, unsigned char ret_address[static IP_BYTES]);
/* The one canonical spelling. */
void address_format(const unsigned char address[static IP_BYTES], char out[static IP_TEXT_BYTES]);

/* "10.0.0.0/8", "2001:db8::/32"; an address alone is a network of one. */
bool network_parse(const char *text, struct network *ret_network);
/* Clears the bits behind the prefix; true when there were none. */
bool network_trim(struct network *network);
/* Canonical, always with its prefix. */
void network_format(const struct network *network, char out[static NETWORK_TEXT_BYTES]);

bool network_has(const struct network *network, const unsigned char address[static IP_BYTES]);
/* Whether every address of `inner` is one of `outer`. */
bool network_within(const struct network *inner, const struct network *outer);

/* Networks separated by single spaces, at most `room` of them. */
bool networks_parse(const char *text, struct network *ret_networks, size_t room, size_t *ret_count);
bool networks_have(
	const struct network *networks, size_t count, const unsigned char address[static IP_BYTES]);

#endif
