/* SPDX-License-Identifier: Apache-2.0 */
/* What subcommands share: taking options apart, and opening everything a server needs in the order
 * of its needs. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/embed.h"
#include "base/log.h"
#include "cli.h"
#include "http/identity.h"
#include "http/limits.h"
#include "http/mail.h"
#include "http/metrics.h"
#include "http/server.h"

#define SIDE_CONNECTIONS 2

static void remove_arguments(int *argc, char **argv, int at, int count)
{
	for (int i = at; i + count < *argc; i++)
		argv[i] = argv[i + count];
	*argc -= count;
}

const char *cli_option(int *argc, char **argv, const char *name)
{
	size_t length = strlen(name);
	for (int i = 1; i < *argc && argv[i] != NULL; i++) {
		if (strncmp(argv[i], name, length) != 0)
			continue;
		const char *value = NULL;
		if (argv[i][length] == '=')
			value = argv[i] + length + 1;
		else if (argv[i][length] == '\0' && i + 1 < *argc)
			value = argv[i + 1];
		if (value != NULL) {
			remove_arguments(argc, argv, i, argv[i][length] == '=' ? 1 : 2);
			return value;
		}
	}
	return NULL;
}

const char *cli_argument(int *argc, char **argv)
{
	const char *argument = *argc > 1 ? argv[1] : NULL;
	if (argument != NULL)
		remove_arguments(argc, argv, 1, 1);
	return argument;
}

const char *cli_word(int *argc, char **argv)
{
	return *argc > 1 && argv[1][0] != '-' ? cli_argument(argc, argv) : NULL;
}

bool cli_flag(int *argc, char **argv, const char *name)
{
	for (int i = 1; i < *argc; i++) {
		if (strcmp(argv[i], name) != 0)
			continue;
		remove_arguments(argc, argv, i, 1);
		return true;
	}
	return false;
}

bool cli_helps(int argc, char **argv, const char *usage)
{
	bool wants_help = false;

	for (int i = 1; i < argc; i++)
		wants_help |= strcmp(argv[i], "--help") == 0;
	if (wants_help)
		puts(usage);
	return wants_help;
}

bool cli_settings(int argc, char **argv, struct settings *ret_settings, int *ret_status)
{
	struct text error = TEXT_INIT, help = TEXT_INIT;
	bool wants_help = false;
	bool good = settings_load(ret_settings, argc - 1, argv + 1, &wants_help, &error);
	enum log_level level;
	*ret_status = 0;
	if (wants_help) {
		settings_help(&help);
		fputs(help.bytes, stdout);
	} else if (!good) {
		*ret_status = cli_fail("%s", error.bytes);
	} else if (log_level_parse(ret_settings->log_level, &level)) {
		log_set_level(level);
	}
	text_release(&error);
	text_release(&help);
	return good && !wants_help;
}

int cli_fail(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	fputs("partnerd: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	return 1;
}

static void print_cell(const char *cell)
{
	for (; *cell != '\0'; cell++)
		putchar((unsigned char)*cell < ' ' ? ' ' : *cell);
}

void cli_print_rows(const struct rows *rows)
{
	for (size_t row = 0; row < rows_count(rows); row++) {
		for (size_t column = 0; column < rows_columns(rows); column++) {
			const char *cell = rows_cell(rows, row, column, NULL);
			if (column > 0)
				putchar('\t');
			print_cell(cell != NULL ? cell : "");
		}
		putchar('\n');
	}
}

static bool open_contract(struct app *app, struct text *reterr)
{
	const struct embedded_file *file = &embedded_contract[0];
	app->contract = contract_load(file->begin, (size_t)(file->end - file->begin), reterr);
	return app->contract != NULL;
}

static bool read_byte(const char *hex, unsigned char *ret_byte)
{
	const char digits[] = { hex[0], hex[0] != '\0' ? hex[1] : '\0', '\0' };
	char *end;
	*ret_byte = (unsigned char)strtoul(digits, &end, 16);
	return end == digits + 2;
}

/* The key of cursors and refresh tokens: the one that is set, else the one all instances find in
 * the database. */
