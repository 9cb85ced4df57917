/* SPDX-License-Identifier: Apache-2.0 */
/* Rows over a PGresult made by hand: cells, types, values by name, and PostgreSQL's timestamps. */
#include "db/internal.h"

#include "base/clock.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define COLUMNS 6

static struct rows *make_rows(struct arena *arena, size_t count, const char *const cells[][COLUMNS])
{
	PGresAttDesc columns[COLUMNS] = {
		{ .name = (char *)"id", .typid = 2950 },
		{ .name = (char *)"amount.amount_minor", .typid = 20 },
		{ .name = (char *)"Draft", .typid = 16 },
		{ .name = (char *)"created_at", .typid = 1184 },
		{ .name = (char *)"note", .typid = 25 },
		{ .name = (char *)"bytes", .typid = 17 },
	};
	PGresult *result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
	assert_true(PQsetResultAttrs(result, COLUMNS, columns));
	for (int row = 0; row < (int)count; row++) {
		for (int column = 0; column < COLUMNS; column++) {
			const char *cell = cells[row][column];
			assert_true(PQsetvalue(
				result, row, column, (char *)cell, cell ? (int)strlen(cell) : -1));
		}
	}
	return rows_new(arena, result);
}

static const char *const two_rows[][COLUMNS] = {
	{ "018f0000-0000-7000-8000-000000000001", "-42", "t", "2026-01-02 03:04:05.678+00", "",
		"\\x00" },
	{ "018f0000-0000-7000-8000-000000000002", NULL, "f", NULL, NULL, NULL },
};

static void test_shape(void **state)
{
	struct rows *rows = make_rows(*state, 2, two_rows);
	assert_int_equal(rows_count(rows), 2);
	assert_int_equal(rows_columns(rows), COLUMNS);
	assert_string_equal(rows_column_name(rows, 1), "amount.amount_minor");
	const char types[] = "uibztx";
	for (size_t i = 0; i < COLUMNS; i++)
		assert_int_equal(rows_column_type(rows, i), types[i]);
}

static void test_column_by_name(void **state)
{
	struct rows *rows = make_rows(*state, 2, two_rows);
	assert_int_equal(rows_column(rows, "id"), 0);
	assert_int_equal(rows_column(rows, "amount.amount_minor"), 1);
	assert_int_equal(rows_column(rows, "Draft"), 2);
	assert_int_equal(rows_column(rows, "draft"), -1);
	assert_int_equal(rows_column(rows, ""), -1);
}

static void test_cells(void **state)
{
	struct rows *rows = make_rows(*state, 2, two_rows);
	size_t length = 99;
	assert_string_equal(rows_cell(rows, 0, 1, &length), "-42");
	assert_int_equal(length, 3);
	assert_string_equal(rows_cell(rows, 0, 4, &length), "");
	assert_int_equal(length, 0);
	assert_null(rows_cell(rows, 1, 4, NULL));
	assert_string_equal(rows_cell(rows, 1, 0, NULL), "018f0000-0000-7000-8000-000000000002");
}

static void test_values_by_name(void **state)
{
	struct rows *rows = make_rows(*state, 2, two_rows);
	assert_string_equal(rows_text(rows, "id"), two_rows[0][0]);
	assert_int_equal(rows_int(rows, "amount.amount_minor"), -42);
	assert_true(rows_bool(rows, "Draft"));
	assert_int_equal(rows_time(rows, "created_at"), INT64_C(1767323045678000));
}

static void test_nulls(void **state)
{
	struct rows *rows = make_rows(*state, 1, &two_rows[1]);
	assert_int_equal(rows_int(rows, "amount.amount_minor"), 0);
	assert_false(rows_bool(rows, "Draft"));
	assert_int_equal(rows_time(rows, "created_at"), 0);
	assert_null(rows_text(rows, "note"));
}

