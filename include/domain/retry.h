/* SPDX-License-Identifier: Apache-2.0 */
/* How long to wait before something is tried again that another machine did not take. */
#ifndef PARTNERD_DOMAIN_RETRY_H
#define PARTNERD_DOMAIN_RETRY_H

#include <stdint.h>

#define RETRY_FIRST_S 15
#define RETRY_MOST_S  3600

/*
 * After attempt 1, 2, 3 … twice as long each time, up to RETRY_MOST_S, and up to a quarter longer
 * by `random`, so that what failed together does not come back together.
 */
int64_t retry_delay_s(int64_t attempt, uint32_t random);

#endif
