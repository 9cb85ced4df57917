/* SPDX-License-Identifier: Apache-2.0 */
/* What bindings.c puts together and bindings_check.c compares with the contract. */
#ifndef PARTNERD_HTTP_BINDINGS_H
#define PARTNERD_HTTP_BINDINGS_H

#include "engines.h"

#define BINDINGS_MAX_SHAPES 64

struct bindings {
	struct arena *arena;
	const struct contract *contract;
	const struct endpoint **by_operation; /* index of the operation → row */
	struct shape *shapes[BINDINGS_MAX_SHAPES];
	size_t shape_count;
};

/* Compares rows, shapes, filters, sorts and statements with the contract; a sentence per fault. */
bool bindings_check(const struct bindings *bindings, struct text *reterr);
/* Compares the scopes and roles of the contract with the server's (bindings_access.c). */
bool bindings_check_access(const struct contract *contract, struct text *reterr);

#endif