static void test_no_row_reads_as_null(void **state)
{
	struct rows *rows = make_rows(*state, 0, NULL);
	assert_int_equal(rows_count(rows), 0);
	assert_null(rows_text(rows, "id"));
	assert_int_equal(rows_int(rows, "amount.amount_minor"), 0);
}

/* True when `read` ends the process by SIGABRT. */
static bool aborts(const struct rows *rows, void (*read)(const struct rows *rows))
{
	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		signal(SIGABRT, SIG_DFL);
		close(STDERR_FILENO);
		read(rows);
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void read_missing(const struct rows *rows)
{
	rows_text(rows, "missing");
}

static void read_text_as_int(const struct rows *rows)
{
	rows_int(rows, "id");
}

static void read_text_as_bool(const struct rows *rows)
{
	rows_bool(rows, "id");
}

static void read_text_as_time(const struct rows *rows)
{
	rows_time(rows, "id");
}

static void read_well(const struct rows *rows)
{
	rows_time(rows, "created_at");
}

static void test_programming_errors_abort(void **state)
{
	struct rows *rows = make_rows(*state, 1, two_rows);
	assert_true(aborts(rows, read_missing));
	assert_true(aborts(rows, read_text_as_int));
	assert_true(aborts(rows, read_text_as_bool));
	assert_true(aborts(rows, read_text_as_time));
	assert_false(aborts(rows, read_well));
}

static void test_timestamps(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t time_us;
	} cases[] = {
		{ "1970-01-01 00:00:00+00", 0 },
		{ "1970-01-01 00:00:00.000001+00", 1 },
		{ "1969-12-31 23:59:59.5+00", -500000 },
		{ "2000-02-29 12:00:00+00", INT64_C(951825600000000) },
		{ "2026-03-30 09:30:00.1+00", INT64_C(1774863000100000) },
		{ "0001-01-01 00:00:00+00", INT64_C(-62135596800000000) },
		{ "294276-12-31 23:59:59.999999+00", INT64_MAX },
		{ "infinity", INT64_MAX },
		{ "-infinity", INT64_MIN },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t time_us = 0;
		assert_true(timestamp_parse(cases[i].text, &time_us));
		assert_int_equal(time_us, cases[i].time_us);
	}
}

static void test_timestamps_agree_with_the_clock(void **state)
{
	(void)state;
	for (int64_t time_us = -62135596800000000; time_us < INT64_C(250000000000000000);
		time_us += INT64_C(86400000000) * 97 + 12345000) {
		char text[TIME_TEXT_BYTES];
		time_format(time_us, text);
		char stamp[40];
		snprintf(stamp, sizeof(stamp), "%.10s %.12s+00", text, text + 11);
		int64_t parsed_us = 0;
		assert_true(timestamp_parse(stamp, &parsed_us));
		assert_int_equal(parsed_us, time_us - ((time_us % 1000) + 1000) % 1000);
	}
}

static void test_not_timestamps(void **state)
{
	(void)state;
	static const char *const cases[] = { "", "2026-01-02", "2026-01-02 03:04:05",
		"2026-01-02 03:04:05+01", "2026-01-02T03:04:05+00", "2026-01-02 03:04:05.+00",
		"2026-01-02 03:04:05+00 BC", "0044-03-15 00:00:00+00 BC", "x" };
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t time_us = 0;
		assert_false(timestamp_parse(cases[i], &time_us));
	}
}

static int set_up(void **state)
{
	*state = arena_new();
	return 0;
}

static int tear_down(void **state)
{
	arena_free(*state);
	return 0;
}

#define WITH_ARENA(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ARENA(test_shape),
		WITH_ARENA(test_column_by_name),
		WITH_ARENA(test_cells),
		WITH_ARENA(test_values_by_name),
		WITH_ARENA(test_nulls),
		WITH_ARENA(test_no_row_reads_as_null),
		WITH_ARENA(test_programming_errors_abort),
		cmocka_unit_test(test_timestamps),
		cmocka_unit_test(test_timestamps_agree_with_the_clock),
		cmocka_unit_test(test_not_timestamps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
