/* SPDX-License-Identifier: Apache-2.0 */
/* Media types: what the caller takes and what the caller sends (RFC 9110 §12.5.1, §8.3). */
#ifndef PARTNERD_SRC_HTTP_NEGOTIATE_H
#define PARTNERD_SRC_HTTP_NEGOTIATE_H

#include <stdbool.h>

#include "http/accept.h"
#include "http/request.h"

enum media { MEDIA_NONE, MEDIA_JSON, MEDIA_MERGE_PATCH, MEDIA_FORM, MEDIA_BYTES, MEDIA_OTHER };

/* Does `accept` (NULL: anything goes) leave room for type/subtype? The most specific range decides;
 * q=0 forbids. */
bool accept_allows(const char *accept, const char *type, const char *subtype);

/* The media type of a body; MEDIA_OTHER also when a charset other than utf-8 is named. NULL gives
 * MEDIA_NONE. */
enum media media_parse(const char *content_type);

/* 406 when the operation's answer is not acceptable. Problems are sent regardless. */
bool negotiate_answer(const struct request *request, struct problem *problem);

/* Such an operation has words of its own for a body that is no form (RFC 6749 §5.2). */
bool negotiate_takes_form_only(const struct operation *operation);

/* 415 when the body's type or coding is not the operation's; one that takes a form only judges the
 * type itself. */
bool negotiate_body(const struct request *request, enum media *ret_media, struct problem *problem);

/* What the operation takes, for the header fields Accept and Accept-Patch of a 415. */
const char *negotiate_accepted(const struct operation *operation);

#endif
