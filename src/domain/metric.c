/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue of metrics. Keys are for good: requirements and measurements name them. */
#include "domain/metric.h"

#include <string.h>

#define SAFE_INTEGER 9007199254740991LL
#define WHOLE_BPS    10000

/* clang-format off */
const struct metric metrics[] = {
	{ "won_amount_minor", "Amount of the deals won in the window, in the program's currency",
		METRIC_MINOR, METRIC_COMPUTED, WINDOW_REQUIRED },
	{ "won_deals", "Deals won in the window",
		METRIC_COUNT, METRIC_COMPUTED, WINDOW_REQUIRED },
	{ "registered_deals", "Deals submitted in the window",
		METRIC_COUNT, METRIC_COMPUTED, WINDOW_REQUIRED },
	{ "win_rate_bps", "Share of the deals closed in the window that were won",
		METRIC_BPS, METRIC_COMPUTED, WINDOW_REQUIRED },
	{ "certified_people", "People of the partner who hold a certification now",
		METRIC_COUNT, METRIC_COMPUTED, WINDOW_NONE },
	{ "people", "People of the partner who can sign in now",
		METRIC_COUNT, METRIC_COMPUTED, WINDOW_NONE },
	{ "sourced_arr_minor", "Annual recurring revenue that the partner has sourced",
		METRIC_MINOR, METRIC_REPORTED, WINDOW_OPTIONAL },
	{ "active_users", "Users of the partner's customers who are active",
		METRIC_COUNT, METRIC_REPORTED, WINDOW_OPTIONAL },
	{ "enrolments", "Enrolments in courses at the partner's customers",
		METRIC_COUNT, METRIC_REPORTED, WINDOW_OPTIONAL },
	{ "course_completion_bps", "Share of matured enrolments that were completed",
		METRIC_BPS, METRIC_REPORTED, WINDOW_OPTIONAL },
	{ "retention_bps", "Share of customers that stayed",
		METRIC_BPS, METRIC_REPORTED, WINDOW_OPTIONAL },
	{ "renewal_rate_bps", "Share of contracts due that were renewed",
		METRIC_BPS, METRIC_REPORTED, WINDOW_OPTIONAL },
	{ "customer_satisfaction_bps", "Satisfaction of customers, of the best possible",
		METRIC_BPS, METRIC_REPORTED, WINDOW_OPTIONAL },
	{ "lead_claims_in_time_bps", "Share of offered leads claimed within the window",
		METRIC_BPS, METRIC_REPORTED, WINDOW_OPTIONAL },
	{ "first_response_bps", "Share of cases first answered in time",
		METRIC_BPS, METRIC_REPORTED, WINDOW_OPTIONAL },
	{ "resolution_bps", "Share of cases resolved in time",
		METRIC_BPS, METRIC_REPORTED, WINDOW_OPTIONAL },
	{ "uptime_bps", "Monthly uptime",
		METRIC_BPS, METRIC_REPORTED, WINDOW_OPTIONAL },
	{ "co_branding_compliance_bps", "Share of co-branded material that keeps to the brand kit",
		METRIC_BPS, METRIC_REPORTED, WINDOW_OPTIONAL },
	{ NULL, NULL, METRIC_COUNT, METRIC_COMPUTED, WINDOW_NONE },
};
/* clang-format on */

const struct metric *metric_find(const char *key)
{
	for (const struct metric *metric = metrics; metric->key; metric++)
		if (strcmp(metric->key, key) == 0)
			return metric;
	return NULL;
}

const char *metric_unit_text(enum metric_unit unit)
{
	static const char *const texts[] = { "count", "bps", "minor" };

	return texts[unit];
}

const char *metric_source_text(enum metric_source source)
{
	static const char *const texts[] = { "computed", "reported" };

	return texts[source];
}

const char *metric_window_text(enum metric_window window)
{
	static const char *const texts[] = { "none", "optional", "required" };

	return texts[window];
}

int64_t metric_least(const struct metric *metric)
{
	return metric->unit == METRIC_MINOR ? -SAFE_INTEGER : 0;
}

int64_t metric_most(const struct metric *metric)
{
	return metric->unit == METRIC_BPS ? WHOLE_BPS : SAFE_INTEGER;
}
