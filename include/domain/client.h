/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a machine client may do, from where and until when, and what a change of that means for the
 * tokens it has. A token carries these terms as they were when it was issued; when they become
 * narrower it has to be cut.
 */
#ifndef PARTNERD_DOMAIN_CLIENT_H
#define PARTNERD_DOMAIN_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/network.h"
#include "domain/access.h"

#define CLIENT_MAX_NETWORKS 20
#define CLIENT_MAX_SECRETS  5 /* that are good at the same time */

struct client_terms {
	scope_set scopes;
	struct network networks[CLIENT_MAX_NETWORKS];
	size_t network_count;  /* 0: from everywhere */
	int64_t expires_at_us; /* 0: never */
};

/* Whether `address` is one the client may come from; what is no address is not. */
bool client_may_come_from(
	const struct network *networks, size_t network_count, const char *address);

/*
 * Whether a token issued under `before` might be more than `after` gives. Networks are compared one
 * by one: two halves in place of a whole count as narrower, which costs a token and no safety.
 */
bool client_is_narrowed(const struct client_terms *before, const struct client_terms *after);

/*
 * Whether a further secret may be made while `live` others are good. When they end at once there is
 * always room: this is how one gets rid of a secret that has leaked.
 */
bool client_may_rotate(int64_t live, int64_t overlap_s);

#endif
