/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accept and Content-Type, read by their grammar: comparing substrings would take
 * `text/plain; application/json` for JSON and `Application/JSON` for something else. A range that
 * cannot be read is passed over, as if it had not been sent.
 */
#include "http/negotiate.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* A reader over a header value. */
struct cursor {
	const char *at;
};

static void skip_blanks(struct cursor *cursor)
{
	while (*cursor->at == ' ' || *cursor->at == '\t')
		cursor->at++;
}

static bool take_char(struct cursor *cursor, char wanted)
{
	skip_blanks(cursor);
	if (*cursor->at != wanted)
		return false;
	cursor->at++;
	skip_blanks(cursor);
	return true;
}

static struct slice take_token(struct cursor *cursor)
{
	const char *begin = cursor->at;

	while (isalnum((unsigned char)*cursor->at) ||
		(*cursor->at && strchr("!#$%&'*+-.^_`|~", *cursor->at)))
		cursor->at++;
	return (struct slice){ begin, (size_t)(cursor->at - begin) };
}

/* A token or a quoted string without its quotes; escapes are left in, no value we know has any. */
static bool take_value(struct cursor *cursor, struct slice *ret_value)
{
	const char *begin;

	if (*cursor->at != '"') {
		*ret_value = take_token(cursor);
		return ret_value->length > 0;
	}
	begin = ++cursor->at;
	while (*cursor->at && *cursor->at != '"')
		cursor->at += cursor->at[0] == '\\' && cursor->at[1] ? 2 : 1;
	*ret_value = (struct slice){ begin, (size_t)(cursor->at - begin) };
	return take_char(cursor, '"');
}

static bool same(struct slice text, const char *other)
{
	return text.length == strlen(other) && strncasecmp(text.bytes, other, text.length) == 0;
}

struct range {
	struct slice type, subtype;
	int quality; /* thousandths */
};

/* qvalue of RFC 9110 §12.4.2: 0, 1, 0.xxx, 1.000; -1 when it is none. */
static int quality_parse(struct slice text)
{
	int quality;
	int unit = 100;

	if (text.length == 0 || text.length > 5 || (text.bytes[0] != '0' && text.bytes[0] != '1'))
		return -1;
	if (text.length > 1 && text.bytes[1] != '.')
		return -1;
	quality = (text.bytes[0] - '0') * 1000;
	for (size_t i = 2; i < text.length; i++, unit /= 10) {
		if (!isdigit((unsigned char)text.bytes[i]))
			return -1;
		quality += (text.bytes[i] - '0') * unit;
	}
	return quality <= 1000 ? quality : -1;
}

static bool take_parameter(struct cursor *cursor, struct slice *ret_name, struct slice *ret_value)
{
	*ret_name = take_token(cursor);
	return ret_name->length > 0 && take_char(cursor, '=') && take_value(cursor, ret_value);
}

static bool take_range(struct cursor *cursor, struct range *ret_range)
{
	struct slice name;
	struct slice value;

	ret_range->quality = 1000;
	ret_range->type = take_token(cursor);
	if (ret_range->type.length == 0 || *cursor->at++ != '/')
		return false;
	ret_range->subtype = take_token(cursor);
	if (ret_range->subtype.length == 0)
		return false;
	while (take_char(cursor, ';')) {
		if (*cursor->at == ';' || *cursor->at == ',' || *cursor->at == '\0')
			continue;
		if (!take_parameter(cursor, &name, &value))
			return false;
		if (same(name, "q"))
			ret_range->quality = quality_parse(value);
	}
	return ret_range->quality >= 0 && (*cursor->at == ',' || *cursor->at == '\0');
}

/* 0 = does not match; a more specific match is greater. */
static int specificity(const struct range *range, const char *type, const char *subtype)
{
	bool any_subtype = slice_is(range->subtype, "*");

	if (slice_is(range->type, "*"))
		return any_subtype ? 1 : 0;
	if (!same(range->type, type))
		return 0;
	if (any_subtype)
		return 2;
	return same(range->subtype, subtype) ? 3 : 0;
}

/* Behind the next comma, or at the end. */
static void skip_to_next(struct cursor *cursor, const char *from)
{
	const char *comma = strchr(from, ',');

	cursor->at = comma ? comma + 1 : from + strlen(from);
	skip_blanks(cursor);
}

