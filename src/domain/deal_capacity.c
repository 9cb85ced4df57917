/* SPDX-License-Identifier: Apache-2.0 */
/* One sentence to judge and one to refuse; the count is made again, under a lock, by the write. */
#include "domain/deal_capacity.h"

bool capacity_check(const struct capacity *capacity, struct problem *problem)
{
	if (!capacity->is_limited || capacity->open_count < capacity->open_limit)
		return true;
	return problem_set(problem, PROBLEM_deal_limit_reached,
		"The partner has %lld registrations open and may have %lld.",
		(long long)capacity->open_count, (long long)capacity->open_limit);
}
