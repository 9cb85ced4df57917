/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The gate. libmicrohttpd is lenient: it takes header names with blanks, two lengths, a length
 * beside chunks, a path with dots. Each leniency is a way to make a proxy and us read different
 * requests, so whatever can be read in two ways is refused here (libraries.md §1.3 is the list,
 * test_http_edge.py has a test for every line of it). Paths are matched undecoded: an escaped form
 * of a path names nothing.
 */
#include "http/gate.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "http/app.h"
#include "http/percent.h"

static const char *const method_names[] = {
	[METHOD_GET] = "GET",
	[METHOD_POST] = "POST",
	[METHOD_PUT] = "PUT",
	[METHOD_PATCH] = "PATCH",
	[METHOD_DELETE] = "DELETE",
	[METHOD_HEAD] = "HEAD",
	[METHOD_OPTIONS] = "OPTIONS",
};

/* Fields that mean nothing, or two things, when they come twice or as a list. */
static const char *const single_fields[] = {
	"Content-Length",
	"Host",
	"Authorization",
	"Content-Type",
	"Idempotency-Key",
	"Transfer-Encoding",
	"Origin",
	"Content-Encoding",
	"Expect",
};

#define SINGLE_COUNT (sizeof(single_fields) / sizeof(single_fields[0]))

