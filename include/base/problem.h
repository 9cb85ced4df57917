/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can go wrong, said once (RFC 9457). Every refusal of the API is one row of PROBLEMS: code,
 * status, title. A row added here is at once served at /problems/{code} and allowed in the
 * contract's enum, which `partnerd check` compares. Causes (SQL text, errno) go into `cause`, are
 * logged, and never leave the process.
 */
#ifndef PARTNERD_BASE_PROBLEM_H
#define PARTNERD_BASE_PROBLEM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct arena;

/* clang-format off: tables */
#define PROBLEMS(X)                                                                 \
	X(malformed_json, 400, "The body is not valid JSON")                        \
	X(duplicate_key, 400, "A JSON object names a member twice")                 \
	X(invalid_encoding, 400, "The request is not correctly encoded")            \
	X(invalid_request, 400, "The request is not valid HTTP for this server")    \
	X(unknown_parameter, 400, "Unknown query parameter")                        \
	X(invalid_parameter, 400, "A parameter is not valid")                       \
	X(invalid_cursor, 400, "The cursor is not valid")                           \
	X(cursor_mismatch, 400, "The cursor belongs to another query")              \
	X(idempotency_key_required, 400, "Idempotency-Key is required")             \
	X(unauthenticated, 401, "Authentication is required")                       \
	X(token_expired, 401, "The access token has expired")                       \
	X(token_invalid, 401, "The access token is not valid")                      \
	X(invalid_credentials, 401, "E-mail and password do not match")             \
	X(second_factor_required, 401, "A code of the second factor is needed")     \
	X(invalid_code, 401, "The code is not right")                               \
	X(insufficient_scope, 403, "The token lacks a scope")                       \
	X(second_factor_missing, 403, "A second factor must be set up first")       \
	X(csrf_invalid, 403, "The request may be forged")                           \
	X(forbidden, 403, "Not allowed")                                            \
	X(approver_not_allowed, 403, "Somebody else decides this step")             \
	X(address_not_allowed, 403, "Not allowed from this address")                \
	X(not_found, 404, "Not found")                                              \
	X(method_not_allowed, 405, "Method not allowed")                            \
	X(not_acceptable, 406, "No acceptable representation")                      \
	X(conflict, 409, "The resource has changed")                                \
	X(already_exists, 409, "It exists already")                                 \
	X(duplicate_deal, 409, "The deal is registered already")                    \
	X(account_unavailable, 409, "The account is not available")                 \
	X(invalid_transition, 409, "Action not allowed in this state")              \
	X(partner_not_active, 409, "The partner is not active")                     \
	X(agreement_required, 409, "An agreement has to be accepted first")         \
	X(application_too_early, 409, "It is too early to apply again")             \
	X(evidence_closed, 409, "The time for evidence is over")                    \
	X(bundle_not_ready, 409, "The bundle is not signed yet")                    \
	X(tier_not_published, 409, "The tier is not published")                     \
	X(no_margin, 409, "No margin is earned")                                    \
	X(territory_taken, 409, "The territory is not free")                        \
	X(region_in_use, 409, "The region is in use")                               \
	X(rate_missing, 409, "No exchange rate is known")                           \
	X(tier_in_use, 409, "Partners are in the tier")                             \
	X(deal_limit_reached, 409, "No room for another registration")              \
	X(deal_not_open, 409, "The deal cannot be edited now")                      \
	X(deal_not_protected, 409, "The deal is not protected")                     \
	X(extension_limit_reached, 409, "The deal was extended often enough")       \
	X(file_quota_reached, 409, "No room for another file")                      \
	X(test_clock_unavailable, 409, "Only a sandbox program has a test clock")   \
	X(idempotency_in_progress, 409, "A request with this key is still running") \
	X(gone, 410, "No longer available")                                         \
	X(precondition_failed, 412, "The resource has another version")             \
	X(payload_too_large, 413, "The body is too large")                          \
	X(uri_too_long, 414, "The target is too long")                              \
	X(unsupported_media_type, 415, "The media type is not supported")           \
	X(validation_failed, 422, "Some fields are not valid")                      \
	X(idempotency_key_reused, 422, "The key was used for another request")      \
	X(precondition_required, 428, "If-Match is required")                       \
	X(rate_limited, 429, "Too many requests")                                   \
	X(headers_too_large, 431, "The header fields are too large")                \
	X(internal, 500, "Internal error")                                          \
	X(unavailable, 503, "Temporarily unavailable")                              \
	X(timeout, 504, "The request took too long")
/* clang-format on */

enum problem_code {
#define PROBLEM_ENUM(code, status, title) PROBLEM_##code,
	PROBLEMS(PROBLEM_ENUM)
#undef PROBLEM_ENUM
		PROBLEM_COUNT
};

/* Field codes of errors[] (api.md §1). */
/* clang-format off */
#define VIOLATIONS(X) \
	X(required) \
	X(unknown_field) \
	X(read_only_field) \
	X(wrong_type) \
	X(too_short) \
	X(too_long) \
	X(too_small) \
	X(too_large) \
	X(invalid_format) \
	X(invalid_choice) \
	X(not_unique) \
	X(reference_not_found) \
	X(inconsistent)
/* clang-format on */

enum violation_code {
#define VIOLATION_ENUM(code) VIOLATION_##code,
	VIOLATIONS(VIOLATION_ENUM)
#undef VIOLATION_ENUM
		VIOLATION_COUNT
};

/* Where in the request a violation stands: the member of errors[] that names the place. */
enum violation_place { PLACE_POINTER, PLACE_PARAMETER, PLACE_HEADER };

struct violation {
	enum violation_place place;
	enum violation_code code;
	const char *where;  /* "#/amount/currency", a parameter's or a header's name */
	const char *detail; /* a sentence for people */
};

#define PROBLEM_MAX_VIOLATIONS 20
#define PROBLEM_DETAIL_BYTES   240

struct problem {
	enum problem_code code;
	bool is_set;
	char detail[PROBLEM_DETAIL_BYTES];
	char cause[PROBLEM_DETAIL_BYTES]; /* for the log only */
	struct violation violations[PROBLEM_MAX_VIOLATIONS];
	size_t violation_count;
	char from[32];     /* invalid_transition: the present state, or empty */
	char allowed[200]; /* invalid_transition: the actions that are allowed now, separated by
			      spaces */
	const char *scope; /* insufficient_scope: what the operation asks for */
	const char *etag;  /* precondition_failed: the current tag */
	const char *resource_id;     /* already_exists: the id of the one that exists */
	const char *challenge_token; /* second_factor_required: for the second step */
	int retry_after_s;           /* 0 = no Retry-After */
};

#define PROBLEM_INIT \
	{            \
		0    \
	}

const char *problem_code_text(enum problem_code code);
int problem_status(enum problem_code code);
const char *problem_title(enum problem_code code);
bool problem_code_parse(const char *text, enum problem_code *ret_code);
const char *violation_code_text(enum violation_code code);

/* Sets code and detail (the first refusal wins: a problem that is set stays). Returns false, so
 * callers `return` it. */
bool problem_set(struct problem *problem, enum problem_code code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Keeps what the log must say and the caller must not see. */
void problem_cause(struct problem *problem, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * Adds one entry to errors[] and makes the problem a validation_failed unless it is set to
 * something else already. `where` is copied onto the arena, `detail` is formatted there. Beyond
 * PROBLEM_MAX_VIOLATIONS entries are dropped.
 */
void problem_add(struct problem *problem, struct arena *arena, enum violation_place place,
	const char *where, enum violation_code code, const char *format, ...)
	__attribute__((format(printf, 6, 7)));

#endif
