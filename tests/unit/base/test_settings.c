/* SPDX-License-Identifier: Apache-2.0 */
/* Settings from every source, what wins over what, and that a bad one is refused by name. */
#include "base/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct settings settings;
static struct text message;
static char file_path[64];

/* One thread only: NOLINTBEGIN(concurrency-mt-unsafe) */
static void set_variable(const char *name, const char *value)
{
	assert_int_equal(setenv(name, value, 1), 0);
}

static void clear_variables(void)
{
	assert_int_equal(clearenv(), 0);
}
/* NOLINTEND(concurrency-mt-unsafe) */

static int clean_environment(void **state)
{
	(void)state;
	clear_variables();
	text_clear(&message);
	settings = (struct settings){ 0 };
	return 0;
}

static int remove_file(void **state)
{
	(void)state;
	if (file_path[0])
		unlink(file_path);
	file_path[0] = '\0';
	text_release(&message);
	return 0;
}

/* Loads with the flags given, ended by NULL; --config-file comes first when there is a file. */
static bool load(const char *flag, ...)
{
	static char room[10][128];
	char *flags[10] = { 0 };
	int count = 0;
	bool wants_help = true;
	va_list args;

	if (file_path[0])
		snprintf(room[count++], sizeof(room[0]), "--config-file=%s", file_path);
	va_start(args, flag);
	for (; flag; flag = va_arg(args, const char *))
		snprintf(room[count++], sizeof(room[0]), "%s", flag);
	va_end(args);
	for (int i = 0; i < count; i++)
		flags[i] = room[i];
	text_clear(&message);
	if (!settings_load(&settings, count, flags, &wants_help, &message))
		return false;
	assert_false(wants_help);
	return true;
}

static void write_file(const char *content)
{
	int handle;

	snprintf(file_path, sizeof(file_path), "/tmp/partnerd_settings_XXXXXX");
	handle = mkstemp(file_path);
	assert_true(handle >= 0);
	assert_int_equal(write(handle, content, strlen(content)), strlen(content));
	close(handle);
}

static void defaults_work_without_configuration(void **state)
{
	(void)state;
	assert_true(load(NULL));
	assert_string_equal(settings.listen_address, "127.0.0.1");
	assert_int_equal(settings.listen_port, 8080);
	assert_int_equal(settings.admin_port, 9090);
	assert_string_equal(settings.database_url, "");
	assert_string_equal(settings.public_url, "");
	assert_int_equal(settings.workers, 16);
	assert_int_equal(settings.database_connections, 12);
	assert_true(settings.prepared_statements);
	assert_int_equal(settings.max_connections, 4000);
	assert_int_equal(settings.max_connections_per_address, 0);
	assert_int_equal(settings.body_limit_bytes, 1048576);
	assert_int_equal(settings.rate_limit_per_minute, 600);
	assert_int_equal(settings.access_token_s, 600);
	assert_int_equal(settings.refresh_token_s, 30 * 86400);
	assert_int_equal(settings.refresh_idle_s, 7 * 86400);
	assert_true(settings.jobs);
	assert_string_equal(settings.log_level, "info");
	assert_string_equal(settings.config_file, "");
}

static void flags_come_in_two_spellings(void **state)
{
	(void)state;
	assert_true(load("--listen-port", "1", "--workers=2", "--jobs", "false",
		"--database-url=host=a port=b", NULL));
	assert_int_equal(settings.listen_port, 1);
	assert_int_equal(settings.workers, 2);
	assert_false(settings.jobs);
	assert_string_equal(settings.database_url, "host=a port=b");
}

static void flags_win_over_environment_over_file(void **state)
{
	(void)state;
	write_file("workers = 3\nlisten_port = 3\nadmin_port = 3\n");
	set_variable("PARTNERD_WORKERS", "2");
	set_variable("PARTNERD_LISTEN_PORT", "2");
	assert_true(load("--workers", "1", NULL));
	assert_int_equal(settings.workers, 1);
	assert_int_equal(settings.listen_port, 2);
	assert_int_equal(settings.admin_port, 3);
}

static void the_file_has_comments_and_free_spacing(void **state)
{
	(void)state;
	write_file("# a comment\n\n  workers=3  \r\n\tcors_origins = https://a.example # "
		   "kept\njobs =false");
	assert_true(load(NULL));
	assert_int_equal(settings.workers, 3);
	assert_string_equal(settings.cors_origins, "https://a.example # kept");
	assert_false(settings.jobs);
}

