/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Applications to become a partner (domain.md §3). A company whose application was rejected waits
 * before it applies again; everything else is a row of the state machine.
 */
#ifndef PARTNERD_DOMAIN_APPLICATION_H
#define PARTNERD_DOMAIN_APPLICATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/problem.h"

struct application_facts {
	const char *status; /* NULL for a new one */
	int64_t now_us;
	int64_t waits_until_us; /* left by a rejection; 0: none */
};

/* The state allows it and the wait is over: its last instant is the first at which it is. */
bool application_submit(const struct application_facts *facts, struct problem *problem);

/* May its members still be changed? */
bool application_is_open(const char *status);

#endif
