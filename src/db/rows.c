/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows are a PGresult with the life of an arena. Everything is text; numbers and times are parsed
 * when somebody asks. The text is PostgreSQL's own, produced under the settings of connect.c (ISO
 * dates, UTC), so a text that does not parse means that a column is not what its reader takes it
 * for: a programming error, and the process stops.
 */
#include "db/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_US 1000000LL
#define DAY_S     86400LL
#define LAST_YEAR 294000

struct rows {
	PGresult *result;
	size_t count;
	size_t columns;
};

static void dispose_result(void *result)
{
	PQclear(result);
}

struct rows *rows_new(struct arena *arena, PGresult *result)
{
	struct rows *rows = arena_alloc(arena, sizeof(*rows));
	rows->result = result;
	rows->count = (size_t)PQntuples(result);
	rows->columns = (size_t)PQnfields(result);
	arena_defer(arena, dispose_result, result);
	return rows;
}

/* ---- timestamps ---- */

/* Days since 1970-01-01 in the proleptic Gregorian calendar; years are counted from March. */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t year_of_era = year - era * 400;
	int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
	return era * 146097 + day_of_era - 719468;
}

/* Reads digits up to `max` of them, at least one, and moves on. */
static bool take_digits(const char **text, int max, int64_t *ret_value, int *ret_digits)
{
	int64_t value = 0;
	int digits = 0;
	while (digits < max && **text >= '0' && **text <= '9') {
		value = value * 10 + (**text - '0');
		digits++;
		(*text)++;
	}
	*ret_value = value;
	if (ret_digits)
		*ret_digits = digits;
	return digits > 0;
}

static bool take_char(const char **text, char expected)
{
	if (**text != expected)
		return false;
	(*text)++;
	return true;
}

static bool take_fraction(const char **text, int64_t *ret_us)
{
	int digits = 0;
	*ret_us = 0;
	if (!take_char(text, '.'))
		return true;
	if (!take_digits(text, 6, ret_us, &digits))
		return false;
	for (; digits < 6; digits++)
		*ret_us *= 10;
	return true;
}

bool timestamp_parse(const char *text, int64_t *ret_time_us)
{
	if (strcmp(text, "infinity") == 0 || strcmp(text, "-infinity") == 0) {
		*ret_time_us = *text == '-' ? INT64_MIN : INT64_MAX;
		return true;
	}
	int64_t year, month, day, hour, minute, second, us;
	bool ok = take_digits(&text, 6, &year, NULL) && take_char(&text, '-') &&
		  take_digits(&text, 2, &month, NULL) && take_char(&text, '-') &&
		  take_digits(&text, 2, &day, NULL) && take_char(&text, ' ') &&
		  take_digits(&text, 2, &hour, NULL) && take_char(&text, ':') &&
		  take_digits(&text, 2, &minute, NULL) && take_char(&text, ':') &&
		  take_digits(&text, 2, &second, NULL) && take_fraction(&text, &us) &&
		  strcmp(text, "+00") == 0;
	if (!ok)
		return false;
	int64_t seconds =
		days_from_civil(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second;
	/* PostgreSQL counts from 2000 and so a little further than we can. */
	*ret_time_us = year > LAST_YEAR ? INT64_MAX : seconds * SECOND_US + us;
	return true;
}

/* ---- by name ---- */

static void fault(const char *what, const char *name)
{
	fprintf(stderr, "partnerd: column '%s' %s\n", name, what);
	abort();
}

/* The cell of the first row; NULL for null and when there is no row. */
static const char *first_cell(const struct rows *rows, const char *name)
{
	int column = rows_column(rows, name);
	if (column < 0)
		fault("is not in the answer", name);
	return rows->count > 0 ? rows_cell(rows, 0, (size_t)column, NULL) : NULL;
}

/* ---- public ---- */

size_t rows_count(const struct rows *rows)
{
	return rows->count;
}

size_t rows_columns(const struct rows *rows)
{
	return rows->columns;
}

const char *rows_column_name(const struct rows *rows, size_t column)
{
	return PQfname(rows->result, (int)column);
}

char rows_column_type(const struct rows *rows, size_t column)
{
	return oid_to_type(PQftype(rows->result, (int)column));
}

int rows_column(const struct rows *rows, const char *name)
{
	for (size_t i = 0; i < rows->columns; i++) {
		if (strcmp(PQfname(rows->result, (int)i), name) == 0)
			return (int)i;
	}
	return -1;
}

const char *rows_cell(const struct rows *rows, size_t row, size_t column, size_t *ret_length)
{
	const char *cell = PQgetvalue(rows->result, (int)row, (int)column);
	int length = PQgetlength(rows->result, (int)row, (int)column);
	if (length == 0 && PQgetisnull(rows->result, (int)row, (int)column))
		return NULL;
	if (ret_length)
		*ret_length = (size_t)length;
	return cell;
}

const char *rows_text(const struct rows *rows, const char *name)
{
	return first_cell(rows, name);
}

int64_t rows_int(const struct rows *rows, const char *name)
{
	const char *cell = first_cell(rows, name);
	if (!cell)
		return 0;
	char *end = NULL;
	int64_t value = strtoll(cell, &end, 10);
	if (end == cell || *end != '\0')
		fault("is not an integer", name);
	return value;
}

bool rows_bool(const struct rows *rows, const char *name)
{
	const char *cell = first_cell(rows, name);
	if (cell && strcmp(cell, "t") != 0 && strcmp(cell, "f") != 0)
		fault("is not a boolean", name);
	return cell && *cell == 't';
}

int64_t rows_time(const struct rows *rows, const char *name)
{
	const char *cell = first_cell(rows, name);
	int64_t time_us = 0;
	if (cell && !timestamp_parse(cell, &time_us))
		fault("is not a timestamp with time zone", name);
	return time_us;
}
