/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guard is libcurl's open-socket callback: it sees the very address that is about to be
 * connected to, after all names, spellings and DNS answers. A network more is a row of `denied`,
 * from the registries of special-purpose addresses (RFC 6890); of IPv6 only 2000::/3 is in use at
 * all, so that is a row of what is allowed.
 */
#include "http/outbound.h"

#include "http/proxies.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define CONNECT_MS  3000
#define TRANSFER_MS 8000
#define HTTPS_PORT  443

struct outbound {
	struct proxies networks;
};

struct network4 {
	uint32_t address;
	unsigned bits;
};

#define IP4(a, b, c, d) ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (d))

static const struct network4 denied4[] = {
	{ IP4(0, 0, 0, 0), 8 },       /* this network */
	{ IP4(10, 0, 0, 0), 8 },      /* private */
	{ IP4(100, 64, 0, 0), 10 },   /* carrier NAT */
	{ IP4(127, 0, 0, 0), 8 },     /* loopback */
	{ IP4(169, 254, 0, 0), 16 },  /* link-local, metadata services */
	{ IP4(172, 16, 0, 0), 12 },   /* private */
	{ IP4(192, 0, 0, 0), 24 },    /* protocol assignments */
	{ IP4(192, 0, 2, 0), 24 },    /* documentation */
	{ IP4(192, 88, 99, 0), 24 },  /* 6to4 relays */
	{ IP4(192, 168, 0, 0), 16 },  /* private */
	{ IP4(198, 18, 0, 0), 15 },   /* benchmarks */
	{ IP4(198, 51, 100, 0), 24 }, /* documentation */
	{ IP4(203, 0, 113, 0), 24 },  /* documentation */
	{ IP4(224, 0, 0, 0), 4 },     /* multicast */
	{ IP4(240, 0, 0, 0), 4 },     /* reserved, broadcast */
};

struct network6 {
	unsigned char address[4];
	unsigned bits;
};

static const struct network6 allowed6 = { { 0x20 }, 3 };
static const struct network6 denied6[] = {
	{ { 0x20, 0x01, 0x00, 0x00 }, 23 }, /* protocol assignments, Teredo */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
	{ { 0x20, 0x02 }, 16 },             /* 6to4 */
	{ { 0x3f, 0xff, 0x00 }, 20 },       /* documentation */
};

static bool is_in4(uint32_t address, const struct network4 *network)
{
	uint32_t mask = UINT32_MAX << (32 - network->bits);

	return (address & mask) == network->address;
}

static bool is_in6(const unsigned char *address, const struct network6 *network)
{
	for (unsigned bit = 0; bit < network->bits; bit++) {
		unsigned char mask = (unsigned char)(0x80 >> bit % 8);
		if ((address[bit / 8] & mask) != (network->address[bit / 8] & mask))
			return false;
	}
	return true;
}

static bool is_public4(const struct in_addr *in)
{
	uint32_t address = ntohl(in->s_addr);

	for (size_t i = 0; i < sizeof denied4 / sizeof *denied4; i++)
		if (is_in4(address, &denied4[i]))
			return false;
	return true;
}

static bool is_public6(const struct in6_addr *in)
{
	if (!is_in6(in->s6_addr, &allowed6))
		return false;
	for (size_t i = 0; i < sizeof denied6 / sizeof *denied6; i++)
		if (is_in6(in->s6_addr, &denied6[i]))
			return false;
	return true;
}