int accept_quality(const char *accept, const char *type, const char *subtype)
{
	struct cursor cursor = { accept };
	int best = 0;
	int quality = 0;

	if (!accept)
		return 1000;
	skip_blanks(&cursor);
	if (*cursor.at == '\0')
		return 1000;
	while (*cursor.at) {
		const char *begin = cursor.at;
		struct range range;
		bool is_range = take_range(&cursor, &range);
		int match = is_range ? specificity(&range, type, subtype) : 0;

		skip_to_next(&cursor, is_range ? cursor.at : begin);
		if (match == 0 || match < best)
			continue;
		quality = match > best || range.quality > quality ? range.quality : quality;
		best = match;
	}
	return quality;
}

bool accept_allows(const char *accept, const char *type, const char *subtype)
{
	return accept_quality(accept, type, subtype) > 0;
}

static enum media media_of(struct slice type, struct slice subtype)
{
	if (!same(type, "application"))
		return MEDIA_OTHER;
	if (same(subtype, "json"))
		return MEDIA_JSON;
	if (same(subtype, "merge-patch+json"))
		return MEDIA_MERGE_PATCH;
	if (same(subtype, "octet-stream"))
		return MEDIA_BYTES;
	return same(subtype, "x-www-form-urlencoded") ? MEDIA_FORM : MEDIA_OTHER;
}

enum media media_parse(const char *content_type)
{
	struct cursor cursor = { content_type };
	struct slice type;
	struct slice subtype;
	struct slice name;
	struct slice value;

	if (!content_type)
		return MEDIA_NONE;
	skip_blanks(&cursor);
	type = take_token(&cursor);
	if (*cursor.at++ != '/')
		return MEDIA_OTHER;
	subtype = take_token(&cursor);
	while (take_char(&cursor, ';')) {
		if (*cursor.at == '\0' || *cursor.at == ';')
			continue;
		if (!take_parameter(&cursor, &name, &value))
			return MEDIA_OTHER;
		if (same(name, "charset") && !same(value, "utf-8"))
			return MEDIA_OTHER;
	}
	return *cursor.at == '\0' ? media_of(type, subtype) : MEDIA_OTHER;
}

bool negotiate_answer(const struct request *request, struct problem *problem)
{
	if (!request->operation->answers_json ||
		accept_allows(request_header(request, "Accept"), "application", "json"))
		return true;
	return problem_set(problem, PROBLEM_not_acceptable, "The answer is application/json.");
}

static bool operation_takes(const struct operation *operation, enum media media)
{
	switch (media) {
	case MEDIA_BYTES: return operation->takes_bytes;
	case MEDIA_JSON:
		if (operation->takes_bytes)
			return false;
		return operation->takes_json || !operation->takes_form;
	case MEDIA_MERGE_PATCH: return operation->takes_merge_patch;
	case MEDIA_FORM: return operation->takes_form;
	case MEDIA_NONE:
	case MEDIA_OTHER: break;
	}
	return false;
}

bool negotiate_takes_form_only(const struct operation *operation)
{
	return operation->takes_form && !operation->takes_json;
}

bool negotiate_body(const struct request *request, enum media *ret_media, struct problem *problem)
{
	const char *coding = request_header(request, "Content-Encoding");
	bool takes_body = request->operation->body || request->operation->takes_form;

	*ret_media = media_parse(request_header(request, "Content-Type"));
	if (request->raw_body.length == 0 && (*ret_media == MEDIA_NONE || !takes_body))
		return true;
	if (coding && strcasecmp(coding, "identity") != 0)
		return problem_set(problem, PROBLEM_unsupported_media_type,
			"Bodies must be sent without Content-Encoding.");
	if (operation_takes(request->operation, *ret_media) ||
		negotiate_takes_form_only(request->operation))
		return true;
	return problem_set(problem, PROBLEM_unsupported_media_type, "The body must be %s%s.",
		negotiate_accepted(request->operation),
		request->operation->takes_bytes ? "" : " in utf-8");
}

const char *negotiate_accepted(const struct operation *operation)
{
	if (operation->takes_form)
		return operation->takes_json ? "application/json, application/x-www-form-urlencoded"
					     : "application/x-www-form-urlencoded";
	if (operation->takes_bytes)
		return "application/octet-stream";
	return operation->takes_merge_patch ? "application/merge-patch+json, application/json"
					    : "application/json";
}
