/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One strict decoder for everything that is percent-encoded. It refuses instead of guessing: a
 * filter that silently vanishes because it was badly encoded would widen a list.
 */
#include "http/percent.h"

#include <string.h>

static int digit_value(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

/* The byte that the escape at `at` stands for, or -1. */
static int escaped_byte(struct slice text, size_t at)
{
	int high;
	int low;

	if (text.length - at < 3)
		return -1;
	high = digit_value(text.bytes[at + 1]);
	low = digit_value(text.bytes[at + 2]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

bool percent_is_valid(struct slice text)
{
	for (size_t i = 0; i < text.length; i++) {
		if (text.bytes[i] != '%')
			continue;
		if (escaped_byte(text, i) < 0)
			return false;
		i += 2;
	}
	return true;
}

bool percent_decode(
	struct arena *arena, struct slice text, bool plus_is_space, struct slice *ret_text)
{
	char *out = arena_alloc(arena, text.length + 1);
	size_t length = 0;

	for (size_t i = 0; i < text.length; i++) {
		int byte = (unsigned char)text.bytes[i];

		if (byte == '%') {
			byte = escaped_byte(text, i);
			i += 2;
		} else if (byte == '+' && plus_is_space) {
			byte = ' ';
		}
		if (byte <= 0)
			return false;
		out[length++] = (char)byte;
	}
	out[length] = '\0';
	*ret_text = (struct slice){ out, length };
	return utf8_is_valid(out, length);
}
