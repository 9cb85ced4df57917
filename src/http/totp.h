/* SPDX-License-Identifier: Apache-2.0 */
/* One-time passwords by time (RFC 6238): HMAC-SHA-1, steps of thirty seconds, six digits, which is
 * what every authenticator understands. */
#ifndef PARTNERD_SRC_HTTP_TOTP_H
#define PARTNERD_SRC_HTTP_TOTP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/text.h"

#define TOTP_SEED_BYTES 20 /* RFC 4226 §4: as long as the hash */
#define TOTP_STEP_S     30
#define TOTP_CODE_BYTES 7

/* The code of a step. */
void totp_code(const unsigned char seed[static TOTP_SEED_BYTES], int64_t step,
	char out[static TOTP_CODE_BYTES]);

/*
 * Whether `code` is that of the present step, the one before or the one after it, and that step is
 * later than `last_step`, the last one whose code was taken.
 */
bool totp_match(const unsigned char seed[static TOTP_SEED_BYTES], const char *code, int64_t now_s,
	int64_t last_step, int64_t *ret_step);

/* RFC 4648 §6 without padding. */
const char *base32_text(const unsigned char *bytes, size_t length, struct arena *arena);

/* What an authenticator scans: otpauth://totp/<issuer>:<account>?secret=…&issuer=… */
const char *totp_uri(
	const char *secret, const char *issuer, const char *account, struct arena *arena);

#endif
