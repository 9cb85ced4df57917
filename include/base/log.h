/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON lines on standard error, one write() a line, so that lines of many threads never mix.
 *Library code is silent; the top of a request or of a job logs once, with the cause that the caller
 *never sees. Values are escaped; no caller text is ever a format.
 *
 *	struct log_line line = log_begin(LOG_INFO, "request");
 *	log_text(&line, "request_id", id);
 *	log_int(&line, "status", 201);
 *	log_end(&line);
 */
#ifndef PARTNERD_BASE_LOG_H
#define PARTNERD_BASE_LOG_H

#include <stdint.h>

#include "base/text.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_OFF };

struct log_line {
	struct text text;
	bool muted;
};

/* Lines below this level are dropped. Set once at start. */
void log_set_level(enum log_level level);
/* "debug", "info", "warn", "error", "off". */
bool log_level_parse(const char *name, enum log_level *ret_level);

struct log_line log_begin(enum log_level level, const char *message);
void log_text(
	struct log_line *line, const char *key, const char *value); /* NULL is written as null */
void log_int(struct log_line *line, const char *key, int64_t value);
void log_end(struct log_line *line);

/* The one-liner for rare events: message plus one formatted detail. */
void log_event(enum log_level level, const char *message, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
