/* SPDX-License-Identifier: Apache-2.0 */
/* When a company may apply. The wait is computed by PostgreSQL's calendar when an application is
 * rejected; here it is only compared. */
#include "domain/application.h"

#include <string.h>

#include "base/clock.h"
#include "domain/state.h"

bool application_submit(const struct application_facts *facts, struct problem *problem)
{
	if (facts->status != NULL && transition_require(application_transitions, "application",
					     "submit", "submitted", facts->status, problem) == NULL)
		return false;
	if (facts->now_us >= facts->waits_until_us)
		return true;
	char from[TIME_TEXT_BYTES];
	time_format(facts->waits_until_us, from);
	return problem_set(problem, PROBLEM_application_too_early,
		"An application of this company was rejected; a new one is possible from %s.",
		from);
}

bool application_is_open(const char *status)
{
	return strcmp(status, "approved") != 0 && strcmp(status, "rejected") != 0 &&
	       strcmp(status, "withdrawn") != 0;
}
