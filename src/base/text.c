/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The buffer that every answer and every log line is written into. A buffer is always one byte
 * longer than what it holds, for the NUL, and doubles when it is full. JSON strings are copied in
 * runs: eight bytes at a time are looked at for something that must be escaped, which is rare, and
 * whole runs go through memcpy.
 */
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_FIRST_BYTES 256

/* The letter after the backslash; 'u' stands for \u00XX; 0 means that the byte is written as it is.
 */
static const char escapes[256] = {
	['"'] = '"',
	['\\'] = '\\',
	['\b'] = 'b',
	['\f'] = 'f',
	['\n'] = 'n',
	['\r'] = 'r',
	['\t'] = 't',
	[0x00] = 'u',
	[0x01] = 'u',
	[0x02] = 'u',
	[0x03] = 'u',
	[0x04] = 'u',
	[0x05] = 'u',
	[0x06] = 'u',
	[0x07] = 'u',
	[0x0b] = 'u',
	[0x0e] = 'u',
	[0x0f] = 'u',
	[0x10] = 'u',
	[0x11] = 'u',
	[0x12] = 'u',
	[0x13] = 'u',
	[0x14] = 'u',
	[0x15] = 'u',
	[0x16] = 'u',
	[0x17] = 'u',
	[0x18] = 'u',
	[0x19] = 'u',
	[0x1a] = 'u',
	[0x1b] = 'u',
	[0x1c] = 'u',
	[0x1d] = 'u',
	[0x1e] = 'u',
	[0x1f] = 'u',
};

static void text_grow(struct text *text, size_t more)
{
	size_t capacity = text->capacity ? text->capacity * 2 : TEXT_FIRST_BYTES;

	if (more > SIZE_MAX / 4)
		abort();
	if (capacity < text->length + more + 1)
		capacity = text->length + more + 1;
	text->bytes = realloc(text->bytes, capacity);
	if (!text->bytes)
		abort();
	text->capacity = capacity;
	text->bytes[text->length] = '\0';
}

static inline void text_room(struct text *text, size_t more)
{
	if (__builtin_expect(text->capacity - text->length <= more, 0))
		text_grow(text, more);
}

/* What text_append does, for use in this file: a public function is not inlined in
 * position-independent code. */
static inline void text_put(struct text *text, const char *bytes, size_t length)
{
	text_room(text, length);
	if (length > 0)
		memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
	text->bytes[text->length] = '\0';
}

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Whether one of eight bytes is a control character, a quote or a backslash. */
static inline bool word_needs_escape(uint64_t word)
{
	uint64_t quote = (word ^ EACH_BYTE('"')) - EACH_BYTE(1);
	uint64_t backslash = (word ^ EACH_BYTE('\\')) - EACH_BYTE(1);
	uint64_t control = word - EACH_BYTE(0x20);

	return ((quote | backslash | control) & ~word & EACH_BYTE(0x80)) != 0;
}

/* How many bytes from the start need no escape. */
static size_t plain_run(const char *bytes, size_t length)
{
	size_t run = 0;
	uint64_t word;

	while (length - run >= sizeof(word)) {
		memcpy(&word, bytes + run, sizeof(word));
		if (word_needs_escape(word))
			break;
		run += sizeof(word);
	}
	while (run < length && !escapes[(unsigned char)bytes[run]])
		run++;
	return run;
}

static void text_append_escape(struct text *text, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";
	char unicode[6] = { '\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15] };
	char brief[2] = { '\\', escapes[byte] };

	if (escapes[byte] == 'u')
		text_put(text, unicode, sizeof(unicode));
	else
		text_put(text, brief, sizeof(brief));
}

struct slice slice_of(const char *text)
{
	return (struct slice){ text, strlen(text) };
}

bool slice_is(struct slice slice, const char *text)
{
	size_t length = strlen(text);

	return slice.length == length && (length == 0 || memcmp(slice.bytes, text, length) == 0);
}

void text_reserve(struct text *text, size_t more)
{
	text_room(text, more);
}

void text_append(struct text *text, const char *bytes, size_t length)
{
	text_put(text, bytes, length);
}

void text_append_string(struct text *text, const char *string)
{
	text_put(text, string, strlen(string));
}

void text_append_char(struct text *text, char byte)
{
	text_room(text, 1);
	text->bytes[text->length++] = byte;
	text->bytes[text->length] = '\0';
}

void text_append_int64(struct text *text, int64_t value)
{
	char digits[20];
	char *end = digits + sizeof(digits);
	char *start = end;
	uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;

	do {
		*--start = (char)('0' + rest % 10);
		rest /= 10;
	} while (rest > 0);
	if (value < 0)
		*--start = '-';
	text_put(text, start, (size_t)(end - start));
}

void text_appendf(struct text *text, const char *format, ...)
{
	va_list args;
	va_list again;
	int length;

	va_start(args, format);
	va_copy(again, args);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (length < 0)
		abort();
	text_room(text, (size_t)length);
	vsnprintf(text->bytes + text->length, (size_t)length + 1, format, again);
	va_end(again);
	text->length += (size_t)length;
}

void text_append_json(struct text *text, const char *bytes, size_t length)
{
	const char *end = bytes + length;

	text_room(text, length + 2);
	text_put(text, "\"", 1);
	while (bytes < end) {
		size_t run = plain_run(bytes, (size_t)(end - bytes));

		text_put(text, bytes, run);
		bytes += run;
		if (bytes < end)
			text_append_escape(text, (unsigned char)*bytes++);
	}
	text_put(text, "\"", 1);
}

char *text_detach(struct text *text, size_t *ret_length)
{
	char *bytes;

	text_room(text, 0);
	bytes = text->bytes;
	if (ret_length)
		*ret_length = text->length;
	*text = (struct text)TEXT_INIT;
	return bytes;
}

void text_clear(struct text *text)
{
	text->length = 0;
	if (text->bytes)
		text->bytes[0] = '\0';
}

void text_release(struct text *text)
{
	free(text->bytes);
	*text = (struct text)TEXT_INIT;
}
