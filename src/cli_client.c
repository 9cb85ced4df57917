/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client create | list | revoke: machine clients made by the operator, for the first integration of
 * a program that has nobody yet who could make one over the API. It leaves the same event and audit
 * entry behind, with the system as actor.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "cli_program.h"
#include "domain/access.h"
#include "http/identity.h"
#include "http/secrets.h"

static const char usage[] = "usage: partnerd client list --program <slug>\n"
			    "       partnerd client create --program <slug> --name <n> --scopes "
			    "\"<scope> …\" [--partner <id or number>]\n"
			    "       partnerd client revoke <client id>";

struct errand {
	struct db *db;
	struct arena *arena;
	const char *verb;
	const char *subject; /* revoke: the client's id */
	const char *program; /* slug */
	const char *name;
	const char *scopes;
	const char *partner;
	const char *program_id;
};

static int report(const struct problem *problem)
{
	return cli_fail("%s%s%s",
		problem->detail[0] ? problem->detail : problem_title(problem->code),
		problem->cause[0] ? ": " : "", problem->cause);
}

static const char *dump(struct arena *arena, json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);

	json_decref(value);
	arena_defer(arena, free, text);
	return text;
}

static struct db_batch behind_walls(const struct errand *op, bool is_write)
{
	return (struct db_batch){
		.arena = op->arena,
		.door = DOOR_PROGRAM,
		.program_id = op->program_id,
		.is_write = is_write,
	};
}

static struct db_call *add(struct db_batch *batch, const char *statement, const char *id)
{
	struct db_call *call = db_add(batch, statement_find(statement));

	call->params[0] = batch->program_id;
	call->params[2] = id;
	return call;
}

/* The event and the audit entry; `decision` is what the write got. */
static void add_publish(
	struct db_batch *batch, const char *id, const char *decision, const char *before)
{
	struct db_call *call = add(batch, "operator_client_publish", id);

	call->params[4] = decision;
	call->params[5] = dump(batch->arena,
		json_pack("{s:s, s:s}", "actor_type", "system", "actor_id", batch->program_id));
	call->params[6] = before;
}

static bool find_program(struct errand *op, struct problem *problem)
{
	const struct rows *rows = program_find(op->db, op->arena, op->program, problem);

	if (!rows)
		return false;
	if (rows_count(rows) == 0)
		return problem_set(
			problem, PROBLEM_not_found, "There is no program '%s'.", op->program);
	op->program_id = rows_text(rows, "id");
	return true;
}

/* ---- list ---- */

static int list(struct errand *op)
{
	struct problem problem = PROBLEM_INIT;

	if (!op->program)
		return cli_fail("%s", usage);
	if (!find_program(op, &problem))
		return report(&problem);
	struct db_batch batch = behind_walls(op, false);
	const struct db_call *call = add(&batch, "operator_client_list", NULL);
	if (db_run(op->db, &batch, &problem) != DB_NONE)
		return report(&problem);
	for (size_t row = 0; row < rows_count(call->rows); row++) {
		for (size_t column = 0; column < rows_columns(call->rows); column++) {
			const char *cell = rows_cell(call->rows, row, column, NULL);
			printf("%s%s", column > 0 ? "\t" : "", cell ? cell : "");
		}
		putchar('\n');
	}
	return 0;
}

/* ---- create ---- */

static bool find_partner(struct errand *op, const char **ret_id, struct problem *problem)
{
	*ret_id = NULL;
	if (!op->partner)
		return true;
	struct db_batch batch = behind_walls(op, false);
	struct db_call *call = add(&batch, "operator_partner", NULL);
	call->params[3] = dump(op->arena, json_pack("{s:s}", "partner", op->partner));
	if (db_run(op->db, &batch, problem) != DB_NONE)
		return false;
	if (rows_count(call->rows) != 1 ||
		strcmp(rows_text(call->rows, "status"), "terminated") == 0)
		return problem_set(problem, PROBLEM_not_found,
			"There is no partner '%s', or it is terminated.", op->partner);
	*ret_id = rows_text(call->rows, "id");
	return true;
}

static json_t *scopes_json(const struct errand *op, struct problem *problem)
{
	enum side side = op->partner ? SIDE_PARTNER : SIDE_VENDOR;
	scope_set scopes;

	if (!scope_set_parse(op->scopes, &scopes) || scopes == 0 ||
		(scopes & ~client_scopes(side))) {
		char most[SCOPE_TEXT_BYTES];
		scope_set_format(client_scopes(side), most);
		problem_set(problem, PROBLEM_validation_failed,
			"Such a client may have of these: %s", most);
		return NULL;
	}
	json_t *list_of = json_array();
	for (int scope = 0; scope < SCOPE_COUNT; scope++)
		if (scopes & UINT64_C(1) << scope)
			json_array_append_new(list_of, json_string(scope_text((enum scope)scope)));
	return list_of;
}

