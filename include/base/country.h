/* SPDX-License-Identifier: Apache-2.0 */
/* Countries as ISO 3166-1 has them. */
#ifndef PARTNERD_BASE_COUNTRY_H
#define PARTNERD_BASE_COUNTRY_H

#include <stdbool.h>
#include <stddef.h>

/* Is this an alpha-2 code that is officially assigned? Two capital letters. */
bool country_is_valid(const char *bytes, size_t length);

size_t country_count(void);

#endif
