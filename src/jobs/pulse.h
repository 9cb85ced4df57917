/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which programs are worth a look. Whatever happens in a program is entered in its ledger, so one
 * whose ledger moves, or has just moved, is looked at by every job at the job's own period. In the
 * others only time can make something due: each job looks at them every PULSE_REST_MS, a share of
 * them at each pass. Without this an installation of many programs would do nothing but look.
 *
 * The clock is handed in. Safe for several threads.
 */
#ifndef PARTNERD_JOBS_PULSE_H
#define PARTNERD_JOBS_PULSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PULSE_REST_MS 5000

struct pulse;

struct pulse *pulse_make(void);
/* NULL is accepted. Always returns NULL. */
struct pulse *pulse_free(struct pulse *pulse);

/* The ledger of the program is sealed up to `head_seq`. */
void pulse_note(struct pulse *pulse, const char *program_id, int64_t head_seq, int64_t now_us);

/* Something was done for the program, and there may be more to do. */
void pulse_touch(struct pulse *pulse, const char *program_id, int64_t now_us);

/*
 * Whether a job of this period shall look at the program now: one that moves always, another when
 * it is its turn in pass number `pass`; `place` tells the programs apart. A program that was never
 * noted moves.
 */
bool pulse_is_due(struct pulse *pulse, const char *program_id, size_t place, uint64_t pass,
	int64_t period_ms, int64_t now_us);

#endif
