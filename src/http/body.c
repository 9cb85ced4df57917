/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON in. The bytes are counted before they are parsed: jansson allows 2,048 levels, which its own
 * writer cannot survive, and makes up to 74 times the memory of what it reads. Violations of the
 * schema are only collected here; the engine reports them after 404, 428 and 412, as a caller who
 * may not see a resource shall not learn what its fields are like.
 */
#include "http/body.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX_BYTES 255

bool body_is_bounded(struct slice bytes)
{
	size_t depth = 0;
	size_t nodes = 1;
	bool in_string = false;

	for (size_t i = 0; i < bytes.length; i++) {
		char byte = bytes.bytes[i];

		if (in_string) {
			i += byte == '\\';
			in_string = byte != '"';
			continue;
		}
		in_string = byte == '"';
		if (byte == '{' || byte == '[') {
			nodes++;
			if (++depth > BODY_MAX_DEPTH)
				return false;
		} else if (byte == '}' || byte == ']') {
			depth -= depth > 0;
		} else if (byte == ',' && ++nodes > BODY_MAX_NODES) {
			return false;
		}
	}
	return nodes <= BODY_MAX_NODES;
}

static void release_json(void *value)
{
	json_decref(value);
}

static bool refuse_json(const json_error_t *error, struct problem *problem)
{
	switch (json_error_code(error)) {
	case json_error_duplicate_key:
		return problem_set(problem, PROBLEM_duplicate_key,
			"A member is named twice, seen in line %d, column %d.", error->line,
			error->column);
	case json_error_invalid_utf8:
		return problem_set(problem, PROBLEM_invalid_encoding, "The body is not UTF-8.");
	case json_error_numeric_overflow:
		return problem_set(problem, PROBLEM_malformed_json,
			"A number is out of range in line %d, column %d.", error->line,
			error->column);
	case json_error_null_character:
	case json_error_null_byte_in_key:
		return problem_set(problem, PROBLEM_malformed_json,
			"U+0000 is not allowed in strings, line %d, column %d.", error->line,
			error->column);
	default:
		return problem_set(problem, PROBLEM_malformed_json,
			"Not JSON in line %d, column %d.", error->line, error->column);
	}
}

static bool load_json(struct request *request, struct problem *problem)
{
	json_error_t error;

	if (!body_is_bounded(request->raw_body))
		return problem_set(problem, PROBLEM_malformed_json,
			"More than %d levels or %d values.", BODY_MAX_DEPTH, BODY_MAX_NODES);
	request->body = json_loadb(
		request->raw_body.bytes, request->raw_body.length, JSON_REJECT_DUPLICATES, &error);
	if (!request->body)
		return refuse_json(&error, problem);
	arena_defer(request->arena, release_json, request->body);
	return true;
}

static bool body_is_absent(struct request *request, struct problem *problem)
{
	if (!request->operation->body || !request->operation->body_required)
		return true;
	return problem_set(problem, PROBLEM_malformed_json, "A JSON body is required.");
}

bool body_parse(struct request *request, enum media media, struct problem *problem)
{
	const struct operation *operation = request->operation;

	/* A form is the handler's to read and to refuse, the lack of one too. */
	if (media == MEDIA_FORM || negotiate_takes_form_only(operation))
		return true;
	if (operation->takes_bytes) /* read while it came in (uploads.h) */
		return true;
	if (request->raw_body.length == 0)
		return body_is_absent(request, problem);
	if (!load_json(request, problem))
		return false;
	if (operation->body) {
		schema_validate(operation->body, operation->answer, request->body, request->arena,
			&request->body_problem);
		return true;
	}
	if (!json_is_object(request->body) || json_object_size(request->body) > 0)
		problem_add(&request->body_problem, request->arena, PLACE_POINTER, "#",
			VIOLATION_unknown_field, "This operation takes no body.");
	request->body = NULL;
	return true;
}

