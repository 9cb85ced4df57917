/* SPDX-License-Identifier: Apache-2.0 */
/* partnerd: the table of subcommands. Each is a file of its own beside this one. */
#include <curl/curl.h>
#include <jansson.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

static const struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *summary;
} commands[] = {
	{ "serve", cli_serve, "serve the API and run the jobs (--help lists all settings)" },
	{ "work", cli_work, "run the jobs only" },
	{ "migrate", cli_migrate, "bring the database to this version's schema" },
	{ "seed", cli_seed, "make the demo program: partners, people, forty deals" },
	{ "program", cli_program, "create | list programs" },
	{ "client", cli_client, "create | list | revoke machine clients" },
	{ "key", cli_key, "list | create | activate | retire | rotate the keys that sign tokens" },
	{ "audit", cli_audit, "verify | export the audit chain of a program" },
	{ "dispute", cli_dispute, "verify the bundle of a dispute, from the file alone" },
	{ "check", cli_check, "compare contract, rows, statements and schema" },
	{ "statements", cli_statements, "print the SQL the server runs" },
	{ "health", cli_health, "ask a running server for /livez" },
	{ "version", cli_version, "print the version" },
};

#define COMMAND_COUNT (sizeof commands / sizeof commands[0])

static int usage(FILE *out)
{
	fprintf(out, "usage: partnerd <command> [options]\n\n");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-12s%s\n", commands[i].name, commands[i].summary);
	return out == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	if (sodium_init() < 0)
		return cli_fail("libsodium cannot be used");
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return cli_fail("libcurl cannot be used");
	json_object_seed(0);
	if (argc < 2)
		return usage(stderr);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
		return usage(stdout);
	if (strcmp(argv[1], "--version") == 0)
		return cli_version(argc - 1, argv + 1);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	return usage(stderr);
}
