/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seed: tells the story of sql/seeds/demo.json through the same engine that serves requests, so
 * that every deal of the demo went through the rules, with its events, decisions and audit entries.
 * The sandbox's clock is moved to each step's day and let go at the end. Prints NAME='value' lines
 * for the shell; a program that is there already is left alone.
 *
 * An entry of the story: actor, operation, on (the thing it acts on) or ref (the name it gives to
 * what it makes), body ("@name" stands for an id), prints (variable → member of the answer). Who is
 * invited accepts at once; `password` is the variable that the password is printed as.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/embed.h"
#include "cli.h"
#include "cli_program.h"
#include "contract/contract.h"
#include "http/secrets.h"
#include "http/server.h"

#define DAY_US (86400 * CLOCK_SECOND_US)

struct teller {
	struct app *app;
	struct arena *arena; /* of one entry */
	const char *program_id;
	json_t *ids;    /* name → id */
	json_t *actors; /* name → the answer that made it */
	int64_t now_us;
};

static void print_variable(const char *name, const char *value)
{
	printf("%s='", name);
	for (const char *at = value; *at != '\0'; at++)
		fputs(*at == '\'' ? "'\\''" : (char[]){ *at, '\0' }, stdout);
	puts("'");
}

/* The principal as its token would show it. */
static struct actor actor_of(const struct teller *teller, const char *name)
{
	struct actor actor = { .is_user = true };
	const json_t *made = json_object_get(teller->actors, name);
	const char *role = json_string_value(json_object_get(made, "role"));
	const char *partner = json_string_value(json_object_get(made, "partner_id"));
	snprintf(actor.program_id, sizeof actor.program_id, "%s", teller->program_id);
	snprintf(actor.id, sizeof actor.id, "%s", json_string_value(json_object_get(made, "id")));
	snprintf(actor.partner_id, sizeof actor.partner_id, "%s", partner != NULL ? partner : "");
	if (role != NULL && role_parse(role, &actor.role)) {
		actor.scopes = role_scopes(actor.role);
		return actor;
	}
	actor.is_user = false;
	actor.scopes = client_scopes(SIDE_PARTNER);
	snprintf(actor.client_id, sizeof actor.client_id, "%s", actor.id);
	return actor;
}

/* What "@name" stands for, at any depth; every other value as it is. A new reference. */
static json_t *with_ids(const struct teller *teller, const json_t *value)
{
	const char *text = json_string_value(value);
	if (text != NULL && text[0] == '@')
		return json_incref(json_object_get(teller->ids, text + 1));
	json_t *copy = json_copy((json_t *)value);
	for (size_t i = 0; i < json_array_size(copy); i++)
		json_array_set_new(copy, i, with_ids(teller, json_array_get(value, i)));
	const char *name;
	json_t *member;
	json_object_foreach ((json_t *)value, name, member)
		json_object_set_new(copy, name, with_ids(teller, member));
	return copy;
}

/* A copy of the body with "@name" replaced by ids, and a close date counted from the step's day. */
static json_t *body_of(const struct teller *teller, const json_t *entry)
{
	const json_t *given = json_object_get(entry, "body");
	json_t *body = given != NULL ? with_ids(teller, given) : json_object();
	json_int_t days = json_integer_value(json_object_get(entry, "close_in_days"));
	if (days > 0) {
		char time[TIME_TEXT_BYTES];
		time_format(teller->now_us + days * DAY_US, time);
		json_object_set_new(body, "expected_close_on", json_stringn(time, 10));
	}
	return body;
}

static bool set_clock(const struct teller *teller, const char *now, struct problem *problem)
{
	struct db_batch batch = { .arena = teller->arena,
		.door = DOOR_PROGRAM,
		.program_id = teller->program_id,
		.is_write = true };
	struct db_call *call = db_add(&batch, statement_find("seed_clock"));
	call->params[0] = teller->program_id;
	call->params[3] = arena_printf(teller->arena, "{\"now\":%s}", now);
	return db_run(teller->app->db, &batch, problem) == DB_NONE;
}

/* Keeps what the entry made under its name, and prints what the shell wants to know. */
static void remember(struct teller *teller, const json_t *entry, json_t *answer)
{
	const char *ref = json_string_value(json_object_get(entry, "ref")), *name;
	json_t *member;
	if (ref != NULL) {
		json_object_set(teller->ids, ref, json_object_get(answer, "id"));
		json_object_set(teller->actors, ref, answer);
	}
	json_object_foreach (json_object_get(entry, "prints"), name, member) {
		print_variable(name,
			json_string_value(json_object_get(answer, json_string_value(member))));
	}
}

static void decref(void *value)
{
	json_decref(value);
}

static const struct operation *operation_of(const struct teller *teller, const char *name)
{
	return contract_operation_by_id(teller->app->contract, name);
}

/* Checks the body as the gate would, and runs the operation. NULL when it was refused. */
static json_t *run_request(
	const struct teller *teller, struct request *request, struct problem *problem)
{
	struct response response = { .body = TEXT_INIT };
	const struct operation *operation = request->operation;
	json_t *answer = NULL;
	uuid_v7(request->id);
	if (operation == NULL) {
		problem_set(problem, PROBLEM_internal,
			"the story names an operation that does not exist");
		return NULL;
	}
	if (operation->body != NULL && !schema_validate(operation->body, operation->answer,
					       request->body, request->arena, problem))
		return NULL;
	if (engine_run(request, &response, problem))
		answer = json_loadb(response.body.bytes, response.body.length, 0, NULL);
	text_release(&response.body);
	arena_defer(teller->arena, decref, answer);
	return answer;
}

