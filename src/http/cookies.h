/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cookie profile (RFC 10017): a browser that keeps its session in cookies that no script can
 * read. Because a browser sends them by itself, a request that changes something must also show
 * what a foreign page cannot know or forge: the session's CSRF token, and an origin of ours.
 */
#ifndef PARTNERD_SRC_HTTP_COOKIES_H
#define PARTNERD_SRC_HTTP_COOKIES_H

#include "http/identity.h"
#include "http/response.h"

/* The access token of the cookie, NULL when there is none or cookies are not offered. Two cookies
 * of that name are none: which of them is ours cannot be told. */
const char *cookies_access(const struct request *request);
const char *cookies_refresh(const struct request *request);

/* Constant for a session; on the request's arena. */
const char *csrf_token(const struct request *request, const char *session_id);

/* Whether the header X-CSRF-Token is that of the session. */
bool csrf_matches(const struct request *request, const char *session_id);

/* Whether Origin, if the browser sent one, is in cors_origins or our own. */
bool origin_is_ours(const struct request *request);

/* What a request by cookie that may change something has to show; csrf_invalid otherwise. */
bool csrf_check(const struct request *request, const struct actor *actor, struct problem *problem);

#endif
