/* SPDX-License-Identifier: Apache-2.0 */
/* Ids are UUIDv7 (RFC 9562 §5.7), lower case, monotonic within a process by a 12-bit counter in
 * rand_a (§6.2). */
#ifndef PARTNERD_BASE_UUID_H
#define PARTNERD_BASE_UUID_H

#include <stdbool.h>
#include <stddef.h>

#define UUID_TEXT_BYTES 37 /* 36 characters and a NUL */

void uuid_v7(char out[static UUID_TEXT_BYTES]);

/* Any UUID in the 8-4-4-4-12 form; upper case digits are accepted and mean the same id. */
bool uuid_is_valid(const char *text, size_t length);

#endif