static bool open_secret(struct app *app, struct text *reterr)
{
	static const struct statement statement = {
		.name = "installation_secret",
		.sql = "select encode(secret, 'hex') as secret from installation",
		.types = "",
	};
	struct arena *arena = arena_new();
	struct db_batch batch = { .arena = arena, .door = DOOR_IDENTITY };
	struct problem problem = PROBLEM_INIT;
	const char *hex = app->settings->secret_key;
	const struct db_call *call = db_add(&batch, &statement);
	bool good = true;
	if (hex == NULL || hex[0] == '\0') {
		good = db_run(app->db, &batch, &problem) == DB_NONE && rows_count(call->rows) == 1;
		hex = good ? rows_text(call->rows, "secret") : NULL;
	}
	for (size_t i = 0; good && i < sizeof app->secret; i++)
		good = read_byte(hex + 2 * i, &app->secret[i]);
	if (!good)
		text_appendf(
			reterr, "the installation's secret cannot be read: %s\n", problem.cause);
	arena_free(arena);
	return good;
}

static bool open_issuer(struct app *app)
{
	const struct settings *settings = app->settings;
	char *issuer = NULL;
	if (settings->public_url != NULL && settings->public_url[0] != '\0')
		issuer = strdup(settings->public_url);
	else if (asprintf(&issuer, "http://%s:%lld", settings->listen_address,
			 (long long)settings->listen_port) < 0)
		issuer = NULL;
	if (issuer == NULL)
		return false;
	size_t length = strlen(issuer);
	while (length > 0 && issuer[length - 1] == '/')
		issuer[--length] = '\0';
	app->issuer = issuer;
	return true;
}

/* Connections beside the pool of the requests: a full pool must not delay the news that a token was
 * revoked, and the request log must not take a place in it. */
static struct db *open_side(const struct settings *settings)
{
	struct settings side = *settings;
	side.database_connections = SIDE_CONNECTIONS;
	return db_open(&side);
}

static bool open_all(struct app *app, struct text *reterr)
{
	if (!open_contract(app, reterr) || !open_issuer(app))
		return false;
	app->vault = vault_open(app->settings, reterr);
	if (app->vault == NULL)
		return false;
	if (!mail_settings_fit(app->settings, reterr))
		return false;
	app->db = db_open(app->settings);
	app->side_db = open_side(app->settings);
	if (app->db == NULL || !db_schema_is_current(app->db, reterr) || !open_secret(app, reterr))
		return false;
	app->bindings = bindings_make(app->contract, app->db, all_endpoints, reterr);
	app->limits = limits_make(app->settings);
	app->metrics = metrics_make(app->contract);
	return app->bindings != NULL && app->limits != NULL && app->metrics != NULL &&
	       identity_start(app, reterr);
}

bool app_open(struct app *app, const struct settings *settings)
{
	struct text error = TEXT_INIT;
	*app = (struct app){ .settings = settings };
	bool good = open_all(app, &error);
	if (!good) {
		cli_fail("%s", error.length > 0 ? error.bytes : "out of memory");
		app_close(app);
	}
	text_release(&error);
	return good;
}

void app_close(struct app *app)
{
	if (app->keys != NULL)
		identity_stop(app);
	app->metrics = app->metrics != NULL ? metrics_free(app->metrics) : NULL;
	app->limits = app->limits != NULL ? limits_free(app->limits) : NULL;
	app->bindings = bindings_free(app->bindings);
	app->side_db = app->side_db != NULL ? db_close(app->side_db) : NULL;
	app->db = app->db != NULL ? db_close(app->db) : NULL;
	app->contract = app->contract != NULL ? contract_free(app->contract) : NULL;
	app->vault = vault_free(app->vault);
	free((char *)app->issuer);
	app->issuer = NULL;
}
