/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a message. The subject is a list of encoded words (RFC 2047) of at most 39 bytes, none of
 * which cuts a character in two; the text is base64 in lines of 76.
 */
#include "mail_message.h"

#include <sodium.h>
#include <string.h>
#include <time.h>

#define WORD_BYTES 39
#define LINE_BYTES 57

bool mail_address_is_plain(const char *address)
{
	const char *at = strchr(address, '@');

	for (const char *byte = address; *byte; byte++) {
		if (*byte <= ' ' || *byte >= 0x7f || strchr("<>,;:\"\\()[]", *byte))
			return false;
	}
	return at && at > address && at[1] && !strchr(at + 1, '@');
}

static void append_base64(struct text *out, const char *bytes, size_t length)
{
	char encoded[sodium_base64_ENCODED_LEN(LINE_BYTES, sodium_base64_VARIANT_ORIGINAL)];

	sodium_bin2base64(encoded, sizeof encoded, (const unsigned char *)bytes, length,
		sodium_base64_VARIANT_ORIGINAL);
	text_append_string(out, encoded);
}

/* So many bytes of the text that no more than `most` are taken and no character is cut. */
static size_t whole_characters(const char *text, size_t most)
{
	size_t length = strlen(text);

	if (length <= most)
		return length;
	while (most > 1 && ((unsigned char)text[most] & 0xc0) == 0x80)
		most--;
	return most;
}

static void append_subject(struct text *out, const char *subject)
{
	text_append_string(out, "Subject:");
	while (*subject) {
		size_t length = whole_characters(subject, WORD_BYTES);

		text_append_string(out, " =?UTF-8?B?");
		append_base64(out, subject, length);
		text_append_string(out, "?=");
		subject += length;
		if (*subject)
			text_append_string(out, "\r\n");
	}
	text_append_string(out, "\r\n");
}

static void append_date(struct text *out, int64_t now_us)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
		"Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t seconds = (time_t)(now_us / 1000000);
	struct tm parts;

	gmtime_r(&seconds, &parts);
	text_appendf(out, "Date: %s, %02d %s %d %02d:%02d:%02d +0000\r\n", days[parts.tm_wday],
		parts.tm_mday, months[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour,
		parts.tm_min, parts.tm_sec);
}

static void append_body(struct text *out, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		size_t length = left < LINE_BYTES ? left : LINE_BYTES;

		append_base64(out, text, length);
		text_append_string(out, "\r\n");
		text += length;
		left -= length;
	}
}

bool mail_message_write(const struct mail_message *message, struct text *out)
{
	if (!mail_address_is_plain(message->from) || !mail_address_is_plain(message->to))
		return false;
	append_date(out, message->now_us);
	text_appendf(out, "From: <%s>\r\nTo: <%s>\r\n", message->from, message->to);
	append_subject(out, message->subject);
	text_appendf(out, "Message-ID: <%s%s>\r\n", message->id, strchr(message->from, '@'));
	text_append_string(out, "Auto-Submitted: auto-generated\r\n"
				"MIME-Version: 1.0\r\n"
				"Content-Type: text/plain; charset=utf-8\r\n"
				"Content-Transfer-Encoding: base64\r\n"
				"\r\n");
	append_body(out, message->text);
	return true;
}