/* The invited person chooses a password. */
static bool accept_invitation(const struct teller *teller, const json_t *entry, const json_t *made,
	struct problem *problem)
{
	const char *token = json_string_value(json_object_get(made, "invitation_token"));
	const char *variable = json_string_value(json_object_get(entry, "password"));
	const char *password = secret_make("", teller->arena);
	if (token == NULL)
		return true;
	struct request request = {
		.app = teller->app,
		.arena = teller->arena,
		.address = "127.0.0.1",
		.operation = operation_of(teller, "acceptInvitation"),
		.body = json_pack("{s:s, s:s}", "token", token, "password", password),
	};
	arena_defer(teller->arena, decref, request.body);
	if (run_request(teller, &request, problem) == NULL)
		return false;
	if (variable != NULL)
		print_variable(variable, password);
	return true;
}

static bool tell_entry(struct teller *teller, const json_t *entry, struct problem *problem)
{
	char now[TIME_TEXT_BYTES];
	const char *on = json_string_value(json_object_get(entry, "on"));
	struct actor actor = actor_of(teller, json_string_value(json_object_get(entry, "actor")));
	teller->now_us =
		clock_now_us() -
		(int64_t)(json_number_value(json_object_get(entry, "days_ago")) * (double)DAY_US);
	time_format(teller->now_us, now);
	struct request request = {
		.app = teller->app,
		.arena = teller->arena,
		.actor = &actor,
		.address = "127.0.0.1",
		.if_match = "*",
		.operation = operation_of(
			teller, json_string_value(json_object_get(entry, "operation"))),
		.body = body_of(teller, entry),
	};
	arena_defer(teller->arena, decref, request.body);
	if (on != NULL)
		request.path_ids[0] = json_string_value(json_object_get(teller->ids, on));
	if (!set_clock(teller, arena_printf(teller->arena, "\"%s\"", now), problem))
		return false;
	json_t *answer = run_request(teller, &request, problem);
	if (answer == NULL)
		return false;
	remember(teller, entry, answer);
	return accept_invitation(teller, entry, answer, problem);
}

static void print_fault(const json_t *entry, const struct problem *problem)
{
	char *text = json_dumps(entry, 0);
	cli_fail("%s %s in %s", problem->detail, problem->cause, text);
	for (size_t i = 0; i < problem->violation_count; i++)
		cli_fail("%s: %s", problem->violations[i].where, problem->violations[i].detail);
	free(text);
}

static bool tell(struct teller *teller, const json_t *story)
{
	size_t index;
	json_t *entry;
	struct problem problem = PROBLEM_INIT;
	json_array_foreach (story, index, entry) {
		if (!tell_entry(teller, entry, &problem)) {
			print_fault(entry, &problem);
			return false;
		}
		arena_reset(teller->arena);
	}
	return set_clock(teller, "null", &problem);
}

static const char *text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static bool create_program(
	struct teller *teller, const json_t *demo, struct arena *arena, const char *password)
{
	const json_t *about = json_object_get(demo, "program");
	struct new_program program = {
		.slug = text_of(about, "slug"),
		.name = text_of(about, "name"),
		.environment = text_of(about, "environment"),
		.zone = text_of(about, "zone"),
		.currency = text_of(about, "currency"),
		.admin_email = text_of(about, "admin_email"),
		.admin_name = text_of(about, "admin_name"),
		.admin_password = password,
		.tiers = text_of(about, "tiers"),
	};
	struct program_ids ids;
	struct problem problem = PROBLEM_INIT;
	if (!program_create(teller->app->db, arena, &program, &ids, &problem)) {
		cli_fail("%s %s", problem.detail, problem.cause);
		return false;
	}
	teller->program_id = ids.program;
	teller->ids = json_pack("{s:s, s:s, s:s}", "tier_registered", ids.tiers[0],
		"tier_preferred", ids.tiers[1], "tier_strategic", ids.tiers[2]);
	teller->actors = json_pack("{s:{s:s, s:s}}", "admin", "id", ids.admin, "role", "admin");
	print_variable("VENDOR_ADMIN_EMAIL", program.admin_email);
	print_variable("VENDOR_ADMIN_PASSWORD", password);
	return true;
}

static int seed(struct app *app, struct arena *arena, const json_t *demo, const char *password)
{
	struct problem problem = PROBLEM_INIT;
	struct teller teller = { .app = app, .arena = arena_new() };
	const char *slug = text_of(json_object_get(demo, "program"), "slug");
	const struct rows *found = program_find(app->db, arena, slug, &problem);
	int status = 0;
	if (found == NULL)
		status = cli_fail("%s %s", problem.detail, problem.cause);
	else if (rows_count(found) > 0)
		fprintf(stderr, "partnerd: the program '%s' is there already\n", slug);
	else
		status = create_program(&teller, demo, arena,
				 password != NULL ? password : secret_make("", arena)) &&
					 tell(&teller, json_object_get(demo, "story"))
				 ? 0
				 : 1;
	json_decref(teller.ids);
	json_decref(teller.actors);
	arena_free(teller.arena);
	return status;
}

int cli_seed(int argc, char **argv)
{
	const char *password = cli_option(&argc, argv, "--admin-password");
	struct settings settings;
	struct app app;
	int status;
	if (argc > 1 && strcmp(argv[1], "--demo") == 0) {
		argv++;
		argc--;
	}
	if (!cli_settings(argc, argv, &settings, &status))
		return status;
	settings.smtp_url = ""; /* the people of the story have no mailboxes */
	if (!app_open(&app, &settings))
		return 1;
	const struct embedded_file *file = &embedded_seeds[0];
	json_t *demo = json_loadb(file->begin, (size_t)(file->end - file->begin), 0, NULL);
	struct arena *arena = arena_new();
	status = seed(&app, arena, demo, password);
	arena_free(arena);
	json_decref(demo);
	app_close(&app);
	return status;
}
