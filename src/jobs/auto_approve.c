/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Approves what a policy of the program approves by itself. It is the operation that people use,
 * called by the server for the program: what it decides and leaves behind is the same. Each
 * submission is looked at once; whatever stands in the way leaves it to people.
 */
#include <string.h>

#include "base/uuid.h"
#include "http/request.h"
#include "http/response.h"
#include "http/server.h"
#include "job.h"

#define BATCH 20

/* A refusal is an answer; a failure is not, and the deal stays due. */
static bool approve(const struct job_run *run, const char *deal_id, struct problem *problem)
{
	struct response response = { .body = TEXT_INIT };
	struct actor actor = { .is_system = true, .scopes = SCOPE_BIT(deals_approve) };
	struct request request = {
		.app = run->app,
		.arena = run->arena,
		.operation = contract_operation_by_id(run->app->contract, "approveDeal"),
		.actor = &actor,
		.path_ids = { deal_id },
		.if_match = "*",
	};
	uuid_v7(request.id);
	memcpy(actor.id, run->program_id, UUID_TEXT_BYTES);
	memcpy(actor.program_id, run->program_id, UUID_TEXT_BYTES);
	bool good = engine_run(&request, &response, problem);
	text_release(&response.body);
	return good || problem_status(problem->code) < 500;
}

static bool check_deal(
	const struct job_run *run, const struct rows *deals, size_t row, struct problem *problem)
{
	const char *id = rows_cell(deals, row, 0, NULL), *round = rows_cell(deals, row, 1, NULL);
	bool is_doubtful = rows_cell(deals, row, 2, NULL)[0] == 't';
	struct problem refusal = PROBLEM_INIT;
	if (!is_doubtful && !approve(run, id, &refusal)) {
		*problem = refusal;
		return false;
	}
	const char *checked =
		arena_printf(run->arena, "{\"id\":\"%s\",\"review_round\":%s}", id, round);
	return job_statement(run, "job_auto_checked", checked, NULL, problem) != NULL;
}

bool job_auto_approve(const struct job_run *run, struct problem *problem)
{
	for (int batches = 1;; batches++) {
		const char *batch = arena_printf(run->arena, "{\"batch\":%d}", BATCH);
		const struct rows *deals =
			job_statement(run, "job_auto_approve_facts", batch, NULL, problem);
		if (deals == NULL)
			return false;
		for (size_t i = 0; i < rows_count(deals) && !job_is_stopping(run); i++)
			if (!check_deal(run, deals, i, problem))
				return false;
		if (!job_goes_on(run, batches, (int64_t)rows_count(deals), BATCH))
			return true;
		arena_reset(run->arena);
	}
}
