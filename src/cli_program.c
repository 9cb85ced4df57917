/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program create | list: what an operator does with programs from the command line.
 * What the contract would refuse is refused here too, one sentence at a time; a new option is a
 * member of struct new_program, a line in read_options and a check in options_fault.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/money.h"
#include "cli.h"
#include "cli_program.h"
#include "contract/formats.h"
#include "http/identity.h"
#include "http/secrets.h"

#define SLUG_MAX        63
#define NAME_MAX_POINTS 200
#define EMAIL_MAX_BYTES 254
#define DEFAULT_TIERS   "registered_preferred_strategic"

static const char program_usage[] =
	"usage: partnerd program list\n"
	"       partnerd program create --slug <s> --name <n> --admin-email <e> "
	"[--admin-password <p>]\n"
	"                [--environment live|test] [--zone <z>] [--currency <c>] [--admin-name "
	"<n>]\n"
	"                [--tiers registered_preferred_strategic|bronze_silver_gold|none]\n"
	"The password may be in PARTNERD_ADMIN_PASSWORD instead, where no process list shows it; "
	"without one\n"
	"it is generated and printed.";

static struct db_batch program_batch(struct arena *arena, const char *program_id)
{
	return (struct db_batch){
		.arena = arena,
		.door = program_id != NULL ? DOOR_PROGRAM : DOOR_IDENTITY,
		.program_id = program_id,
		.is_write = program_id != NULL,
	};
}

static const char *dump(struct arena *arena, json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT);
	json_decref(value);
	arena_defer(arena, free, text);
	return text;
}

static const char *new_id(struct arena *arena)
{
	char id[UUID_TEXT_BYTES];
	uuid_v7(id);
	return arena_strdup(arena, id);
}

const struct rows *program_find(
	struct db *db, struct arena *arena, const char *slug, struct problem *problem)
{
	struct db_batch batch = program_batch(arena, NULL);
	struct db_call *call = db_add(&batch, statement_find("program_by_slug"));
	call->params[3] = dump(arena, json_pack("{s:s}", "slug", slug));
	return db_run(db, &batch, problem) == DB_NONE ? call->rows : NULL;
}

bool program_create(struct db *db, struct arena *arena, const struct new_program *program,
	struct program_ids *ret_ids, struct problem *problem)
{
	const char *hash = password_hash(program->admin_password, arena, problem);
	if (hash == NULL)
		return false;
	struct program_ids ids = { new_id(arena), new_id(arena),
		{ new_id(arena), new_id(arena), new_id(arena) } };
	struct db_batch batch = program_batch(arena, ids.program);
	struct db_call *call = db_add(&batch, statement_find("program_create"));
	call->params[0] = ids.program;
	call->params[2] = ids.admin;
	call->params[3] = dump(arena,
		json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "slug", program->slug, "name",
			program->name, "environment", program->environment, "zone", program->zone,
			"currency", program->currency, "admin_email", program->admin_email,
			"admin_name", program->admin_name, "tiers", program->tiers));
	call->params[4] = dump(
		arena, json_pack("{s:[s, s, s], s:s, s:s}", "tier_ids", ids.tiers[0], ids.tiers[1],
			       ids.tiers[2], "password_hash", hash, "audit_id", new_id(arena)));
	call->params[5] = dump(
		arena, json_pack("{s:s, s:s}", "actor_type", "system", "actor_id", ids.program));
	*ret_ids = ids;
	return db_run(db, &batch, problem) == DB_NONE;
}

int program_report(const struct problem *problem)
{
	return cli_fail("%s%s%s",
		problem->detail[0] != '\0' ? problem->detail : problem_title(problem->code),
		problem->cause[0] != '\0' ? ": " : "", problem->cause);
}

/* ---- create ---- */

