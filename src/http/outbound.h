/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP to URLs that others gave us, guarded against being sent to places that only we can reach
 * (SSRF). Only public addresses are connected to, and networks that the installation names; the
 * address is judged when the socket is made, so that a name cannot change its meaning in between.
 * No redirects, no proxies, no cookies, bounded in time and size.
 */
#ifndef PARTNERD_SRC_HTTP_OUTBOUND_H
#define PARTNERD_SRC_HTTP_OUTBOUND_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/text.h"

struct outbound;

/* `networks` as in the setting outbound_networks. NULL and a sentence in `reterr` when it is no
 * list of networks. */
struct outbound *outbound_make(const char *networks, struct text *reterr);
struct outbound *outbound_free(struct outbound *outbound);

/* Whether the Internet knows this address: not private, local, reserved, multicast, a tunnel or
 * an IPv4 address in disguise. */
bool outbound_is_public(const struct sockaddr *address);

/* https, or http when networks are named. The address is judged later. */
bool outbound_takes_url(const struct outbound *outbound, const char *url);

/* Whether a connection to this address may be made: `is_plain` is http. */
bool outbound_may_connect(
	const struct outbound *outbound, const struct sockaddr *address, bool is_plain);

enum outbound_fault {
	OUTBOUND_DONE,
	OUTBOUND_REFUSED,     /* the URL or its address is not one we go to */
	OUTBOUND_UNREACHABLE, /* no name, no connection, no TLS, no time */
	OUTBOUND_TOO_LARGE,
	OUTBOUND_BAD_STATUS, /* anything but 200 */
};

/* One GET. Given to curl_easy_perform or a multi handle by its `easy`. Must not move meanwhile. */
struct transfer {
	const struct outbound *outbound;
	CURL *easy;
	struct text body;
	size_t most_bytes;
	bool is_plain;
	bool is_refused;
	bool is_too_large;
};

/* False when the URL is not one we go to. The transfer needs transfer_release then, too. */
bool transfer_begin(struct transfer *transfer, const struct outbound *outbound, const char *url,
	size_t most_bytes);
enum outbound_fault transfer_fault(const struct transfer *transfer, CURLcode result);
void transfer_release(struct transfer *transfer);

#endif
