/* SPDX-License-Identifier: Apache-2.0 */
/* migrate, check, statements, version, health: small commands about the binary and its database. */
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli.h"
#include "http/server.h"

int cli_version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	printf("partnerd %s\n", PARTNERD_VERSION);
	return 0;
}

int cli_migrate(int argc, char **argv)
{
	struct settings settings;
	struct text report = TEXT_INIT, error = TEXT_INIT;
	int status;
	if (!cli_settings(argc, argv, &settings, &status))
		return status;
	if (!db_migrate(settings.database_url, &report, &error))
		status = cli_fail("%s", error.bytes);
	else if (report.length > 0)
		fputs(report.bytes, stdout);
	text_release(&report);
	text_release(&error);
	return status;
}

/* The names of the contract's enum of problem codes, against the table of problem.h. */
static bool check_problem_codes(const struct contract *contract, struct text *reterr)
{
	const json_t *codes = json_object_get(contract_document(contract), "components");
	static const char *const path[] = { "schemas", "ProblemCode", "enum" };
	for (size_t i = 0; i < sizeof path / sizeof path[0]; i++)
		codes = json_object_get(codes, path[i]);
	bool good = true;
	for (int i = 0; i < PROBLEM_COUNT; i++) {
		bool found = false;
		for (size_t j = 0; j < json_array_size(codes) && !found; j++)
			found = strcmp(json_string_value(json_array_get(codes, j)),
					problem_code_text((enum problem_code)i)) == 0;
		if (!found) {
			text_appendf(reterr, "the contract's Problem lacks the code '%s'\n",
				problem_code_text((enum problem_code)i));
			good = false;
		}
	}
	return good && json_array_size(codes) == PROBLEM_COUNT;
}

int cli_check(int argc, char **argv)
{
	struct settings settings;
	struct app app;
	struct text error = TEXT_INIT;
	int status;
	if (!cli_settings(argc, argv, &settings, &status))
		return status;
	if (!app_open(&app, &settings)) /* contract, rows, shapes */
		return 1;
	bool statements = db_check_statements(app.db, NULL, 0, &error);
	bool constraints = db_check_constraints(app.db, &error);
	bool codes = check_problem_codes(app.contract, &error);
	if (statements && constraints && codes)
		printf("contract, rows, statements, constraints and schema agree: %zu operations, "
		       "%zu statements\n",
			contract_operation_count(app.contract), statement_count());
	else
		status = cli_fail("%s", error.bytes);
	text_release(&error);
	app_close(&app);
	return status;
}

/* Named statements, then those that reading composes, as `-- name (types)` and the text. */
int cli_statements(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	for (size_t i = 0; i < statement_count(); i++) {
		const struct statement *statement = statement_at(i);
		printf("-- %s (%s)\n%s;\n\n", statement->name, statement->types, statement->sql);
	}
	return 0;
}

static int connect_to(const char *address, int64_t port)
{
	char service[16];
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *found;
	snprintf(service, sizeof service, "%lld", (long long)port);
	bool is_wildcard = strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0;
	if (getaddrinfo(is_wildcard ? "localhost" : address, service, &hints, &found) != 0)
		return -1;
	int fd = -1;
	for (struct addrinfo *at = found; at != NULL && fd < 0; at = at->ai_next) {
		fd = socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC, at->ai_protocol);
		if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) != 0) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(found);
	return fd;
}

/* For HEALTHCHECK: 0 when the server of these settings answers /livez with 200. */
int cli_health(int argc, char **argv)
{
	static const char request[] =
		"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
	struct settings settings;
	char answer[64] = "";
	int status;
	if (!cli_settings(argc, argv, &settings, &status))
		return status;
	int fd = connect_to(settings.listen_address, settings.listen_port);
	if (fd < 0)
		return cli_fail("no server at %s:%lld", settings.listen_address,
			(long long)settings.listen_port);
	bool good = write(fd, request, sizeof request - 1) == (ssize_t)(sizeof request - 1) &&
		    read(fd, answer, sizeof answer - 1) > 12 &&
		    strncmp(answer, "HTTP/1.1 200", 12) == 0;
	close(fd);
	return good ? 0 : cli_fail("the server does not answer");
}
