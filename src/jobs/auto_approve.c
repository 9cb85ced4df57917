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

static bool check_deal(const struct job_run *run, const struct rows *deals, size_t row,
	size_t count, struct problem *problem)
{
	const char *id = rows_cell(deals, row, 0, NULL), *round = rows_cell(deals, row, 1, NULL);
	bool is_doubtful = rows_cell(deals, row, 2, NULL)[0] == 't';
	struct problem refusal = PROBLEM_INIT;
	(void)count;
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
	static const struct job_queue queue = { .name = "auto_approve",
		.due = "job_auto_approve_due",
		.batch = BATCH,
		.at_once = 1,
		.run = check_deal };
	return job_work(run, &queue, problem);
}