static void the_environment_can_name_the_file(void **state)
{
	char path[64];

	(void)state;
	write_file("workers = 3\n");
	snprintf(path, sizeof(path), "%s", file_path);
	set_variable("PARTNERD_CONFIG_FILE", path);
	file_path[0] = '\0';
	assert_true(load(NULL));
	assert_int_equal(settings.workers, 3);
	snprintf(file_path, sizeof(file_path), "%s", path);
}

static void database_url_has_a_second_variable(void **state)
{
	(void)state;
	set_variable("DATABASE_URL", "postgresql:///second");
	assert_true(load(NULL));
	assert_string_equal(settings.database_url, "postgresql:///second");
	set_variable("PARTNERD_DATABASE_URL", "postgresql:///first");
	assert_true(load(NULL));
	assert_string_equal(settings.database_url, "postgresql:///first");
}

static void empty_variables_count_as_not_set(void **state)
{
	(void)state;
	set_variable("PARTNERD_WORKERS", "");
	set_variable("PARTNERD_DATABASE_URL", "");
	set_variable("DATABASE_URL", "postgresql:///second");
	assert_true(load(NULL));
	assert_int_equal(settings.workers, 16);
	assert_string_equal(settings.database_url, "postgresql:///second");
}

static void strings_outlive_the_environment(void **state)
{
	(void)state;
	set_variable("PARTNERD_PUBLIC_URL", "https://api.example");
	assert_true(load(NULL));
	set_variable("PARTNERD_PUBLIC_URL", "https://other.example");
	clear_variables();
	assert_string_equal(settings.public_url, "https://api.example");
}

static void assert_refuses(const char *flag, const char *part)
{
	assert_false(load(flag, NULL));
	if (!strstr(message.bytes, part))
		fail_msg("%s: \"%s\" does not say \"%s\"", flag, message.bytes, part);
	assert_int_equal(message.bytes[message.length - 1], '.');
}

static void integers_are_strict_and_bounded(void **state)
{
	static const char *const refused[] = { "", " 1", "1 ", "+1", "01", "0x10", "1e3", "1.0",
		"-", "ten", "0", "257", "-1", "9223372036854775808" };
	char flag[64];

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		snprintf(flag, sizeof(flag), "--workers=%s", refused[i]);
		assert_refuses(
			flag, "workers, given by a flag, must be a whole number from 1 to 256");
	}
	assert_true(load("--workers=256", "--listen-port=0", NULL));
	assert_int_equal(settings.workers, 256);
	assert_int_equal(settings.listen_port, 0);
}

static void every_kind_refuses_what_it_cannot_be(void **state)
{
	(void)state;
	assert_refuses("--jobs=yes", "true or false, not \"yes\"");
	assert_refuses("--jobs=True", "true or false");
	assert_refuses("--listen-address=localhost", "an IPv4 or IPv6 address");
	assert_refuses("--listen-address=", "an IPv4 or IPv6 address");
	assert_refuses("--public-url=ftp://x", "an http or https URL");
	assert_refuses("--public-url=https://x/", "an http or https URL");
	assert_refuses("--public-url=https://", "an http or https URL");
	assert_refuses("--public-url=https://x?y", "an http or https URL");
	assert_refuses("--log-level=loud", "debug, info, warn, error or off");
	assert_true(load(
		"--listen-address=::1", "--public-url=http://x/base", "--log-level=off", NULL));
}

static void secrets_are_not_repeated(void **state)
{
	char good[] =
		"--secret-key=00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF";
	char bad[] =
		"--secret-key=00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFg";

	(void)state;
	assert_true(load(good, NULL));
	assert_refuses(bad, "secret_key, given by a flag, must be 64 hexadecimal digits.");
	assert_null(strstr(message.bytes, "0011"));
	bad[strlen(bad) - 1] = '\0';
	assert_refuses(bad, "64 hexadecimal digits");
}

static void unknown_flags_and_arguments_are_refused(void **state)
{
	(void)state;
	assert_refuses("--lisen-port=1", "The flag --lisen-port is unknown");
	assert_refuses("--listen_port=1", "unknown");
	assert_refuses("--listen=1", "unknown");
	assert_refuses("--", "unknown");
	assert_refuses("serve", "The argument serve is not expected");
	assert_refuses("--workers", "The flag --workers needs a value");
}

