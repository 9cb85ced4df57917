/* SPDX-License-Identifier: Apache-2.0 */
/* Goes on with what an erasure of a person could not do within its request: long histories, and
 * what the person was still doing at that moment. */
#include "base/uuid.h"
#include "job.h"

#define BATCH 1000

bool job_erase(const struct job_run *run, struct problem *problem)
{
	const int batch = job_batch(run, BATCH);
	for (int batches = 1;; batches++) {
		char entry_id[UUID_TEXT_BYTES];
		uuid_v7(entry_id);
		const char *decision = arena_printf(
			run->arena, "{\"entry_id\":\"%s\",\"batch\":%d}", entry_id, batch);
		const char *system = arena_printf(run->arena,
			"{\"actor_type\":\"system\",\"actor_id\":\"%s\"}", run->program_id);
		const struct rows *rows =
			job_statement(run, "job_erase", decision, system, problem);
		if (rows == NULL)
			return false;
		if (!job_goes_on(run, batches, rows_int(rows, "erased"), batch))
			return true;
		arena_reset(run->arena);
	}
}