bool outbound_is_public(const struct sockaddr *address)
{
	if (address->sa_family == AF_INET)
		return is_public4(&((const struct sockaddr_in *)(const void *)address)->sin_addr);
	if (address->sa_family == AF_INET6)
		return is_public6(&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
	return false;
}

/* Address as text, and port. False for what is no internet address. */
static bool read_address(
	const struct sockaddr *address, char out[static INET6_ADDRSTRLEN], int *ret_port)
{
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;

	if (address->sa_family == AF_INET) {
		*ret_port = ntohs(v4->sin_port);
		return inet_ntop(AF_INET, &v4->sin_addr, out, INET6_ADDRSTRLEN) != NULL;
	}
	if (address->sa_family != AF_INET6)
		return false;
	*ret_port = ntohs(v6->sin6_port);
	return inet_ntop(AF_INET6, &v6->sin6_addr, out, INET6_ADDRSTRLEN) != NULL;
}

bool outbound_may_connect(
	const struct outbound *outbound, const struct sockaddr *address, bool is_plain)
{
	char text[INET6_ADDRSTRLEN];
	int port;

	if (!read_address(address, text, &port))
		return false;
	if (proxies_trust(&outbound->networks, text))
		return true;
	return !is_plain && port == HTTPS_PORT && outbound_is_public(address);
}

bool outbound_takes_url(const struct outbound *outbound, const char *url)
{
	return strncasecmp(url, "https://", 8) == 0 ||
	       (outbound->networks.count > 0 && strncasecmp(url, "http://", 7) == 0);
}

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void curl_prepare(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
}

struct outbound *outbound_make(const char *networks, struct text *reterr)
{
	struct outbound *outbound = calloc(1, sizeof *outbound);
	struct text fault = TEXT_INIT;

	if (!outbound)
		abort();
	pthread_once(&curl_once, curl_prepare);
	bool good = proxies_parse(networks, &outbound->networks, &fault);
	text_release(&fault);
	if (good)
		return outbound;
	text_append_string(reterr, "outbound_networks is not a list of addresses and networks.");
	free(outbound);
	return NULL;
}

struct outbound *outbound_free(struct outbound *outbound)
{
	free(outbound);
	return NULL;
}

/* ---- a transfer ---- */

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct transfer *transfer = context;

	if (purpose != CURLSOCKTYPE_IPCXN ||
		!outbound_may_connect(transfer->outbound, &address->addr, transfer->is_plain)) {
		transfer->is_refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t take_bytes(char *bytes, size_t size, size_t count, void *context)
{
	struct transfer *transfer = context;
	size_t length = size * count;

	if (transfer->body.length + length > transfer->most_bytes) {
		transfer->is_too_large = true;
		return CURL_WRITEFUNC_ERROR;
	}
	text_append(&transfer->body, bytes, length);
	return length;
}

static bool set_limits(CURL *easy)
{
	return curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)TRANSFER_MS) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) ==
		       CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK &&
	       /* The environment's proxy would move the guard to the proxy. */
	       curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK;
}

static bool set_guard(struct transfer *transfer, const char *url)
{
	CURL *easy = transfer->easy;

	return curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR,
		       transfer->is_plain ? "http" : "https") == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_bytes) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer) == CURLE_OK &&
	       curl_easy_setopt(easy, CURLOPT_USERAGENT, "partnerd/" PARTNERD_VERSION) == CURLE_OK;
}

bool transfer_begin(struct transfer *transfer, const struct outbound *outbound, const char *url,
	size_t most_bytes)
{
	*transfer = (struct transfer){ .outbound = outbound, .most_bytes = most_bytes };
	transfer->is_plain = strncasecmp(url, "http://", 7) == 0;
	if (!outbound_takes_url(outbound, url)) {
		transfer->is_refused = true;
		return false;
	}
	transfer->easy = curl_easy_init();
	return transfer->easy && set_limits(transfer->easy) && set_guard(transfer, url);
}

enum outbound_fault transfer_fault(const struct transfer *transfer, CURLcode result)
{
	long status = 0;

	if (transfer->is_too_large)
		return OUTBOUND_TOO_LARGE;
	if (result != CURLE_OK)
		return transfer->is_refused ? OUTBOUND_REFUSED : OUTBOUND_UNREACHABLE;
	curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
	return status == 200 ? OUTBOUND_DONE : OUTBOUND_BAD_STATUS;
}

void transfer_release(struct transfer *transfer)
{
	curl_easy_cleanup(transfer->easy);
	transfer->easy = NULL;
	text_release(&transfer->body);
}
