/* SPDX-License-Identifier: Apache-2.0 */
/* What the calendar does to deals, in batches: stores and announces that their protection has
 * ended, and tells beforehand; tells that a review is overdue. */
#include "base/text.h"
#include "base/uuid.h"
#include "job.h"

#define BATCH 100

static const char *event_ids(struct arena *arena, int count)
{
	struct text text = TEXT_INIT;
	for (int i = 0; i < count; i++) {
		char id[UUID_TEXT_BYTES];
		uuid_v7(id);
		text_appendf(&text, "%s\"%s\"", i == 0 ? "{\"event_ids\":[" : ",", id);
	}
	text_append_string(&text, "]}");
	const char *json = arena_strndup(arena, text.bytes, text.length);
	text_release(&text);
	return json;
}

static bool run_batches(const struct job_run *run, const char *statement, const char *counter,
	struct problem *problem)
{
	const int batch = job_batch(run, BATCH);
	for (int batches = 1;; batches++) {
		const char *system = arena_printf(run->arena,
			"{\"actor_type\":\"system\",\"actor_id\":\"%s\"}", run->program_id);
		const struct rows *rows = job_statement(
			run, statement, event_ids(run->arena, batch), system, problem);
		if (rows == NULL)
			return false;
		if (!job_goes_on(run, batches, rows_int(rows, counter), batch))
			return true;
		arena_reset(run->arena);
	}
}

bool job_expire(const struct job_run *run, struct problem *problem)
{
	return run_batches(run, "job_expire", "expired", problem);
}

bool job_remind(const struct job_run *run, struct problem *problem)
{
	return run_batches(run, "job_remind", "reminded", problem);
}
