/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Formats of strings. They are assertions here, not annotations: what passes can be stored and used
 * without looking again. E-mail and host names are the plain ASCII forms that mail systems and
 * resolvers agree on; quoted local parts, address literals and single-label domains are refused. A
 * new format is a checker and a row of `formats`.
 */
#include "contract/formats.h"

#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/country.h"
#include "base/uuid.h"

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_alnum(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9');
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c);
}

static bool is_time(const char *bytes, size_t length)
{
	int64_t time_us;

	return time_parse(bytes, length, &time_us);
}

/* One label of a host name: 1–63 letters, digits and hyphens, no hyphen at the ends. */
static bool is_label(const char *bytes, size_t length)
{
	if (length == 0 || length > 63 || bytes[0] == '-' || bytes[length - 1] == '-')
		return false;
	for (size_t i = 0; i < length; i++)
		if (!is_alnum(bytes[i]) && bytes[i] != '-')
			return false;
	return true;
}

/* Number of labels, 0 when it is not a host name. */
static size_t count_labels(const char *bytes, size_t length)
{
	size_t labels = 0, start = 0;

	if (length > 253)
		return 0;
	for (size_t i = 0; i <= length; i++) {
		if (i < length && bytes[i] != '.')
			continue;
		if (!is_label(bytes + start, i - start))
			return 0;
		labels++;
		start = i + 1;
	}
	return labels;
}

static bool is_hostname(const char *bytes, size_t length)
{
	return count_labels(bytes, length) > 0;
}

/* RFC 5322 dot-atom. */
static bool is_local_part(const char *bytes, size_t length)
{
	bool after_dot = true;

	if (length == 0 || length > 64)
		return false;
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '.' && after_dot)
			return false;
		after_dot = bytes[i] == '.';
		if (!after_dot && !is_alnum(bytes[i]) &&
			!is_one_of(bytes[i], "!#$%&'*+/=?^_`{|}~-"))
			return false;
	}
	return !after_dot;
}

static bool is_email(const char *bytes, size_t length)
{
	const char *at = length > 0 && length <= 254 ? memchr(bytes, '@', length) : NULL;
	size_t local;

	if (!at)
		return false;
	local = (size_t)(at - bytes);
	return is_local_part(bytes, local) && count_labels(at + 1, length - local - 1) >= 2;
}

/* The characters of RFC 3986; brackets only around an IP literal, which the authority alone may
 * hold. */
static bool are_uri_characters(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == '%') {
			if (length - i < 3 || !is_hex(bytes[i + 1]) || !is_hex(bytes[i + 2]))
				return false;
			continue;
		}
		if (!is_alnum(bytes[i]) && !is_one_of(bytes[i], "-._~:/?#[]@!$&'()*+,;="))
			return false;
	}
	return true;
}

/* At most one '#', brackets nowhere but in the host. `rest` follows the scheme and its colon. */
static bool is_uri_rest(const char *rest, size_t length)
{
	const char *hash = memchr(rest, '#', length);
	size_t start = 0;

	if (!are_uri_characters(rest, length))
		return false;
	if (hash && memchr(hash + 1, '#', length - (size_t)(hash - rest) - 1))
		return false;
	if (length >= 2 && rest[0] == '/' && rest[1] == '/') {
		start = 2;
		while (start < length && !is_one_of(rest[start], "/?#"))
			start++;
		if (start == 2)
			return false;
	}
	return !memchr(rest + start, '[', length - start) &&
	       !memchr(rest + start, ']', length - start);
}

/* Length of "scheme:", 0 when there is none. */
static size_t scheme_length(const char *bytes, size_t length)
{
	size_t i = 1;

	if (length == 0 || !is_letter(bytes[0]))
		return 0;
	while (i < length && (is_alnum(bytes[i]) || is_one_of(bytes[i], "+-.")))
		i++;
	return i < length && bytes[i] == ':' ? i + 1 : 0;
}

static bool is_uri(const char *bytes, size_t length)
{
	size_t scheme = scheme_length(bytes, length);

	return scheme > 0 && scheme < length && is_uri_rest(bytes + scheme, length - scheme);
}

/* RFC 3986 §4.2: a relative path may not hold a colon before its first slash. */
static bool is_uri_reference(const char *bytes, size_t length)
{
	size_t i = 0;

	if (length == 0)
		return true;
	if (scheme_length(bytes, length) > 0)
		return is_uri(bytes, length);
	while (i < length && !is_one_of(bytes[i], ":/?#"))
		i++;
	return (i == length || bytes[i] != ':') && is_uri_rest(bytes, length);
}

/* Bytes of a body, which no JSON text is: there is nothing to check. */
static bool is_binary(const char *text, size_t length)
{
	(void)text;
	(void)length;
	return true;
}

static const struct format formats[] = {
	{ "uuid", uuid_is_valid, "A UUID." },
	{ "date", date_is_valid, "A date that exists, YYYY-MM-DD." },
	{ "date-time", is_time, "A date and time with offset, RFC 3339." },
	{ "email", is_email, "An e-mail address." },
	{ "hostname", is_hostname, "A host name." },
	{ "country-code", country_is_valid,
		"An assigned code of ISO 3166-1, two capital letters." },
	{ "binary", is_binary, "Bytes." },
	{ "uri", is_uri, "An absolute URI." },
	{ "uri-reference", is_uri_reference, "A URI or a path." },
};

const struct format *format_find(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}