static bool slug_is_good(const char *slug)
{
	size_t length = strlen(slug);
	return length >= 1 && length <= SLUG_MAX && slug[0] != '-' &&
	       strspn(slug, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

/* UTF-8 of so many characters without control characters. */
static bool text_is_good(const char *text, size_t least, size_t most)
{
	size_t length = strlen(text);
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	return utf8_is_valid(text, length) && utf8_length(text, length) >= least &&
	       utf8_length(text, length) <= most;
}

static bool name_is_good(const char *name)
{
	return text_is_good(name, 1, NAME_MAX_POINTS) && name[strspn(name, " ")] != '\0';
}

static bool email_is_good(const char *email)
{
	size_t length = strlen(email);
	return length <= EMAIL_MAX_BYTES && format_find("email")->is_valid(email, length);
}

static bool tiers_are_known(const char *tiers)
{
	return strcmp(tiers, DEFAULT_TIERS) == 0 || strcmp(tiers, "bronze_silver_gold") == 0 ||
	       strcmp(tiers, "none") == 0;
}

/* The first thing that is wrong, or NULL. A password there is none of yet will be generated. */
static const char *options_fault(const struct new_program *program)
{
	if (!slug_is_good(program->slug))
		return "--slug: 1 to 63 lower-case letters, digits and hyphens, no hyphen first";
	if (!name_is_good(program->name))
		return "--name: 1 to 200 characters, not only blanks";
	if (strcmp(program->environment, "live") != 0 && strcmp(program->environment, "test") != 0)
		return "--environment: live or test";
	if (!currency_exponent(program->currency, NULL))
		return "--currency: a currency of ISO 4217, as EUR";
	if (!email_is_good(program->admin_email))
		return "--admin-email: an e-mail address";
	if (!name_is_good(program->admin_name))
		return "--admin-name: 1 to 200 characters, not only blanks";
	if (!tiers_are_known(program->tiers))
		return "--tiers: registered_preferred_strategic, bronze_silver_gold or none";
	if (program->admin_password != NULL && !text_is_good(program->admin_password, 1, SIZE_MAX))
		return "the admin's password: UTF-8 without control characters";
	return NULL;
}

static bool zone_is_known(
	struct db *db, struct arena *arena, const char *zone, struct problem *problem)
{
	struct db_batch batch = program_batch(arena, NULL);
	struct db_call *call = db_add(&batch, statement_find("program_zone"));
	call->params[3] = dump(arena, json_pack("{s:s}", "zone", zone));
	if (db_run(db, &batch, problem) != DB_NONE)
		return false;
	return rows_bool(call->rows, "zone_is_known") ||
	       problem_set(problem, PROBLEM_validation_failed,
		       "--zone: an IANA time zone that PostgreSQL knows, as Europe/Berlin");
}

/* The rule for everybody's password, for the operator's hand, too. */
static bool password_is_fit(const struct new_program *program, struct problem *problem)
{
	const char *objection = password_objection(
		program->admin_password, program->admin_email, program->name, program->slug);

	return objection == NULL || problem_set(problem, PROBLEM_validation_failed,
					    "the admin's password: %s", objection);
}

static int create(struct db *db, struct arena *arena, struct new_program *program)
{
	struct problem problem = PROBLEM_INIT;
	struct program_ids ids;
	bool is_generated = program->admin_password == NULL;
	if (is_generated)
		program->admin_password = secret_make("", arena);
	if (!password_is_fit(program, &problem) ||
		!zone_is_known(db, arena, program->zone, &problem) ||
		!program_create(db, arena, program, &ids, &problem))
		return program_report(&problem);
	printf("program_id=%s\n", ids.program);
	if (is_generated)
		printf("admin_password=%s\n", program->admin_password);
	return 0;
}

/* ---- list ---- */

const struct rows *program_rows(struct db *db, struct arena *arena, struct problem *problem)
{
	struct db_batch batch = program_batch(arena, NULL);
	const struct db_call *call = db_add(&batch, statement_find("program_list"));
	return db_run(db, &batch, problem) == DB_NONE ? call->rows : NULL;
}

static int list(struct db *db, struct arena *arena)
{
	struct problem problem = PROBLEM_INIT;
	const struct rows *programs = program_rows(db, arena, &problem);
	if (programs == NULL)
		return program_report(&problem);
	cli_print_rows(programs);
	return 0;
}

static const char *option_or(int *argc, char **argv, const char *name, const char *otherwise)
{
	const char *value = cli_option(argc, argv, name);
	return value != NULL ? value : otherwise;
}

static struct new_program read_options(int *argc, char **argv)
{
	const char *password = cli_option(argc, argv, "--admin-password");
	const char *inherited = getenv("PARTNERD_ADMIN_PASSWORD"); // NOLINT(concurrency-mt-unsafe)
	if (password == NULL && inherited != NULL && inherited[0] != '\0')
		password = inherited;
	return (struct new_program){
		.slug = cli_option(argc, argv, "--slug"),
		.name = cli_option(argc, argv, "--name"),
		.environment = option_or(argc, argv, "--environment", "live"),
		.zone = option_or(argc, argv, "--zone", "UTC"),
		.currency = option_or(argc, argv, "--currency", "EUR"),
		.admin_email = cli_option(argc, argv, "--admin-email"),
		.admin_name = option_or(argc, argv, "--admin-name", "Administrator"),
		.tiers = option_or(argc, argv, "--tiers", DEFAULT_TIERS),
		.admin_password = password,
	};
}

int cli_program(int argc, char **argv)
{
	if (cli_helps(argc, argv, program_usage))
		return 0;
	const char *verb = cli_word(&argc, argv);
	struct new_program program = read_options(&argc, argv);
	struct settings settings;
	int status;
	bool creates = verb != NULL && strcmp(verb, "create") == 0;
	if (!creates && (verb == NULL || strcmp(verb, "list") != 0))
		return cli_fail("%s", program_usage);
	if (creates &&
		(program.slug == NULL || program.name == NULL || program.admin_email == NULL))
		return cli_fail("--slug, --name and --admin-email are required");
	const char *fault = creates ? options_fault(&program) : NULL;
	if (fault != NULL)
		return cli_fail("%s", fault);
	if (!cli_settings(argc, argv, &settings, &status))
		return status;
	struct text error = TEXT_INIT;
	if (creates && !common_passwords_load(&settings, &error))
		return cli_fail("%s", error.bytes);
	passwords_configure(&settings);
	struct db *db = db_open(&settings);
	struct arena *arena = arena_new();
	status = creates ? create(db, arena, &program) : list(db, arena);
	arena_free(arena);
	db_close(db);
	common_passwords_free();
	return status;
}
