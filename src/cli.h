/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands of the binary, one file each, and what they share. main.c has the table. */
#ifndef PARTNERD_CLI_H
#define PARTNERD_CLI_H

#include <stdbool.h>

#include "base/settings.h"
#include "http/app.h"

/* argv[0] is the subcommand's name. Returns the exit status. */
int cli_serve(int argc, char **argv);
int cli_work(int argc, char **argv);
int cli_migrate(int argc, char **argv);
int cli_seed(int argc, char **argv);
int cli_program(int argc, char **argv);
int cli_client(int argc, char **argv);
int cli_key(int argc, char **argv);
int cli_audit(int argc, char **argv);
int cli_dispute(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_statements(int argc, char **argv);
int cli_health(int argc, char **argv);
int cli_version(int argc, char **argv);

/* ---- cli_boot.c ---- */

/* Takes `--name value` or `--name=value` out of the arguments; NULL when it is not there. What is
 * left are settings. */
const char *cli_option(int *argc, char **argv, const char *name);
/* Takes a word that stands first: `program create`. NULL when there is none. */
const char *cli_word(int *argc, char **argv);
/* Takes what stands first, whatever it begins with. */
const char *cli_argument(int *argc, char **argv);
/* Takes `--name` out of the arguments; whether it was there. */
bool cli_flag(int *argc, char **argv, const char *name);

/* Prints `usage` on standard output when --help is among the arguments; the subcommand then ends.
 */
bool cli_helps(int argc, char **argv, const char *usage);

/* Loads the settings from what is left of the arguments. False when the subcommand shall end with
 * *ret_status. */
bool cli_settings(int argc, char **argv, struct settings *ret_settings, int *ret_status);

/* Prints "partnerd: <text>" on standard error. Returns 1. */
int cli_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints a line for each row, its cells between tabs. What would look like the end of a cell or of
 * a line in a name is a space. */
void cli_print_rows(const struct rows *rows);

/*
 * Everything a server needs before it listens: contract, database with the right schema, rows bound
 * to operations, keys. `settings` must outlive the app. False with the faults on standard error.
 */
bool app_open(struct app *app, const struct settings *settings);
void app_close(struct app *app);

#endif
