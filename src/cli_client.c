/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client create | list | rotate-secret | revoke: machine clients made by the operator, for the
 * first integration of a program that has nobody yet who could make one over the API. It leaves the
 * same event and audit entry behind, with the system as actor.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cli.h"
#include "cli_program.h"
#include "domain/access.h"
#include "domain/client.h"
#include "http/identity.h"
#include "http/secrets.h"

static const char usage[] =
	"usage: partnerd client list --program <slug>\n"
	"       partnerd client create --program <slug> --name <n> --scopes "
	"\"<scope> …\" [--partner <id or number>]\n"
	"                [--networks \"<network> …\"] [--expires-at <RFC 3339>]\n"
	"       partnerd client rotate-secret <client id> [--overlap <seconds>]\n"
	"       partnerd client revoke <client id>";

struct errand {
	struct db *db;
	struct arena *arena;
	const char *verb;
	const char *subject; /* rotate-secret, revoke: the client's id */
	const char *program; /* slug */
	const char *name;
	const char *scopes;
	const char *partner;
	const char *networks;
	const char *expires_at;
	const char *overlap;
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
	cli_print_rows(call->rows);
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
		(scopes & ~operator_scopes(side))) {
		char most[SCOPE_TEXT_BYTES];
		scope_set_format(operator_scopes(side), most);
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

/* null for everywhere; NULL and the problem set when one is no network. */
static json_t *networks_json(const struct errand *op, struct problem *problem)
{
	struct network networks[CLIENT_MAX_NETWORKS];
	char text[NETWORK_TEXT_BYTES];
	size_t count = 0;

	if (!op->networks)
		return json_null();
	bool good = networks_parse(op->networks, networks, CLIENT_MAX_NETWORKS, &count);
	json_t *list_of = json_array();
	for (size_t i = 0; good && i < count; i++) {
		good = network_trim(&networks[i]);
		network_format(&networks[i], text);
		json_array_append_new(list_of, json_string(text));
	}
	if (good && count > 0)
		return list_of;
	json_decref(list_of);
	problem_set(problem, PROBLEM_validation_failed,
		"--networks takes up to %d networks such as 192.0.2.0/24, separated by spaces.",
		CLIENT_MAX_NETWORKS);
	return NULL;
}

static bool expiry_is_good(const struct errand *op, struct problem *problem)
{
	int64_t expires_at_us;

	return !op->expires_at ||
	       time_parse(op->expires_at, strlen(op->expires_at), &expires_at_us) ||
	       problem_set(problem, PROBLEM_validation_failed,
		       "--expires-at takes a time such as 2027-01-01T00:00:00Z.");
}

/* What the statements that make a secret want to know of it. Takes the reference of `decision`. */
static json_t *with_secret(const struct errand *op, json_t *decision, const char *secret)
{
	char secret_id[UUID_TEXT_BYTES];

	uuid_v7(secret_id);
	json_object_set_new(decision, "secret_id", json_string(secret_id));
	json_object_set_new(decision, "secret_hash", json_string(secret_hash(secret, op->arena)));
	json_object_set_new(decision, "secret_hint", json_string(secret_hint(secret)));
	return decision;
}

static bool insert(struct errand *op, const char *id, const char *partner_id, const char *secret,
	struct problem *problem)
{
	struct db_batch batch = behind_walls(op, true);
	char event_id[UUID_TEXT_BYTES];

	uuid_v7(event_id);
	json_t *scopes = scopes_json(op, problem);
	json_t *networks = scopes ? networks_json(op, problem) : NULL;
	if (!networks || !expiry_is_good(op, problem)) {
		json_decref(scopes);
		json_decref(networks);
		return false;
	}
	json_t *fields = json_pack("{s:s, s:s, s:s?, s:o, s:o, s:s?}", "event_id", event_id,
		"event", "api_client.created", "partner_id", partner_id, "scopes", scopes,
		"allowed_networks", networks, "expires_at", op->expires_at);
	const char *decision = dump(op->arena, with_secret(op, fields, secret));
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

/* ---- one client ---- */

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

/* Takes the reference of `fields`: what the statement wants to know beyond event and version. */
static bool change_row(struct errand *op, const struct rows *row, const char *statement,
	const char *event, json_t *fields, struct problem *problem)
{
	struct db_batch batch = behind_walls(op, true);
	char event_id[UUID_TEXT_BYTES];

	uuid_v7(event_id);
	json_object_set_new(fields, "event_id", json_string(event_id));
	json_object_set_new(fields, "event", json_string(event));
	json_object_set_new(fields, "expected_version", json_integer(rows_int(row, "version")));
	const char *decision = dump(op->arena, fields);
	add(&batch, statement, op->subject)->params[4] = decision;
	add_publish(&batch, op->subject, decision, rows_text(row, "before"));
	return db_run(op->db, &batch, problem) == DB_NONE;
}

static const struct rows *read_client(struct errand *op, struct problem *problem)
{
	if (!find_client(op, problem))
		return NULL;
	struct db_batch batch = behind_walls(op, false);
	const struct db_call *call = add(&batch, "operator_client_row", op->subject);
	return db_run(op->db, &batch, problem) == DB_NONE ? call->rows : NULL;
}

#define MAX_OVERLAP_S     (30 * 86400)
#define DEFAULT_OVERLAP_S "86400"

static bool overlap_is_good(const char *text, int64_t *ret_overlap_s)
{
	size_t length = strspn(text, "0123456789");

	if (length == 0 || length > 8 || text[length] != '\0')
		return false;
	*ret_overlap_s = strtoll(text, NULL, 10);
	return *ret_overlap_s <= MAX_OVERLAP_S;
}

/* With no overlap the tokens had so far are cut, too. */
static bool rotate_row(struct errand *op, const struct rows *row, int64_t overlap_s,
	const char *secret, struct problem *problem)
{
	char grant_id[UUID_TEXT_BYTES];
	json_t *fields = json_pack("{s:I, s:{}}", "overlap_s", (json_int_t)overlap_s, "set");

	uuid_v7(grant_id);
	if (overlap_s == 0) {
		json_object_set_new(
			json_object_get(fields, "set"), "grant_id", json_string(grant_id));
		json_object_set_new(
			fields, "cut_grant_id", json_string(rows_text(row, "grant_id")));
	}
	return change_row(op, row, "api_client_rotate", "api_client.secret_rotated",
		with_secret(op, fields, secret), problem);
}

static int rotate_secret(struct errand *op)
{
	struct problem problem = PROBLEM_INIT;
	int64_t overlap_s;

	if (!op->subject ||
		!overlap_is_good(op->overlap ? op->overlap : DEFAULT_OVERLAP_S, &overlap_s))
		return cli_fail("%s", usage);
	const struct rows *row = read_client(op, &problem);
	if (!row)
		return report(&problem);
	if (strcmp(rows_text(row, "status"), "revoked") == 0)
		return cli_fail("The client is revoked.");
	if (!client_may_rotate(rows_int(row, "live_secrets"), overlap_s))
		return cli_fail("%d secrets are good at present; rotate with --overlap 0.",
			CLIENT_MAX_SECRETS);
	const char *secret = secret_make(SECRET_PREFIX_CLIENT, op->arena);
	if (!rotate_row(op, row, overlap_s, secret, &problem))
		return report(&problem);
	printf("client_id=%s\nclient_secret=%s\n", op->subject, secret);
	return 0;
}

static int revoke(struct errand *op)
{
	struct problem problem = PROBLEM_INIT;

	if (!op->subject)
		return cli_fail("%s", usage);
	const struct rows *row = read_client(op, &problem);
	if (!row)
		return report(&problem);
	/* Revoked before: what was asked for is so. */
	bool is_done = strcmp(rows_text(row, "status"), "revoked") == 0;
	if (!is_done && !change_row(op, row, "api_client_revoke", "api_client.revoked",
				json_object(), &problem))
		return report(&problem);
	printf("revoked=%s\n", op->subject);
	return 0;
}

int cli_client(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(struct errand *op);
	} verbs[] = { { "list", list }, { "create", create }, { "rotate-secret", rotate_secret },
		{ "revoke", revoke } };
	const size_t count = sizeof verbs / sizeof verbs[0];
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
	op.networks = cli_option(&argc, argv, "--networks");
	op.expires_at = cli_option(&argc, argv, "--expires-at");
	op.overlap = cli_option(&argc, argv, "--overlap");
	size_t verb = 0;
	while (verb < count && (!op.verb || strcmp(verbs[verb].name, op.verb) != 0))
		verb++;
	if (verb == count)
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
