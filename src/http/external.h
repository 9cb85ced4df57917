/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access tokens of identity providers that programs trust. They are judged by the rules our own are
 * (RFC 8725) and then turned into the user whom the subject is; from there on the request knows no
 * difference, except that there is no session of ours to speak of.
 */
#ifndef PARTNERD_SRC_HTTP_EXTERNAL_H
#define PARTNERD_SRC_HTTP_EXTERNAL_H

#include "http/providers.h"
#include "http/request.h"
#include "http/tokens.h"

/* A token is good for this long after it was issued, whatever its exp says: revocations are kept
 * for that time. */
#define EXTERNAL_LIFE_S  86400
/* The database and the provider's keys are asked again after this. */
#define EXTERNAL_CACHE_S 60

struct external;

/* What is lent must outlive it. */
struct external *external_make(
	struct db *db, const struct settings *settings, struct tokens *tokens, struct text *reterr);
struct external *external_free(struct external *external);
struct providers *external_providers(struct external *external);

enum external_verdict {
	EXTERNAL_NONE, /* no token of a trusted issuer */
	EXTERNAL_OK,
	EXTERNAL_REFUSED, /* the problem is set */
};

enum external_verdict external_verify(struct request *request, struct slice token,
	struct actor *ret_actor, struct problem *problem);

/*
 * external_user.c: the user whom these verified claims speak for; links or creates it where the
 * provider says so. issued_at_us of the actor is set before.
 */
bool external_user(struct request *request, const struct provider *provider, const json_t *claims,
	struct actor *actor, struct problem *problem);

/* The one answer for whatever is wrong with a token. */
bool external_invalid(struct problem *problem);

#endif
