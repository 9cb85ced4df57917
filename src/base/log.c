/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line is built in memory and leaves in one write(), so nothing is buffered when the process dies
 * and lines of many threads never mix. Values may be anything a client sent: what is not UTF-8 is
 * replaced, so every line stays JSON.
 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define LOG_DETAIL_BYTES 1024

static const char *const level_names[] = { "debug", "info", "warn", "error", "off" };

static _Atomic int least_level = LOG_INFO;

static void append_value(struct text *text, const char *value)
{
	size_t length = strlen(value);
	struct text clean = TEXT_INIT;

	if (utf8_is_valid(value, length)) {
		text_append_json(text, value, length);
		return;
	}
	for (; *value; value++) {
		if ((unsigned char)*value < 0x80)
			text_append_char(&clean, *value);
		else
			text_append_string(&clean, "\xef\xbf\xbd");
	}
	text_append_json(text, clean.bytes, clean.length);
	text_release(&clean);
}

static void append_key(struct text *text, const char *key)
{
	text_append_char(text, ',');
	append_value(text, key);
	text_append_char(text, ':');
}

static void write_all(const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t written = write(STDERR_FILENO, bytes, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		bytes += written;
		length -= (size_t)written;
	}
}

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&least_level, (int)level, memory_order_relaxed);
}

bool log_level_parse(const char *name, enum log_level *ret_level)
{
	for (int i = LOG_DEBUG; i <= LOG_OFF; i++) {
		if (strcmp(name, level_names[i]) != 0)
			continue;
		*ret_level = (enum log_level)i;
		return true;
	}
	return false;
}

struct log_line log_begin(enum log_level level, const char *message)
{
	struct log_line line = { TEXT_INIT, false };
	char now[TIME_TEXT_BYTES];

	line.muted = level >= LOG_OFF ||
		     (int)level < atomic_load_explicit(&least_level, memory_order_relaxed);
	if (line.muted)
		return line;
	time_format(clock_now_us(), now);
	text_append_string(&line.text, "{\"at\":");
	append_value(&line.text, now);
	append_key(&line.text, "level");
	append_value(&line.text, level_names[level]);
	append_key(&line.text, "message");
	append_value(&line.text, message);
	return line;
}

void log_text(struct log_line *line, const char *key, const char *value)
{
	if (line->muted)
		return;
	append_key(&line->text, key);
	if (value)
		append_value(&line->text, value);
	else
		text_append_string(&line->text, "null");
}

void log_int(struct log_line *line, const char *key, int64_t value)
{
	if (line->muted)
		return;
	append_key(&line->text, key);
	text_append_int64(&line->text, value);
}

void log_end(struct log_line *line)
{
	if (line->muted)
		return;
	text_append_string(&line->text, "}\n");
	write_all(line->text.bytes, line->text.length);
	text_release(&line->text);
	line->muted = true;
}

void log_event(enum log_level level, const char *message, const char *format, ...)
{
	struct log_line line = log_begin(level, message);
	char detail[LOG_DETAIL_BYTES];
	va_list args;

	if (line.muted)
		return;
	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	log_text(&line, "detail", detail);
	log_end(&line);
}
