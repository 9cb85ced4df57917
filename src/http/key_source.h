/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keys of one identity provider as this instance knows them: what was read, when it is to be
 * read again, and what went wrong. A source does no I/O; key_fetcher.c does. All functions may be
 * called from any thread; times are monotonic.
 */
#ifndef PARTNERD_SRC_HTTP_KEY_SOURCE_H
#define PARTNERD_SRC_HTTP_KEY_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/uuid.h"
#include "http/jws.h"

#define SOURCE_MAX_KEYS      32
#define SOURCE_KID_BYTES     201
#define SOURCE_DOCUMENT_MAX  65536
#define SOURCE_URL_BYTES     2049
#define SOURCE_REFRESH_S     600   /* keys are read again after this */
#define SOURCE_REFETCH_S     60    /* for a kid that is not known, at most so often */
#define SOURCE_STALE_S       86400 /* keys that could not be read again for so long are dropped */
#define SOURCE_RETRY_FIRST_S 15

/* Values of identity_providers.fault. */
#define SOURCE_FAULTS(X)   \
	X(none)            \
	X(unreachable)     \
	X(address_refused) \
	X(bad_status)      \
	X(too_large)       \
	X(bad_metadata)    \
	X(issuer_differs)  \
	X(bad_keys)

enum source_fault {
#define SOURCE_FAULT_ENUM(name) SOURCE_FAULT_##name,
	SOURCE_FAULTS(SOURCE_FAULT_ENUM)
#undef SOURCE_FAULT_ENUM
};

const char *source_fault_text(enum source_fault fault);

/* A key and the one algorithm it is for. Constant while it is held. */
struct foreign_keys {
	_Atomic int holders;
	size_t count;
	struct {
		char kid[SOURCE_KID_BYTES];
		enum jws_alg alg;
		EVP_PKEY *pkey;
	} items[SOURCE_MAX_KEYS];
};

/* The key by kid that is for `alg`, or NULL. */
EVP_PKEY *foreign_keys_find(const struct foreign_keys *keys, const char *kid, enum jws_alg alg);
void foreign_keys_release(struct foreign_keys *keys);

/* ---- documents ---- */

/* The jwks_uri of OpenID Connect metadata whose issuer is exactly this one. */
enum source_fault metadata_read(const char *text, size_t length, const char *issuer,
	char ret_jwks_uri[static SOURCE_URL_BYTES]);

/* The keys of a JWK set that can be used for signatures; what cannot is left out. NULL when none is
 * left. */
struct foreign_keys *jwks_read(const char *text, size_t length);

/* ---- a source ---- */

struct key_source;

struct key_source *source_make(const char *issuer, const char *provider_id, const char *program_id);
struct key_source *source_hold(struct key_source *source);
void source_release(struct key_source *source);

const char *source_issuer(const struct key_source *source);
const char *source_provider_id(const struct key_source *source);
const char *source_program_id(const struct key_source *source);

/* The keys, to be released, or NULL when none were read or they are too old. `ret_reading` says
 * which reading they are of. */
struct foreign_keys *source_keys(struct key_source *source, int64_t now_us, uint64_t *ret_reading);

/*
 * A token's kid is not among the keys of `reading`. True when there are others meanwhile, or will
 * be: they are being read, were never read, or are read now, once in SOURCE_REFETCH_S.
 */
bool source_want(struct key_source *source, int64_t now_us, uint64_t reading);
/* Waits until there is another reading, `until_us` at most. False when there is none. */
bool source_wait(struct key_source *source, uint64_t reading, int64_t until_us);

/* ---- for the fetcher ---- */

/* When the source is to be read next. INT64_MAX while it is being read. */
int64_t source_due_us(struct key_source *source);
void source_begin(struct key_source *source);
/* Takes over `keys` (NULL on a fault). */
void source_end(struct key_source *source, struct foreign_keys *keys, enum source_fault fault,
	int64_t now_us);

/* The pause after this many failures in a row. */
int64_t source_retry_s(unsigned failures);

#endif