static void bad_lines_are_named_by_number(void **state)
{
	static const char *const files[][2] = {
		{ "# one\nworkerz = 1\n", "Line 2 of " },
		{ "workers\n", "is not of the form" },
		{ "workers = 1\nworkers = 2\n", "sets what an earlier line has set" },
		{ "config_file = x\n", "only a flag or the environment" },
		{ "workers = many\n", "workers, given by the file, must be a whole number" },
		{ "= 1\n", "names no setting" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		write_file(files[i][0]);
		assert_false(load(NULL));
		assert_non_null(strstr(message.bytes, files[i][1]));
		unlink(file_path);
	}
	assert_false(load(NULL));
	assert_non_null(strstr(message.bytes, "cannot be read: No such file"));
}

static void a_bad_variable_is_refused(void **state)
{
	(void)state;
	set_variable("PARTNERD_JOBS", "1");
	assert_false(load(NULL));
	assert_string_equal(message.bytes,
		"The setting jobs, given by the environment, must be true or false, not \"1\".");
}

static void help_reads_nothing_else(void **state)
{
	char unknown[] = "--unknown";
	char help[] = "--help";
	char *flags[] = { unknown, help };
	bool wants_help = false;

	(void)state;
	set_variable("PARTNERD_WORKERS", "bad");
	assert_true(settings_load(&settings, 2, flags, &wants_help, &message));
	assert_true(wants_help);
	assert_int_equal(settings.workers, 16);
}

static void help_names_every_spelling(void **state)
{
	struct text help = TEXT_INIT;

	(void)state;
	settings_help(&help);
	assert_non_null(strstr(help.bytes, "--listen-port, PARTNERD_LISTEN_PORT\n"));
	assert_non_null(strstr(help.bytes, "(default 8080, 0 to 65535)\n"));
	assert_non_null(strstr(help.bytes, "--config-file, PARTNERD_CONFIG_FILE\n"));
	text_release(&help);
}

/* With every line made live the sample must load and change nothing. */
static void the_sample_is_a_file_of_the_defaults(void **state)
{
	struct text sample = TEXT_INIT;
	struct settings defaults;

	(void)state;
	assert_true(load(NULL));
	defaults = settings;
	settings_sample(&sample);
	assert_non_null(strstr(sample.bytes, "\n#listen_port = 8080\n"));
	assert_non_null(strstr(sample.bytes, "\n#database_url =\n"));
	for (char *line = sample.bytes; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (line[0] == '#' && line[1] != ' ')
			line[0] = ' ';
	}
	write_file(sample.bytes);
	assert_true(load(NULL));
	assert_string_equal(settings.listen_address, defaults.listen_address);
	assert_int_equal(settings.password_memory_kib, defaults.password_memory_kib);
	assert_string_equal(settings.secret_key, "");
	text_release(&sample);
}

#define SETTINGS_TEST(name) cmocka_unit_test_setup_teardown(name, clean_environment, remove_file)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SETTINGS_TEST(defaults_work_without_configuration),
		SETTINGS_TEST(flags_come_in_two_spellings),
		SETTINGS_TEST(flags_win_over_environment_over_file),
		SETTINGS_TEST(the_file_has_comments_and_free_spacing),
		SETTINGS_TEST(the_environment_can_name_the_file),
		SETTINGS_TEST(database_url_has_a_second_variable),
		SETTINGS_TEST(empty_variables_count_as_not_set),
		SETTINGS_TEST(strings_outlive_the_environment),
		SETTINGS_TEST(integers_are_strict_and_bounded),
		SETTINGS_TEST(every_kind_refuses_what_it_cannot_be),
		SETTINGS_TEST(secrets_are_not_repeated),
		SETTINGS_TEST(unknown_flags_and_arguments_are_refused),
		SETTINGS_TEST(bad_lines_are_named_by_number),
		SETTINGS_TEST(a_bad_variable_is_refused),
		SETTINGS_TEST(help_reads_nothing_else),
		SETTINGS_TEST(help_names_every_spelling),
		SETTINGS_TEST(the_sample_is_a_file_of_the_defaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
