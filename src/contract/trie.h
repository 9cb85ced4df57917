/* SPDX-License-Identifier: Apache-2.0 */
/* Path templates as a trie of segments. A literal segment is tried before a parameter. */
#ifndef PARTNERD_CONTRACT_TRIE_H
#define PARTNERD_CONTRACT_TRIE_H

#include "contract/contract.h"

struct trie;

struct trie *trie_new(struct arena *arena);

/* NULL, or what is wrong with the operation's path. Fills operation->path_ids. */
const char *trie_add(struct trie *trie, struct arena *arena, struct operation *operation);

void trie_match(const struct trie *trie, enum http_method method, struct slice path,
	struct route *ret_route);

#endif