/* A token of RFC 9110 §5.6.2, the only thing a field name can be. */
static bool is_token(struct slice text)
{
	for (size_t i = 0; i < text.length; i++) {
		unsigned char byte = (unsigned char)text.bytes[i];

		if (byte <= 0x20 || byte >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", byte))
			return false;
	}
	return text.length > 0;
}

static bool has_control(struct slice text)
{
	for (size_t i = 0; i < text.length; i++) {
		unsigned char byte = (unsigned char)text.bytes[i];

		if ((byte < 0x20 && byte != '\t') || byte == 0x7f)
			return true;
	}
	return false;
}

/* Marks the field as seen; false when it is one of the single ones and comes again or as a list. */
static bool field_is_single(const struct field *field, unsigned *seen, struct problem *problem)
{
	for (size_t i = 0; i < SINGLE_COUNT; i++) {
		if (!field_is(field, single_fields[i]))
			continue;
		if (*seen & 1u << i || memchr(field->value.bytes, ',', field->value.length))
			return problem_set(problem, PROBLEM_invalid_request,
				"%s must be given once and is no list.", single_fields[i]);
		*seen |= 1u << i;
		return true;
	}
	return true;
}

static bool field_is_clean(const struct field *field, struct problem *problem)
{
	if (!is_token(field->name))
		return problem_set(problem, PROBLEM_invalid_request,
			"The name of a header field has a character that names cannot have.");
	if (has_control(field->value))
		return problem_set(problem, PROBLEM_invalid_request,
			"A header field has a control character in its value.");
	return true;
}

static bool framing_is_plain(const struct fields *fields, bool is_http10, struct problem *problem)
{
	const struct field *coding = fields_find(fields, "Transfer-Encoding");
	const struct field *expect = fields_find(fields, "Expect");

	if (coding && fields_find(fields, "Content-Length"))
		return problem_set(problem, PROBLEM_invalid_request,
			"Transfer-Encoding and Content-Length exclude each other.");
	if (coding && (is_http10 || strcasecmp(coding->value.bytes, "chunked") != 0))
		return problem_set(problem, PROBLEM_invalid_request,
			"The only Transfer-Encoding is chunked, in HTTP/1.1.");
	if (expect && strcasecmp(expect->value.bytes, "100-continue") != 0)
		return problem_set(
			problem, PROBLEM_invalid_request, "The only Expect is 100-continue.");
	if (!is_http10 && !fields_find(fields, "Host"))
		return problem_set(problem, PROBLEM_invalid_request, "Host is missing.");
	return true;
}

bool gate_fields(const struct fields *fields, bool is_http10, struct problem *problem)
{
	unsigned seen = 0;

	if (fields->is_broken)
		return problem_set(problem, PROBLEM_invalid_request,
			"A line of the head is folded, cut by a NUL, has no name or is not ended "
			"by CR LF.");
	for (size_t i = 0; i < fields->count; i++)
		if (!field_is_clean(&fields->items[i], problem) ||
			!field_is_single(&fields->items[i], &seen, problem))
			return false;
	return framing_is_plain(fields, is_http10, problem);
}

bool gate_sizes(const char *target, const struct fields *fields, struct problem *problem)
{
	if (strlen(target) > GATE_TARGET_BYTES)
		return problem_set(problem, PROBLEM_uri_too_long, "The target may have %d bytes.",
			GATE_TARGET_BYTES);
	if (fields->bytes > GATE_HEADER_BYTES)
		return problem_set(problem, PROBLEM_headers_too_large,
			"The header fields may have %d bytes together.", GATE_HEADER_BYTES);
	return true;
}

static bool bytes_are_of_a_target(const char *target, struct problem *problem)
{
	if (target[0] != '/')
		return problem_set(
			problem, PROBLEM_invalid_request, "The target must start with a slash.");
	for (const char *at = target; *at; at++) {
		unsigned char byte = (unsigned char)*at;

		if (byte > 0x7f)
			return problem_set(problem, PROBLEM_invalid_encoding,
				"Bytes outside ASCII must be percent-encoded in the target.");
		if (byte < 0x21 || byte == 0x7f || byte == '#')
			return problem_set(problem, PROBLEM_invalid_request,
				"The target has a character that targets cannot have.");
	}
	return true;
}

/* "." and ".." would be resolved by proxies and browsers, "" is "//" or a trailing slash. */
static bool segments_are_plain(struct slice path)
{
	const char *end = path.bytes + path.length;
	const char *segment = path.bytes + 1;

	while (segment <= end) {
		const char *slash = memchr(segment, '/', (size_t)(end - segment));
		struct slice text = { segment, (size_t)((slash ? slash : end) - segment) };

		if (text.length == 0 || slice_is(text, ".") || slice_is(text, ".."))
			return false;
		segment += text.length + 1;
	}
	return true;
}

static size_t count_of(struct slice text, char byte)
{
	size_t count = 0;

	for (size_t i = 0; i < text.length; i++)
		count += text.bytes[i] == byte;
	return count;
}

static bool has_escaped_nul(struct slice text)
{
	for (size_t i = 0; i + 2 < text.length; i++)
		if (memcmp(text.bytes + i, "%00", 3) == 0)
			return true;
	return false;
}

static bool path_is_plain(struct slice path, struct arena *arena, struct problem *problem)
{
	struct slice decoded = path;

	if (memchr(path.bytes, '%', path.length)) {
		if (!percent_is_valid(path))
			return problem_set(problem, PROBLEM_invalid_encoding,
				"A percent sign in the path is not followed by two hexadecimal "
				"digits.");
		if (has_escaped_nul(path))
			return problem_set(problem, PROBLEM_not_found, "There is no such path.");
		if (!percent_decode(arena, path, false, &decoded))
			return problem_set(
				problem, PROBLEM_invalid_encoding, "The path is not UTF-8.");
	}
	if (count_of(decoded, '/') != count_of(path, '/') || !segments_are_plain(decoded))
		return problem_set(problem, PROBLEM_not_found, "There is no such path.");
	return true;
}

bool gate_target(const char *target, struct arena *arena, struct slice *ret_path,
	struct slice *ret_query, struct problem *problem)
{
	const char *mark;

	if (!bytes_are_of_a_target(target, problem))
		return false;
	mark = strchr(target, '?');
	*ret_path = (struct slice){ target, mark ? (size_t)(mark - target) : strlen(target) };
	*ret_query = mark ? slice_of(mark + 1) : (struct slice){ "", 0 };
	return path_is_plain(*ret_path, arena, problem);
}

enum http_method gate_method(const char *text)
{
	for (int i = 0; i < METHOD_OTHER; i++)
		if (strcmp(text, method_names[i]) == 0)
			return (enum http_method)i;
	return METHOD_OTHER;
}

const char *gate_method_text(enum http_method method)
{
	return method < METHOD_OTHER ? method_names[method] : NULL;
}

bool gate_route(struct request *request, unsigned *ret_allowed, struct problem *problem)
{
	enum http_method method = request->method == METHOD_HEAD ? METHOD_GET : request->method;
	struct route route = { 0 };

	contract_route(request->app->contract, method, request->path, &route);
	*ret_allowed = route.allowed_methods;
	request->operation = route.operation;
	if (route.allowed_methods == 0)
		return problem_set(problem, PROBLEM_not_found, "There is no such path.");
	if (request->method == METHOD_OPTIONS)
		return true;
	if (!route.operation)
		return problem_set(problem, PROBLEM_method_not_allowed,
			"The header field Allow names the methods of this path.");
	for (size_t i = 0; i < OPERATION_MAX_PATH_IDS && route.operation->path_ids[i]; i++)
		request->path_ids[i] = arena_strndup(
			request->arena, route.path_ids[i].bytes, route.path_ids[i].length);
	return true;
}

static const struct parameter *path_parameter(const struct operation *operation, const char *name)
{
	for (size_t i = 0; i < operation->parameter_count; i++) {
		const struct parameter *parameter = &operation->parameters[i];

		if (parameter->place == PARAMETER_PATH && strcmp(parameter->name, name) == 0)
			return parameter;
	}
	return NULL;
}

static const char *lower_case(const char *id, struct arena *arena)
{
	char *lower = arena_strdup(arena, id);

	for (char *at = lower; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	return lower;
}

static bool path_id_is_valid(const struct request *request, const char *name, const char *id)
{
	const struct parameter *parameter = path_parameter(request->operation, name);
	struct problem ignored = PROBLEM_INIT;

	return !parameter || !parameter->schema ||
	       schema_validate_text(
		       parameter->schema, name, slice_of(id), request->arena, &ignored);
}

bool gate_path_ids(struct request *request, struct problem *problem)
{
	const struct operation *operation = request->operation;

	for (size_t i = 0; i < OPERATION_MAX_PATH_IDS && operation->path_ids[i]; i++) {
		const char *id = request->path_ids[i];

		if (!path_id_is_valid(request, operation->path_ids[i], id))
			return problem_set(
				problem, PROBLEM_not_found, "There is none with this id.");
		if (uuid_is_valid(id, strlen(id)))
			request->path_ids[i] = lower_case(id, request->arena);
	}
	return true;
}

void gate_allow(unsigned allowed_methods, char out[static GATE_ALLOW_BYTES])
{
	out[0] = '\0';
	for (int i = 0; i < METHOD_COUNT; i++) {
		if (!(allowed_methods & 1u << i))
			continue;
		strcat(strcat(out, method_names[i]), ", ");
		if (i == METHOD_GET)
			strcat(out, "HEAD, ");
	}
	strcat(out, "OPTIONS");
}