/* Takes the quotes of a structured-field string away; the market sends the key bare. */
static struct slice unquoted(struct slice key)
{
	if (key.length >= 2 && key.bytes[0] == '"' && key.bytes[key.length - 1] == '"')
		return (struct slice){ key.bytes + 1, key.length - 2 };
	return key;
}

static bool key_is_valid(struct slice key)
{
	for (size_t i = 0; i < key.length; i++)
		if (key.bytes[i] < 0x21 || key.bytes[i] > 0x7e)
			return false;
	return key.length >= 1 && key.length <= KEY_MAX_BYTES;
}

static void hash_piece(crypto_hash_sha256_state *state, const char *bytes, size_t length)
{
	uint64_t mark = length;

	crypto_hash_sha256_update(state, (const unsigned char *)&mark, sizeof(mark));
	crypto_hash_sha256_update(state, (const unsigned char *)bytes, length);
}

static int compare_names(const void *a, const void *b)
{
	const struct query_value *const *left = a;
	const struct query_value *const *right = b;

	return strcmp((*left)->parameter->name, (*right)->parameter->name);
}

/* The query by name, so that the order in which it was written does not matter. */
static void hash_query(crypto_hash_sha256_state *state, const struct request *request)
{
	const struct query_value **sorted =
		arena_alloc(request->arena, (request->query_count + 1) * sizeof(*sorted));

	for (size_t i = 0; i < request->query_count; i++)
		sorted[i] = &request->query[i];
	qsort(sorted, request->query_count, sizeof(*sorted), compare_names);
	for (size_t i = 0; i < request->query_count; i++) {
		hash_piece(state, sorted[i]->parameter->name, strlen(sorted[i]->parameter->name));
		for (size_t j = 0; j < sorted[i]->count; j++)
			hash_piece(state, sorted[i]->values[j], strlen(sorted[i]->values[j]));
	}
}

static void make_fingerprint(struct request *request)
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	hash_piece(&state, request->method_text, strlen(request->method_text));
	hash_piece(&state, request->path.bytes, request->path.length);
	hash_query(&state, request);
	hash_piece(&state, request->raw_body.bytes, request->raw_body.length);
	crypto_hash_sha256_final(&state, digest);
	hex_encode(digest, sizeof(digest), request->fingerprint);
}

/* Where a change names no key, none may be sent: its sender relies on it when he repeats. A read
 * may be repeated anyway, and keys belong to a principal. */
static bool no_key_is_relied_on(
	struct request *request, const char *header, struct problem *problem)
{
	const struct operation *operation = request->operation;

	if (!header || operation->method == METHOD_GET || operation->is_public)
		return true;
	problem_set(problem, PROBLEM_invalid_parameter,
		"This operation keeps no Idempotency-Key: it could happen twice.");
	problem_add(problem, request->arena, PLACE_HEADER, "Idempotency-Key",
		VIOLATION_unknown_field, "Send it with the operations that list it.");
	return false;
}

bool body_identify(struct request *request, struct problem *problem)
{
	const char *header = request_header(request, "Idempotency-Key");
	struct slice key;

	if (request->operation->idempotency_key == DUTY_IGNORED)
		return true;
	if (request->operation->idempotency_key == DUTY_NONE)
		return no_key_is_relied_on(request, header, problem);
	if (!header && request->operation->idempotency_key == DUTY_OPTIONAL)
		return true;
	if (!header)
		return problem_set(problem, PROBLEM_idempotency_key_required,
			"Send a key of your own in the header field Idempotency-Key.");
	key = unquoted(slice_of(header));
	if (!key_is_valid(key)) {
		problem_set(
			problem, PROBLEM_invalid_parameter, "The Idempotency-Key is not valid.");
		problem_add(problem, request->arena, PLACE_HEADER, "Idempotency-Key",
			VIOLATION_invalid_format, "1 to %d visible ASCII characters.",
			KEY_MAX_BYTES);
		return false;
	}
	request->idempotency_key = arena_strndup(request->arena, key.bytes, key.length);
	make_fingerprint(request);
	return true;
}
