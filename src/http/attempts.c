/* SPDX-License-Identifier: Apache-2.0 */
/* The rule goes to the statement as data: C says how long to wait after how many failures,
 * PostgreSQL counts. */
#include "http/attempts.h"

#include "domain/lockout.h"
#include "http/identity.h"
#include "http/limits.h"

static json_t *delays_json(enum lockout lockout)
{
	json_t *delays = json_array();
	int64_t failures = lockout_free(lockout);
	int64_t delay_s;

	do {
		delay_s = lockout_delay_s(lockout, failures++);
		json_array_append_new(delays, json_integer(delay_s));
	} while (delay_s < LOCKOUT_LONGEST_S);
	return delays;
}

static json_t *plan_json(const struct settings *settings)
{
	json_t *plan = json_array();

	for (int i = 0; i < LOCKOUT_COUNT; i++) {
		enum lockout lockout = (enum lockout)i;
		if (lockout == LOCKOUT_address && !settings->lockout_by_address)
			continue;
		json_array_append_new(
			plan, json_pack("{s:s, s:I, s:I, s:o}", "lockout", lockout_text(lockout),
				      "free", (json_int_t)lockout_free(lockout), "forgive_s",
				      (json_int_t)lockout_forgive_s(lockout), "delays",
				      delays_json(lockout)));
	}
	return plan;
}

static struct db_call *add(struct db_batch *batch, const struct request *request,
	const char *statement, const char *email, bool is_success)
{
	struct db_call *call = grant_call(batch, statement);
	char address[64];

	limits_address_key(request->address, address);
	call->params[3] = grant_json(request,
		json_pack("{s:s, s:s, s:o, s:b}", "email", email, "address", address, "plan",
			plan_json(request->app->settings), "is_success", is_success));
	return call;
}

struct db_call *attempt_add(
	struct db_batch *batch, const struct request *request, const char *email)
{
	return add(batch, request, "auth_attempt", email, false);
}

bool attempt_is_free(const struct db_call *attempt, struct problem *problem)
{
	int64_t wait_s = rows_int(attempt->rows, "wait_s");

	if (wait_s == 0)
		return true;
	problem->retry_after_s = (int)wait_s;
	return problem_set(problem, PROBLEM_rate_limited,
		"Too many attempts have failed. Retry-After says when the next one is taken.");
}

void attempt_add_success(struct db_batch *batch, const struct request *request, const char *email)
{
	add(batch, request, "auth_attempt_back", email, true);
}

void attempt_give_back(struct request *request, const char *email)
{
	struct db_batch batch = grant_batch(request, NULL);
	struct problem ignored = PROBLEM_INIT;

	batch.is_write = true;
	add(&batch, request, "auth_attempt_back", email, false);
	db_run(request->app->db, &batch, &ignored);
}

void identity_forgive(struct request *request, const char *email)
{
	struct db_batch batch = grant_batch(request, NULL);
	struct problem ignored = PROBLEM_INIT;

	batch.is_write = true;
	attempt_add_success(&batch, request, email);
	db_run(request->app->db, &batch, &ignored);
}
