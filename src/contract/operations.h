/* SPDX-License-Identifier: Apache-2.0 */
/* Reading operations out of the document: shared by contract.c, operations.c and parameters.c. */
#ifndef PARTNERD_CONTRACT_OPERATIONS_H
#define PARTNERD_CONTRACT_OPERATIONS_H

#include "contract/contract.h"
#include "contract/schema_node.h"

/* An object of the document and where it stands: the target when it was a $ref. */
struct place {
	const json_t *node;
	const struct pointer *where;
};

/* Follows one {"$ref": …}. False and a sentence when it leads nowhere or to no object. */
bool place_follow(struct schema_compiler *compiler, struct place *place);
/* False and a sentence when the object has a member that is neither listed (NULL-terminated) nor
 * "x-…". */
bool place_check_members(
	struct schema_compiler *compiler, const struct place *place, const char *const *names);

/* The parameters of one operation: its own, and those of the path item it does not override. */
bool parameters_compile(struct schema_compiler *compiler, struct operation *operation,
	const struct place *path_item, const struct place *own);

/* Everything about one operation but its method, path and index, which are set. */
bool operation_compile(struct schema_compiler *compiler, struct operation *operation,
	const struct place *path_item, const struct place *own);

#endif