static bool insert(struct errand *op, const char *id, const char *partner_id, const char *secret,
	struct problem *problem)
{
	struct db_batch batch = behind_walls(op, true);
	char event_id[UUID_TEXT_BYTES];

	uuid_v7(event_id);
	json_t *scopes = scopes_json(op, problem);
	if (!scopes)
		return false;
	const char *decision = dump(
		op->arena, json_pack("{s:s, s:s, s:s?, s:o, s:s}", "event_id", event_id, "event",
				   "api_client.created", "partner_id", partner_id, "scopes", scopes,
				   "secret_hash", secret_hash(secret, op->arena)));
	struct db_call *call = add(&batch, "api_client_create", id);
	call->params[3] = dump(op->arena, json_pack("{s:s}", "name", op->name));
	call->params[4] = decision;
	add_publish(&batch, id, decision, NULL);
	return db_run(op->db, &batch, problem) == DB_NONE;
}

static int create(struct errand *op)
{
	struct problem problem = PROBLEM_INIT;
	const char *partner_id;
	char id[UUID_TEXT_BYTES];

	if (!op->program || !op->name || !op->scopes)
		return cli_fail("%s", usage);
	uuid_v7(id);
	const char *secret = secret_make(SECRET_PREFIX_CLIENT, op->arena);
	if (!find_program(op, &problem) || !find_partner(op, &partner_id, &problem) ||
		!insert(op, id, partner_id, secret, &problem))
		return report(&problem);
	printf("client_id=%s\nclient_secret=%s\n", id, secret);
	return 0;
}

/* ---- revoke ---- */

static bool find_client(struct errand *op, struct problem *problem)
{
	struct db_batch batch = { .arena = op->arena, .door = DOOR_IDENTITY };
	const struct db_call *call = add(&batch, "auth_client_find", op->subject);

	if (!uuid_is_valid(op->subject, strlen(op->subject)))
		return problem_set(
			problem, PROBLEM_not_found, "'%s' is no client id.", op->subject);
	if (db_run(op->db, &batch, problem) != DB_NONE)
		return false;
	if (rows_count(call->rows) == 0)
		return problem_set(
			problem, PROBLEM_not_found, "There is no client '%s'.", op->subject);
	op->program_id = rows_text(call->rows, "program_id");
	return true;
}

static bool revoke_row(struct errand *op, const struct rows *row, struct problem *problem)
{
	struct db_batch batch = behind_walls(op, true);
	char event_id[UUID_TEXT_BYTES];

	uuid_v7(event_id);
	const char *decision = dump(op->arena,
		json_pack("{s:s, s:s, s:I}", "event_id", event_id, "event", "api_client.revoked",
			"expected_version", (json_int_t)rows_int(row, "version")));
	add(&batch, "api_client_revoke", op->subject)->params[4] = decision;
	add_publish(&batch, op->subject, decision, rows_text(row, "before"));
	return db_run(op->db, &batch, problem) == DB_NONE;
}

static int revoke(struct errand *op)
{
	struct problem problem = PROBLEM_INIT;

	if (!op->subject)
		return cli_fail("%s", usage);
	if (!find_client(op, &problem))
		return report(&problem);
	struct db_batch batch = behind_walls(op, false);
	const struct db_call *call = add(&batch, "operator_client_row", op->subject);
	if (db_run(op->db, &batch, &problem) != DB_NONE)
		return report(&problem);
	/* Revoked before: what was asked for is so. */
	bool is_done = strcmp(rows_text(call->rows, "status"), "revoked") == 0;
	if (!is_done && !revoke_row(op, call->rows, &problem))
		return report(&problem);
	printf("revoked=%s\n", op->subject);
	return 0;
}

int cli_client(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(struct errand *op);
	} verbs[] = { { "list", list }, { "create", create }, { "revoke", revoke } };
	struct errand op = { .verb = cli_word(&argc, argv) };
	struct settings settings;
	int status = 1;

	if (cli_helps(argc, argv, usage))
		return 0;
	op.subject = cli_word(&argc, argv);
	op.program = cli_option(&argc, argv, "--program");
	op.name = cli_option(&argc, argv, "--name");
	op.scopes = cli_option(&argc, argv, "--scopes");
	op.partner = cli_option(&argc, argv, "--partner");
	size_t verb = 0;
	while (verb < 3 && (!op.verb || strcmp(verbs[verb].name, op.verb) != 0))
		verb++;
	if (verb == 3)
		return cli_fail("%s", usage);
	if (!cli_settings(argc, argv, &settings, &status))
		return status;
	op.db = db_open(&settings);
	op.arena = arena_new();
	status = verbs[verb].run(&op);
	arena_free(op.arena);
	db_close(op.db);
	return status;
}
