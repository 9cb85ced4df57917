/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openapi.yaml as the server sees it: the operations in a trie of path segments, each with
 * everything the gate needs to judge a request before any handler runs. Parsed once at start,
 * read-only and shared by all threads afterwards.
 */
#ifndef PARTNERD_CONTRACT_CONTRACT_H
#define PARTNERD_CONTRACT_CONTRACT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "contract/schema.h"

enum http_method {
	METHOD_GET,
	METHOD_POST,
	METHOD_PUT,
	METHOD_PATCH,
	METHOD_DELETE,
	METHOD_COUNT,
	METHOD_HEAD = METHOD_COUNT, /* routed as GET */
	METHOD_OPTIONS,
	METHOD_OTHER,
};

enum parameter_place { PARAMETER_PATH, PARAMETER_QUERY, PARAMETER_HEADER };

struct parameter {
	const char *name;
	enum parameter_place place;
	bool required;
	bool ignored;                /* "x-ignored": may be sent, and is not looked at */
	bool repeats;                /* an array: given several times means OR */
	const struct schema *schema; /* of one value */
	const char *default_value;   /* as text, or NULL */
};

#define OPERATION_MAX_PATH_IDS 3
#define OPERATION_MAX_SCOPES   4

enum duty { DUTY_NONE, DUTY_IGNORED, DUTY_OPTIONAL, DUTY_REQUIRED };

struct operation {
	const char *id; /* operationId */
	enum http_method method;
	const char *path; /* the template, "/v1/deals/{deal_id}": also the label of metrics */
	const char *path_ids[OPERATION_MAX_PATH_IDS +
			     1]; /* parameter names in order, NULL-terminated */
	bool is_public;          /* security: [] */
	const char *scopes[OPERATION_MAX_SCOPES + 1]; /* all of them are needed, NULL-terminated */
	const struct parameter *parameters;
	size_t parameter_count;
	enum duty if_match;        /* from the header parameter If-Match */
	enum duty idempotency_key; /* from the header parameter Idempotency-Key */
	const struct schema *body; /* NULL: takes no body */
	bool body_required;
	bool takes_json, takes_merge_patch, takes_form; /* media types of the request body */
	bool takes_bytes;   /* application/octet-stream: read piece by piece, never parsed */
	int success_status; /* the one 2xx status */
	const struct schema *answer; /* schema of the success body, or NULL */
	bool answers_json;           /* application/json among the success media types */
	size_t index; /* 0 … contract_operation_count - 1, stable within a process */
};

struct contract;

/* Parses YAML (libyaml) into json_t by the YAML 1.2 core schema: no yes/no booleans, no dates, no
 * octal. */
json_t *yaml_to_json(const char *yaml, size_t length, struct text *reterr);

/* NULL and a sentence naming the place in `reterr` when the document is outside the supported
 * dialect. */
struct contract *contract_load(const char *yaml, size_t length, struct text *reterr);
struct contract *contract_free(struct contract *contract);

size_t contract_operation_count(const struct contract *contract);
const struct operation *contract_operation(const struct contract *contract, size_t index);
const struct operation *contract_operation_by_id(
	const struct contract *contract, const char *operation_id);

/* The document as YAML (as written) and as minified JSON. */
struct slice contract_yaml(const struct contract *contract);
struct slice contract_json(const struct contract *contract);
const json_t *contract_document(const struct contract *contract);

struct route {
	const struct operation *operation; /* NULL: no such path, or not with this method */
	unsigned allowed_methods;          /* bits 1u << enum http_method; 0 = no such path */
	struct slice path_ids[OPERATION_MAX_PATH_IDS]; /* raw text between the slashes */
};

/*
 * Matches a decoded-free path ("/v1/deals/0193…") exactly: a literal segment wins over a parameter,
 * no trailing slash, no empty segment. HEAD matches GET. allowed_methods is filled whenever the
 * path exists.
 */
void contract_route(const struct contract *contract, enum http_method method, struct slice path,
	struct route *ret_route);

#endif
