/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time as the product sees it: microseconds since 1970-01-01T00:00:00Z in an int64. Rules never
 * read a clock; they get `now` handed in. The database's twin is program_now() (sql/functions),
 * which also knows the test clock of a sandbox program; business time always comes from there, this
 * one serves tokens, limits, deadlines and logs.
 */
#ifndef PARTNERD_BASE_CLOCK_H
#define PARTNERD_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLOCK_SECOND_US 1000000LL

/* Wall clock and monotonic clock, microseconds. */
int64_t clock_now_us(void);
int64_t clock_monotonic_us(void);

#define TIME_TEXT_BYTES 25 /* 2026-01-02T03:04:05.678Z and a NUL */

/* RFC 3339 in UTC with three digits, truncated, never rounded. Years 0000 to 9999. */
void time_format(int64_t time_us, char out[static TIME_TEXT_BYTES]);

/* RFC 3339 with any offset and 0–9 digits; second 60, 24:00 and impossible dates are refused
 * (api.md §1 "Time"). */
bool time_parse(const char *text, size_t length, int64_t *ret_time_us);

/* YYYY-MM-DD, a day that exists. */
bool date_is_valid(const char *text, size_t length);

#endif
