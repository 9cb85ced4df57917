/* SPDX-License-Identifier: Apache-2.0 */
/* An array sorted by id: programs come one at a time and stay. */
#include "pulse.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/uuid.h"

struct beat {
	char program_id[UUID_TEXT_BYTES];
	int64_t head_seq;
	int64_t moved_us;
};

struct pulse {
	pthread_mutex_t lock;
	struct beat *beats;
	size_t count;
};

struct pulse *pulse_make(void)
{
	struct pulse *pulse = calloc(1, sizeof *pulse);
	if (pulse == NULL)
		abort();
	pthread_mutex_init(&pulse->lock, NULL);
	return pulse;
}

struct pulse *pulse_free(struct pulse *pulse)
{
	if (pulse == NULL)
		return NULL;
	pthread_mutex_destroy(&pulse->lock);
	free(pulse->beats);
	free(pulse);
	return NULL;
}

/* Where the program is, or would be. */
static size_t place_of(const struct pulse *pulse, const char *program_id)
{
	size_t from = 0, to = pulse->count;
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		if (strcmp(pulse->beats[middle].program_id, program_id) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static struct beat *find(const struct pulse *pulse, const char *program_id)
{
	size_t at = place_of(pulse, program_id);
	bool is_there = at < pulse->count && strcmp(pulse->beats[at].program_id, program_id) == 0;
	return is_there ? &pulse->beats[at] : NULL;
}

static struct beat *insert(struct pulse *pulse, const char *program_id)
{
	size_t at = place_of(pulse, program_id);
	struct beat *beats = reallocarray(pulse->beats, pulse->count + 1, sizeof *beats);
	if (beats == NULL)
		abort();
	memmove(&beats[at + 1], &beats[at], (pulse->count - at) * sizeof *beats);
	beats[at] = (struct beat){ .head_seq = -1 };
	strncpy(beats[at].program_id, program_id, sizeof beats[at].program_id - 1);
	pulse->beats = beats;
	pulse->count++;
	return &beats[at];
}

static struct beat *have(struct pulse *pulse, const char *program_id)
{
	struct beat *beat = find(pulse, program_id);
	return beat != NULL ? beat : insert(pulse, program_id);
}

void pulse_note(struct pulse *pulse, const char *program_id, int64_t head_seq, int64_t now_us)
{
	pthread_mutex_lock(&pulse->lock);
	struct beat *beat = have(pulse, program_id);
	if (beat->head_seq != head_seq)
		beat->moved_us = now_us;
	beat->head_seq = head_seq;
	pthread_mutex_unlock(&pulse->lock);
}

void pulse_touch(struct pulse *pulse, const char *program_id, int64_t now_us)
{
	pthread_mutex_lock(&pulse->lock);
	have(pulse, program_id)->moved_us = now_us;
	pthread_mutex_unlock(&pulse->lock);
}

bool pulse_is_due(struct pulse *pulse, const char *program_id, size_t place, uint64_t pass,
	int64_t period_ms, int64_t now_us)
{
	const uint64_t turns = (uint64_t)(PULSE_REST_MS / period_ms);
	if (turns <= 1 || (pass + place) % turns == 0)
		return true;
	pthread_mutex_lock(&pulse->lock);
	const struct beat *beat = find(pulse, program_id);
	bool moves = beat == NULL || now_us - beat->moved_us < PULSE_REST_MS * INT64_C(1000);
	pthread_mutex_unlock(&pulse->lock);
	return moves;
}
