/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of hosts as they are compared: lower case, in the letters of the DNS (IDNA 2008), and cut
 * down to what somebody registered, by the Public Suffix List that Debian keeps (package
 * publicsuffix, else the one inside libpsl). The list is read at its first use and never changed.
 */
#ifndef PARTNERD_BASE_HOST_H
#define PARTNERD_BASE_HOST_H

#include <stdbool.h>
#include <stddef.h>

#define HOST_BYTES 256

/*
 * "www.learn.acme.co.uk" gives "acme.co.uk"; "münchen.de" gives "xn--mnchen-3ya.de". False when the
 * text names no host that can be registered: an address, a public suffix, a single word, no host at
 * all.
 */
bool host_registrable(const char *host, size_t length, char out[static HOST_BYTES]);

/* The same from a website: scheme, user, port, path, query and fragment do not count. */
bool website_registrable(const char *website, char out[static HOST_BYTES]);

/* The same from what stands behind the last @. */
bool email_registrable(const char *email, char out[static HOST_BYTES]);

/* The first label of what host_registrable gives, in Unicode: "münchen". */
bool host_label(const char *registrable, char out[static HOST_BYTES]);

#endif
