/* SPDX-License-Identifier: Apache-2.0 */
/* The password again, of somebody who is signed in: an attempt like any other. A stolen access
 * token is no way to guess the password behind it. */
#include "http/attempts.h"
#include "http/passwords.h"

static bool take_attempt(struct request *request, const char *email, struct problem *problem)
{
	struct db_batch batch = grant_batch(request, NULL);
	const struct db_call *attempt = attempt_add(&batch, request, email);

	batch.is_write = true;
	return db_run(request->app->db, &batch, problem) == DB_NONE &&
	       attempt_is_free(attempt, problem);
}

bool identity_prove_password(struct request *request, const char *email, const char *stored,
	const char *password, bool *ret_right, struct problem *problem)
{
	if (!take_attempt(request, email, problem))
		return false;
	enum password_verdict verdict = password_verify(stored, password, problem);
	*ret_right = verdict == PASSWORD_RIGHT || verdict == PASSWORD_RIGHT_REHASH;
	if (verdict != PASSWORD_WRONG)
		attempt_give_back(request, email);
	return verdict != PASSWORD_BUSY;
}
