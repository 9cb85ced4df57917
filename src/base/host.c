/* SPDX-License-Identifier: Apache-2.0 */
/* libidn2 writes the name in one way, libpsl says where it was registered. */
#include "base/host.h"

#include <arpa/inet.h>
#include <idn2.h>
#include <libpsl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static psl_ctx_t *suffixes;
static pthread_once_t suffixes_once = PTHREAD_ONCE_INIT;

static void load_suffixes(void)
{
	suffixes = psl_latest(NULL);
}

/* Dotted numbers, in any number of parts: the resolver would take them for an address. */
static bool is_address(const char *name)
{
	struct in6_addr v6;
	return name[strspn(name, "0123456789.")] == '\0' || inet_pton(AF_INET6, name, &v6) == 1;
}

/* Lower case and punycode. False for what is no name of a host. */
static bool to_ascii(const char *host, size_t length, char out[static HOST_BYTES])
{
	char name[HOST_BYTES];
	char *ascii = NULL;
	while (length > 0 && host[length - 1] == '.')
		length--;
	if (length == 0 || length >= sizeof name || memchr(host, '\0', length) != NULL)
		return false;
	memcpy(name, host, length);
	name[length] = '\0';
	if (idn2_to_ascii_8z(name, &ascii, IDN2_NONTRANSITIONAL | IDN2_USE_STD3_ASCII_RULES) !=
		IDN2_OK)
		return false;
	bool fits = strlen(ascii) < HOST_BYTES;
	if (fits)
		snprintf(out, HOST_BYTES, "%s", ascii);
	idn2_free(ascii);
	return fits && !is_address(out);
}

bool host_registrable(const char *host, size_t length, char out[static HOST_BYTES])
{
	char name[HOST_BYTES];
	pthread_once(&suffixes_once, load_suffixes);
	if (suffixes == NULL || !to_ascii(host, length, name))
		return false;
	const char *registrable = psl_registrable_domain(suffixes, name);
	if (registrable == NULL || strchr(registrable, '.') == NULL)
		return false;
	snprintf(out, HOST_BYTES, "%s", registrable);
	return true;
}

bool website_registrable(const char *website, char out[static HOST_BYTES])
{
	const char *begin = website, *scheme = strstr(website, "://");
	if (scheme != NULL && website + strcspn(website, ":/?#") == scheme)
		begin = scheme + 3;
	const char *end = begin + strcspn(begin, "/?#\\");
	const char *user = memrchr(begin, '@', (size_t)(end - begin));
	if (user != NULL)
		begin = user + 1;
	const char *port = memchr(begin, ':', (size_t)(end - begin));
	return host_registrable(begin, (size_t)((port != NULL ? port : end) - begin), out);
}

bool email_registrable(const char *email, char out[static HOST_BYTES])
{
	const char *at = strrchr(email, '@');
	return at != NULL && host_registrable(at + 1, strlen(at + 1), out);
}

bool host_label(const char *registrable, char out[static HOST_BYTES])
{
	char label[HOST_BYTES];
	char *unicode = NULL;
	snprintf(label, sizeof label, "%.*s", (int)strcspn(registrable, "."), registrable);
	if (idn2_to_unicode_8z8z(label, &unicode, 0) != IDN2_OK)
		return false;
	snprintf(out, HOST_BYTES, "%s", unicode);
	idn2_free(unicode);
	return true;
}
