/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing and following JSON pointers. "~" and "/" are escaped by RFC 6901, everything a URI
 * fragment may not hold (RFC 3986 §3.5) by percent signs, so that the text can stand behind a '#'
 * anywhere.
 */
#include "contract/pointer.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_fragment_byte(unsigned char byte)
{
	if ((byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
		(byte >= '0' && byte <= '9'))
		return true;
	return byte != '\0' && strchr("-._!$&'()*+,;=:@?", byte);
}

static void append_byte(struct text *text, unsigned char byte)
{
	if (byte == '~')
		text_append_string(text, "~0");
	else if (byte == '/')
		text_append_string(text, "~1");
	else if (is_fragment_byte(byte))
		text_append_char(text, (char)byte);
	else
		text_appendf(text, "%%%02X", byte);
}

/* Where to cut a long name without splitting a code point. */
static size_t shown_length(const char *name)
{
	size_t length = strnlen(name, POINTER_NAME_BYTES + 1);

	if (length <= POINTER_NAME_BYTES)
		return length;
	length = POINTER_NAME_BYTES;
	while (length > 0 && ((unsigned char)name[length] & 0xC0) == 0x80)
		length--;
	return length;
}

static int hex_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

/* One decoded byte of a reference token; advances `*text`. False on a broken escape. */
static bool read_byte(const char **text, char *ret_byte)
{
	const char *at = *text;
	int high, low;

	if (*at == '~' && (at[1] == '0' || at[1] == '1')) {
		*ret_byte = at[1] == '0' ? '~' : '/';
		*text += 2;
		return true;
	}
	if (*at == '~')
		return false;
	if (*at != '%') {
		*ret_byte = *at;
		*text += 1;
		return true;
	}
	high = hex_digit(at[1]);
	low = high < 0 ? -1 : hex_digit(at[2]);
	*ret_byte = (char)(high * 16 + low);
	*text += 3;
	return low >= 0 && high + low > 0;
}

static const json_t *step(const json_t *value, const char *token)
{
	char *end;
	unsigned long index;

	if (json_is_object(value))
		return json_object_get(value, token);
	if (!json_is_array(value) || token[0] < '0' || token[0] > '9')
		return NULL;
	index = strtoul(token, &end, 10);
	return *end == '\0' ? json_array_get(value, index) : NULL;
}

void pointer_append(struct text *text, const struct pointer *pointer)
{
	size_t length;

	if (!pointer->parent) {
		text_append_string(text, pointer->name);
		return;
	}
	pointer_append(text, pointer->parent);
	text_append_char(text, '/');
	if (!pointer->name) {
		text_append_int64(text, (int64_t)pointer->index);
		return;
	}
	length = shown_length(pointer->name);
	for (size_t i = 0; i < length; i++)
		append_byte(text, (unsigned char)pointer->name[i]);
}

char *pointer_render(struct arena *arena, const struct pointer *pointer)
{
	struct text text = TEXT_INIT;
	char *copy;

	pointer_append(&text, pointer);
	copy = arena_strndup(arena, text.bytes ? text.bytes : "", text.length);
	text_release(&text);
	return copy;
}

bool pointer_fail(struct text *reterr, const struct pointer *pointer, const char *format, ...)
{
	char sentence[300];
	va_list args;

	va_start(args, format);
	vsnprintf(sentence, sizeof(sentence), format, args);
	va_end(args);
	pointer_append(reterr, pointer);
	text_append_string(reterr, ": ");
	text_append_string(reterr, sentence);
	return false;
}

const json_t *pointer_resolve(const json_t *document, const char *reference)
{
	const json_t *value = document;
	const char *at = reference + 1;
	char token[256];

	if (reference[0] != '#')
		return NULL;
	while (value && *at == '/') {
		size_t length = 0;

		at++;
		while (*at != '\0' && *at != '/') {
			if (length == sizeof(token) - 1 || !read_byte(&at, &token[length]))
				return NULL;
			length++;
		}
		token[length] = '\0';
		value = step(value, token);
	}
	return *at == '\0' ? value : NULL;
}
