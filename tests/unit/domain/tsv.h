/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the case files in tests/unit/domain/cases: one case a line, columns separated by tabs, "-"
 * for an absent value, # for comments. The first line that is not a comment names the columns, so a
 * driver asks for them by name. A failure names file and line. A case is added by adding a line.
 */
#ifndef PARTNERD_TESTS_UNIT_DOMAIN_TSV_H
#define PARTNERD_TESTS_UNIT_DOMAIN_TSV_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TSV_COLUMNS 16
#define TSV_BYTES   1024

struct tsv {
	FILE *stream;
	const char *name;
	int line;
	int cases;
	size_t count;
	char head[TSV_BYTES];
	char row[TSV_BYTES];
	char *columns[TSV_COLUMNS];
	char *values[TSV_COLUMNS];
};

static inline size_t tsv_split(char *text, char **ret_parts)
{
	size_t count = 0;

	text[strcspn(text, "\n")] = '\0';
	while (text) {
		assert_true(count < TSV_COLUMNS);
		ret_parts[count++] = strsep(&text, "\t");
	}
	return count;
}

/* Reads the next line that is neither empty nor a comment. */
static inline bool tsv_line(struct tsv *tsv, char *out)
{
	while (fgets(out, TSV_BYTES, tsv->stream)) {
		tsv->line++;
		if (out[0] != '#' && out[0] != '\n')
			return true;
	}
	return false;
}

static inline struct tsv *tsv_open(const char *name)
{
	struct tsv *tsv = calloc(1, sizeof(*tsv));
	char path[512];

	assert_non_null(tsv);
	snprintf(path, sizeof(path), "%s/unit/domain/cases/%s", TEST_SOURCE_DIR, name);
	tsv->name = name;
	tsv->stream = fopen(path, "r");
	if (!tsv->stream || !tsv_line(tsv, tsv->head))
		fail_msg("%s cannot be read", path);
	tsv->count = tsv_split(tsv->head, tsv->columns);
	return tsv;
}

static inline bool tsv_next(struct tsv *tsv)
{
	if (!tsv_line(tsv, tsv->row))
		return false;
	tsv->cases++;
	if (tsv_split(tsv->row, tsv->values) != tsv->count)
		fail_msg("%s:%d: not %zu columns", tsv->name, tsv->line, tsv->count);
	return true;
}

/* A file without cases proves nothing and fails. */
static inline void tsv_close(struct tsv *tsv)
{
	if (tsv->cases == 0)
		fail_msg("%s has no cases", tsv->name);
	fclose(tsv->stream);
	free(tsv);
}

/* The value of a column, NULL for "-". */
static inline char *tsv_text(const struct tsv *tsv, const char *column)
{
	for (size_t i = 0; i < tsv->count; i++) {
		if (strcmp(tsv->columns[i], column) == 0)
			return strcmp(tsv->values[i], "-") == 0 ? NULL : tsv->values[i];
	}
	fail_msg("%s has no column %s", tsv->name, column);
	return NULL;
}

/* A whole number, 0 for "-". */
static inline int64_t tsv_int(const struct tsv *tsv, const char *column)
{
	const char *text = tsv_text(tsv, column);
	char *end = NULL;
	int64_t value = text ? strtoll(text, &end, 10) : 0;

	if (end && *end)
		fail_msg("%s:%d: %s is not a number", tsv->name, tsv->line, column);
	return value;
}

static inline void tsv_expect_int(const struct tsv *tsv, const char *column, int64_t actual)
{
	if (actual != tsv_int(tsv, column))
		fail_msg("%s:%d: %s is %lld", tsv->name, tsv->line, column, (long long)actual);
}

static inline void tsv_expect_text(const struct tsv *tsv, const char *column, const char *actual)
{
	const char *expected = tsv_text(tsv, column);

	if (!expected || !actual ? expected != actual : strcmp(expected, actual) != 0)
		fail_msg(
			"%s:%d: %s is \"%s\"", tsv->name, tsv->line, column, actual ? actual : "-");
}

/* A comma-separated list of numbers in a column; returns how many. "-" is none. */
static inline size_t tsv_ints(
	const struct tsv *tsv, const char *column, int64_t *ret_values, size_t room)
{
	const char *text = tsv_text(tsv, column);
	size_t count = 0;

	while (text && *text) {
		char *end;

		assert_true(count < room);
		ret_values[count++] = strtoll(text, &end, 10);
		text = *end == ',' ? end + 1 : end;
	}
	return count;
}

#endif
