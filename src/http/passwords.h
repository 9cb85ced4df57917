/* SPDX-License-Identifier: Apache-2.0 */
/* The half of src/http/passwords.c that only sign-in needs; see include/http/secrets.h for the
 * rest. */
#ifndef PARTNERD_SRC_HTTP_PASSWORDS_H
#define PARTNERD_SRC_HTTP_PASSWORDS_H

#include <stdbool.h>

#include "base/problem.h"
#include "http/identity.h"
#include "http/secrets.h"

#define PASSWORDS_RUNNING_MAX 2 /* each takes password_memory_kib */
#define PASSWORDS_WAITING_MAX \
	8 /* more are refused: a queue of sign-ins must not hold every worker */

/*
 * Starts the threads that hash with a lower priority than everything else. Without them, as on the
 * command line, the caller hashes itself. False when none can be had.
 */
bool passwords_start(void);
void passwords_stop(void);

enum password_verdict {
	PASSWORD_WRONG,
	PASSWORD_RIGHT,
	PASSWORD_RIGHT_REHASH, /* right, and its cost differs from the settings: store a new hash */
	PASSWORD_BUSY,         /* `problem` is set to unavailable */
};

/*
 * `stored` NULL or empty stands for a user that does not exist: the same work is done and the
 * answer is PASSWORD_WRONG, so that time does not tell which e-mail addresses are known.
 */
enum password_verdict password_verify(
	const char *stored, const char *password, struct problem *problem);

#endif
