/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answer: status, a malloc'ed body that is handed to the HTTP library without a copy, and the
 * few header fields that differ between answers. Everything that every answer has (request id,
 * CORS, security headers, rate limit) is added by server.c in one place. Header values must be
 * visible ASCII.
 */
#ifndef PARTNERD_HTTP_RESPONSE_H
#define PARTNERD_HTTP_RESPONSE_H

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/problem.h"
#include "base/text.h"

struct request;

#define RESPONSE_MAX_HEADERS 12
#define RESPONSE_MAX_COOKIES 2

/* HttpOnly, Secure and with the SameSite of the settings. */
struct response_cookie {
	const char *name;
	const char *value; /* on the request's arena */
	const char *path;
	int64_t life_s; /* 0: the browser forgets it */
};

/*
 * A body that is made while it is sent, piece by piece in constant memory. It outlives the request
 * and its arena, so the context holds all it needs. A reader that is slow to take the pieces is
 * cut, hence nothing scarce (a transaction) is kept from one piece to the next.
 */
struct response_stream {
	/* Fills at most `room` bytes; 0 at the end, -1 cuts the connection. */
	ssize_t (*read)(void *context, char *out, size_t room);
	void (*free)(void *context);
	void *context;
	int64_t size_bytes; /* -1: not known before the end */
};

enum cache_kind { CACHE_NO_STORE, CACHE_PRIVATE, CACHE_PUBLIC_5M };

struct response {
	int status;
	const char *content_type; /* NULL: no body */
	struct text body;
	struct response_stream stream; /* in place of `body` when it has a `read` */
	enum cache_kind cache;
	enum problem_code problem; /* for log and metrics, valid when status >= 400 */
	struct {
		const char *name;  /* static */
		const char *value; /* on the request's arena */
	} headers[RESPONSE_MAX_HEADERS];
	size_t header_count;
	struct response_cookie cookies[RESPONSE_MAX_COOKIES]; /* sent with a refusal, too */
	size_t cookie_count;
};

/* Adds a header; a value with control characters is dropped. */
void response_header(struct response *response, const char *name, const char *value);
/* ETag: "<version>" */
void response_etag(struct response *response, struct request *request, const char *version);

/* Answers with application/problem+json. Logs nothing; the top does. */
void response_problem(
	struct response *response, struct request *request, const struct problem *problem);

/* A small JSON answer made with jansson (tokens, meta). Takes the reference of `value`. Status 200
 * unless set before. */
void response_json(struct response *response, int status, json_t *value);

#endif
