/* SPDX-License-Identifier: Apache-2.0 */
/* Exponential, capped, spread: see the header. */
#include "domain/retry.h"

int64_t retry_delay_s(int64_t attempt, uint32_t random)
{
	int64_t delay_s = RETRY_FIRST_S;

	for (; attempt > 1 && delay_s < RETRY_MOST_S; attempt--)
		delay_s *= 2;
	if (delay_s > RETRY_MOST_S)
		delay_s = RETRY_MOST_S;
	return delay_s + (int64_t)(random % (uint32_t)(delay_s / 4 + 1));
}
