/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables as text (RFC 4180): commas, lines that end with CR LF, quotes where they are needed. What
 * people have written is made harmless for spreadsheets, which would take `=…` for a formula: an
 * apostrophe goes before it, and is taken off again when such a table is read.
 */
#ifndef PARTNERD_BASE_CSV_H
#define PARTNERD_BASE_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/text.h"

/* A cell of text, made harmless. */
void csv_append_text(struct text *out, const char *bytes, size_t length);
/* A cell of our own making: numbers, times, JSON. */
void csv_append_value(struct text *out, const char *bytes, size_t length);

enum csv_end {
	CSV_RECORD,    /* a record was read */
	CSV_MORE,      /* it goes on behind the bytes that are here */
	CSV_MISPLACED, /* a quote inside of an unquoted cell, or text behind a closing one */
	CSV_TOO_MANY,  /* more cells than `most` */
};

/*
 * Reads the record at the beginning of `bytes` into `cells`, unquoted and with apostrophes taken
 * off, on the arena. Without `is_all` a record that reaches the end of the bytes is not complete.
 * An empty line is a record of one empty cell. `ret_used` are the bytes up to the next record, also
 * when this one is faulty: then up to the end of its line.
 */
enum csv_end csv_read(const char *bytes, size_t length, bool is_all, struct arena *arena,
	struct slice *cells, size_t most, size_t *ret_count, size_t *ret_used);

#endif
