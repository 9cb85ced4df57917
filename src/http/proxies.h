/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who the client is behind proxies. X-Forwarded-For is believed only as far as trusted proxies
 * wrote it: from the right, over every address that is one of ours, to the first that is not.
 * Without trusted proxies the header means nothing.
 */
#ifndef PARTNERD_SRC_HTTP_PROXIES_H
#define PARTNERD_SRC_HTTP_PROXIES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/network.h"
#include "base/text.h"

#define PROXIES_MAX 32

struct proxies {
	struct network networks[PROXIES_MAX];
	size_t count;
};

/* "10.0.0.0/8, ::1, 192.0.2.7". False and a sentence in `reterr` for what is no address or network.
 */
bool proxies_parse(const char *list, struct proxies *ret_proxies, struct text *reterr);

bool proxies_trust(const struct proxies *proxies, const char *address);

/*
 * The client's address: `peer`, or what trusted proxies said in `forwarded` (X-Forwarded-For,
 * joined; NULL when absent), in its one canonical form. An entry that is no address ends the walk
 * at the proxy that sent it. On the arena.
 */
const char *proxies_client(const struct proxies *proxies, const char *peer, const char *forwarded,
	struct arena *arena);

#endif
