/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calendar arithmetic on the proleptic Gregorian calendar, in UTC only: zones are PostgreSQL's
 * business. The C library's gmtime_r takes a lock that all threads share, and pages hold many
 * timestamps, so days are turned into dates here. Times read from outside lie in the years 0001 to
 * 9999, which is also what PostgreSQL reads without "BC".
 */
#include "base/clock.h"

#include <string.h>
#include <time.h>

#define DAY_S         86400
#define DAYS_OF_400_Y 146097
/* Days from 0000-03-01, where the arithmetic starts its years, to 1970-01-01. */
#define EPOCH_DAY     719468
#define YEAR_0000_US  (INT64_C(-62167219200) * CLOCK_SECOND_US)
#define YEAR_0001_US  (INT64_C(-62135596800) * CLOCK_SECOND_US)
#define YEAR_10000_US (INT64_C(253402300800) * CLOCK_SECOND_US)

struct date {
	int64_t year;
	int64_t month;
	int64_t day;
};

static int64_t floor_divide(int64_t value, int64_t by)
{
	return value / by - (value % by < 0);
}

static bool is_leap_year(int64_t year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static bool date_exists(struct date date)
{
	static const int lengths[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (date.year < 1 || date.month < 1 || date.month > 12 || date.day < 1)
		return false;
	if (date.month == 2 && is_leap_year(date.year))
		return date.day <= 29;
	return date.day <= lengths[date.month - 1];
}

/*
 * Years that begin in March put the leap day last, so that the day of the year is a linear function
 * of the month: months counted from March have 153 days in every five.
 */
static int64_t days_of_date(struct date date)
{
	int64_t year = date.month > 2 ? date.year : date.year - 1;
	int64_t month = date.month > 2 ? date.month - 3 : date.month + 9;
	int64_t leaps = floor_divide(year, 4) - floor_divide(year, 100) + floor_divide(year, 400);

	return year * 365 + leaps + (month * 153 + 2) / 5 + date.day - 1 - EPOCH_DAY;
}

static struct date date_of_days(int64_t days)
{
	int64_t shifted = days + EPOCH_DAY;
	int64_t era = floor_divide(shifted, DAYS_OF_400_Y);
	int64_t day_of_era = shifted - era * DAYS_OF_400_Y;
	/* Take out the leap days that have passed, then all years are alike. */
	int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
				      day_of_era / (DAYS_OF_400_Y - 1)) /
			      365;
	int64_t day_of_year =
		day_of_era - (year_of_era * 365 + year_of_era / 4 - year_of_era / 100);
	int64_t month = (day_of_year * 5 + 2) / 153;
	struct date date = { .year = era * 400 + year_of_era + (month >= 10),
		.month = month < 10 ? month + 3 : month - 9,
		.day = day_of_year - (month * 153 + 2) / 5 + 1 };

	return date;
}

static void put_digits(char *out, int64_t value, int count)
{
	while (count-- > 0) {
		out[count] = (char)('0' + value % 10);
		value /= 10;
	}
}

/* Reads exactly `count` digits at *at and moves on; false when there is something else. */
static bool take_digits(const char **at, const char *end, int count, int64_t *ret_value)
{
	*ret_value = 0;
	for (int i = 0; i < count; i++) {
		if (*at == end || **at < '0' || **at > '9')
			return false;
		*ret_value = *ret_value * 10 + (*(*at)++ - '0');
	}
	return true;
}

static bool take_char(const char **at, const char *end, char upper, char lower)
{
	if (*at == end || (**at != upper && **at != lower))
		return false;
	(*at)++;
	return true;
}

static bool take_date(const char **at, const char *end, struct date *ret_date)
{
	return take_digits(at, end, 4, &ret_date->year) && take_char(at, end, '-', '-') &&
	       take_digits(at, end, 2, &ret_date->month) && take_char(at, end, '-', '-') &&
	       take_digits(at, end, 2, &ret_date->day) && date_exists(*ret_date);
}

/* HH:MM:SS as seconds of the day. */
static bool take_time(const char **at, const char *end, int64_t *ret_s)
{
	int64_t hour;
	int64_t minute;
	int64_t second;

	if (!take_digits(at, end, 2, &hour) || !take_char(at, end, ':', ':') ||
		!take_digits(at, end, 2, &minute) || !take_char(at, end, ':', ':') ||
		!take_digits(at, end, 2, &second))
		return false;
	*ret_s = hour * 3600 + minute * 60 + second;
	return hour <= 23 && minute <= 59 && second <= 59;
}

/* An optional fraction of one to nine digits; what lies below a microsecond is dropped. */
static bool take_fraction(const char **at, const char *end, int64_t *ret_us)
{
	int64_t unit_us = CLOCK_SECOND_US;
	int count = 0;
	int64_t digit;

	*ret_us = 0;
	if (!take_char(at, end, '.', '.'))
		return true;
	for (; take_digits(at, end, 1, &digit); count++) {
		unit_us /= 10;
		*ret_us += digit * unit_us;
	}
	return count >= 1 && count <= 9;
}

/* "Z" or ±HH:MM, as seconds east of UTC. */
static bool take_offset(const char **at, const char *end, int64_t *ret_s)
{
	bool is_west;
	int64_t hour;
	int64_t minute;

	*ret_s = 0;
	if (take_char(at, end, 'Z', 'z'))
		return true;
	is_west = *at < end && **at == '-';
	if (!take_char(at, end, '+', '-') || !take_digits(at, end, 2, &hour) ||
		!take_char(at, end, ':', ':') || !take_digits(at, end, 2, &minute))
		return false;
	*ret_s = (hour * 3600 + minute * 60) * (is_west ? -1 : 1);
	return hour <= 23 && minute <= 59;
}

static int64_t clock_read_us(clockid_t id)
{
	struct timespec time;

	clock_gettime(id, &time);
	return time.tv_sec * CLOCK_SECOND_US + time.tv_nsec / 1000;
}

int64_t clock_now_us(void)
{
	return clock_read_us(CLOCK_REALTIME);
}

int64_t clock_monotonic_us(void)
{
	return clock_read_us(CLOCK_MONOTONIC);
}

void time_format(int64_t time_us, char out[static TIME_TEXT_BYTES])
{
	int64_t seconds;
	int64_t days;
	struct date date;

	if (time_us < YEAR_0000_US)
		time_us = YEAR_0000_US;
	if (time_us >= YEAR_10000_US)
		time_us = YEAR_10000_US - 1;
	seconds = floor_divide(time_us, CLOCK_SECOND_US);
	days = floor_divide(seconds, DAY_S);
	date = date_of_days(days);
	memcpy(out, "0000-00-00T00:00:00.000Z", TIME_TEXT_BYTES);
	put_digits(out, date.year, 4);
	put_digits(out + 5, date.month, 2);
	put_digits(out + 8, date.day, 2);
	seconds -= days * DAY_S;
	put_digits(out + 11, seconds / 3600, 2);
	put_digits(out + 14, seconds / 60 % 60, 2);
	put_digits(out + 17, seconds % 60, 2);
	put_digits(out + 20,
		(time_us - floor_divide(time_us, CLOCK_SECOND_US) * CLOCK_SECOND_US) / 1000, 3);
}

bool time_parse(const char *text, size_t length, int64_t *ret_time_us)
{
	const char *end = text + length;
	struct date date;
	int64_t second_of_day;
	int64_t fraction_us;
	int64_t offset_s;
	int64_t time_us;

	if (!take_date(&text, end, &date) || !take_char(&text, end, 'T', 't') ||
		!take_time(&text, end, &second_of_day) ||
		!take_fraction(&text, end, &fraction_us) || !take_offset(&text, end, &offset_s) ||
		text != end)
		return false;
	time_us = (days_of_date(date) * DAY_S + second_of_day - offset_s) * CLOCK_SECOND_US +
		  fraction_us;
	if (time_us < YEAR_0001_US || time_us >= YEAR_10000_US)
		return false;
	*ret_time_us = time_us;
	return true;
}

bool date_is_valid(const char *text, size_t length)
{
	const char *end = text + length;
	struct date date;

	return take_date(&text, end, &date) && text == end;
}
