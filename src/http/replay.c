/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The law of Idempotency-Key (architecture.md §3): a keyed command that fails for whatever reason
 * looks its key up before the failure is reported. The same request before: its answer again.
 * Another request: 422. Still running: 409. The answer is rendered from the event that the first
 * run published, so it is the same answer without being kept twice; a secret that was shown once is
 * null in it.
 */
#include <string.h>

#include "engines.h"

static const struct statement key_statement = {
	.name = "idempotency_find",
	.sql = "select k.fingerprint, e.data, e.resource_id, e.resource_version, e.resource_type "
	       "from idempotency_keys k join events e on e.program_id = k.program_id and e.id = "
	       "k.event_id "
	       "where k.program_id = $1 and k.principal_id = $2 and k.key = $3",
	.types = "uut",
};

static const struct rows *find_key(const struct request *request, struct problem *problem)
{
	struct db_batch batch = request_batch(request);
	struct db_call *call = db_add(&batch, &key_statement);
	call->params[0] = request->actor->program_id;
	call->params[1] = request->actor->id;
	call->params[2] = request->idempotency_key;
	return db_run(request->app->db, &batch, problem) == DB_NONE ? call->rows : NULL;
}

/* Members of the answer that the shape lacks were revealed once: they are null from now on. */
static void write_hidden(
	struct text *out, const struct operation *operation, const struct shape *shape)
{
	const char *name;
	for (size_t i = 0; operation->answer != NULL &&
			   (name = schema_property_name(operation->answer, i)) != NULL;
		i++) {
		bool in_shape = false;
		for (size_t c = 0; c < shape->column_count && !in_shape; c++) {
			const char *member = shape->columns[c].member;
			size_t length = strcspn(member, ".");
			in_shape = strlen(name) == length && memcmp(member, name, length) == 0;
		}
		if (!in_shape)
			text_appendf(out, ",\"%s\":null", name);
	}
}

static void replay(const struct endpoint *endpoint, struct request *request,
	struct response *response, const struct rows *rows)
{
	const struct shape *shape = bindings_shape(request->app->bindings, endpoint->resource);
	size_t length;
	const char *flat = rows_cell(rows, 0, 1, &length);
	answer_resource(request, response, shape, request->operation->success_status,
		rows_text(rows, "resource_id"), rows_text(rows, "resource_version"));
	response_header(response, "Idempotency-Replayed", "true");
	writer_flat(&response->body, request, shape, flat, length, false, true);
	write_hidden(&response->body, request->operation, shape);
	text_append_char(&response->body, '}');
}

bool replay_find(const struct endpoint *endpoint, struct request *request,
	struct response *response, struct problem *problem)
{
	if (request->idempotency_key == NULL || request->dry_run)
		return false;
	struct problem ignored = PROBLEM_INIT;
	const struct rows *rows = find_key(request, &ignored);
	if (rows == NULL || rows_count(rows) == 0)
		return false;
	if (strcmp(rows_text(rows, "fingerprint"), request->fingerprint) != 0) {
		*problem = (struct problem)PROBLEM_INIT;
		return problem_set(problem, PROBLEM_idempotency_key_reused,
			"This Idempotency-Key was used for another request. Use a new key for a "
			"new intent.");
	}
	*problem = (struct problem)PROBLEM_INIT;
	replay(endpoint, request, response, rows);
	return true;
}
