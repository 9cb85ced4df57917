/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The encodings of base/text.h: UTF-8, hexadecimal, base64url. Everything that is decoded comes
 * from outside, so there is exactly one accepted spelling of each value: a cursor or a token cannot
 * be rewritten and still be the same bytes.
 */
#include "base/text.h"

#include <string.h>

static const char base64url_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static bool is_continuation(unsigned char byte)
{
	return (byte & 0xc0) == 0x80;
}

/*
 * Length of the sequence that starts at `bytes`, 0 when it is not one of RFC 3629 §4. The first
 * continuation byte carries the limits against overlong forms, surrogates and what lies above
 * U+10FFFF.
 */
static size_t sequence_length(const unsigned char *bytes, size_t room)
{
	unsigned char lead = bytes[0];
	unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
	unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
	size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

	if (lead < 0x80)
		return 1;
	if (lead < 0xc2 || lead > 0xf4 || room < length || bytes[1] < low || bytes[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++) {
		if (!is_continuation(bytes[i]))
			return 0;
	}
	return length;
}

static bool is_ascii_word(const unsigned char *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return (word & UINT64_C(0x8080808080808080)) == 0;
}

/* 0–63, or -1 for a byte outside the alphabet. */
static int base64url_value(char digit)
{
	if (digit >= 'A' && digit <= 'Z')
		return digit - 'A';
	if (digit >= 'a' && digit <= 'z')
		return digit - 'a' + 26;
	if (digit >= '0' && digit <= '9')
		return digit - '0' + 52;
	return digit == '-' ? 62 : digit == '_' ? 63 : -1;
}

bool utf8_is_valid(const char *bytes, size_t length)
{
	const unsigned char *at = (const unsigned char *)bytes;

	while (length > 0) {
		size_t step = 8;

		if (length < 8 || !is_ascii_word(at))
			step = sequence_length(at, length);
		if (step == 0)
			return false;
		at += step;
		length -= step;
	}
	return true;
}

size_t utf8_length(const char *bytes, size_t length)
{
	size_t count = 0;

	for (size_t i = 0; i < length; i++)
		count += !is_continuation((unsigned char)bytes[i]);
	return count;
}

void hex_encode(const unsigned char *bytes, size_t length, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < length; i++) {
		*out++ = digits[bytes[i] >> 4];
		*out++ = digits[bytes[i] & 15];
	}
	*out = '\0';
}

size_t base64url_encode(const unsigned char *bytes, size_t length, char *out)
{
	const char *start = out;
	uint32_t bits = 0;
	int count = 0;

	for (size_t i = 0; i < length; i++) {
		bits = (bits << 8 | bytes[i]) & 0xffff;
		for (count += 8; count >= 6; count -= 6)
			*out++ = base64url_digits[bits >> (count - 6) & 63];
	}
	if (count > 0)
		*out++ = base64url_digits[bits << (6 - count) & 63];
	*out = '\0';
	return (size_t)(out - start);
}

bool base64url_decode(const char *text, size_t length, unsigned char *out, size_t *ret_length)
{
	const unsigned char *start = out;
	uint32_t bits = 0;
	int count = 0;

	if (length % 4 == 1)
		return false;
	for (size_t i = 0; i < length; i++) {
		int value = base64url_value(text[i]);

		if (value < 0)
			return false;
		bits = (bits << 6 | (uint32_t)value) & 0xffff;
		count += 6;
		if (count < 8)
			continue;
		count -= 8;
		*out++ = (unsigned char)(bits >> count);
	}
	*ret_length = (size_t)(out - start);
	return (bits & ((1u << count) - 1)) == 0;
}
