/* SPDX-License-Identifier: Apache-2.0 */
/* Whether this process can serve: asked by /readyz on both ports. */
#ifndef PARTNERD_HTTP_HEALTH_H
#define PARTNERD_HTTP_HEALTH_H

#include <stdbool.h>

#include "base/problem.h"
#include "http/app.h"

/*
 * True when the database answers, its schema is this binary's and the process is not draining.
 * Otherwise `unavailable` with the reason as detail. The database is asked at most once in half a
 * second, however many callers there are.
 */
bool health_is_ready(struct app *app, struct problem *problem);

#endif
