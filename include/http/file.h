/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files: what comes in as bytes and goes out as bytes. A file is declared first (POST /v1/files:
 * name, media type, size, digest), then its content is sent in one request and kept in rows of
 * FILE_CHUNK_BYTES while it comes in, so that neither direction ever holds more than one of them.
 * Whoever uses a file (documents, imports, …) claims it in its own write: file_claim of
 * sql/functions/files.sql. Jobs read one chunk by chunk with the statement file_chunk.
 */
#ifndef PARTNERD_HTTP_FILE_H
#define PARTNERD_HTTP_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/problem.h"
#include "base/uuid.h"
#include "http/request.h"
#include "http/response.h"

#define FILE_CHUNK_BYTES (256 * 1024)
#define FILE_HEAD_BYTES  64 /* enough to tell what it is */

/* The body that came in. */
struct file_upload {
	char id[UUID_TEXT_BYTES]; /* of this attempt: its chunks stand under it */
	int64_t size_bytes;
	char sha256[65];
	char head[FILE_HEAD_BYTES];
	size_t head_length;
	bool is_text; /* all of it is UTF-8 without U+0000 */
};

/*
 * For the decide function of an operation that takes bytes. An upload that was refused at its
 * beginning looks empty: what is wrong is then found out again by the checks that follow. False
 * with `problem` set when the content could not be kept.
 */
bool file_upload_of(
	const struct request *request, struct file_upload *ret_upload, struct problem *problem);

/*
 * Answers with the content of the file, as a download; the actor's walls hold for every piece.
 * False with a 404 when there is no such file, or no content yet.
 */
bool answer_file(struct request *request, struct response *response, const char *file_id,
	struct problem *problem);

#endif
