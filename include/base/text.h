/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `struct slice` is a view of bytes somebody else owns; `struct text` is a growable malloc'ed
 * buffer, always NUL terminated, used for answers and log lines. Growth aborts when memory is gone:
 * everything written into a text is bounded by the request that caused it.
 */
#ifndef PARTNERD_BASE_TEXT_H
#define PARTNERD_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct slice {
	const char *bytes;
	size_t length;
};

#define SLICE(literal) ((struct slice){ (literal), sizeof(literal) - 1 })

struct slice slice_of(const char *text);
bool slice_is(struct slice slice, const char *text);

struct text {
	char *bytes;
	size_t length;
	size_t capacity;
};

#define TEXT_INIT          \
	{                  \
		NULL, 0, 0 \
	}

void text_reserve(struct text *text, size_t more);
void text_append(struct text *text, const char *bytes, size_t length);
void text_append_string(struct text *text, const char *string);
void text_append_char(struct text *text, char byte);
void text_append_int64(struct text *text, int64_t value);
void text_appendf(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends `"…"`: a JSON string with the escapes RFC 8259 demands. The bytes must be UTF-8. */
void text_append_json(struct text *text, const char *bytes, size_t length);

/* Hands the malloc'ed buffer to the caller (never NULL) and leaves the text empty. */
char *text_detach(struct text *text, size_t *ret_length);
void text_clear(struct text *text);
void text_release(struct text *text);

/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool utf8_is_valid(const char *bytes, size_t length);
/* Number of code points of valid UTF-8. */
size_t utf8_length(const char *bytes, size_t length);

/* Lower-case hexadecimal; `out` has room for 2 * length + 1 bytes. */
void hex_encode(const unsigned char *bytes, size_t length, char *out);
/* base64url without padding (RFC 7515 §2). Returns the encoded length; `out` has room for it and a
 * NUL. */
size_t base64url_encode(const unsigned char *bytes, size_t length, char *out);
#define BASE64URL_BYTES(length) (((length)*4 + 2) / 3 + 1)
/* Strict: refuses padding, other alphabets, stray bits. `out` has room for length * 3 / 4 bytes. */
bool base64url_decode(const char *text, size_t length, unsigned char *out, size_t *ret_length);

#endif
