/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of well known passwords, read once from a file of the system (one a line, as john and
 * others keep it), and the one place where a password that somebody wants is judged. Read before
 * the first thread starts and never changed.
 */
#include "http/secrets.h"

#include "domain/password.h"
#include "http/identity.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Before a line that is no password. */
#define REMARK "#!comment:"

static struct {
	struct arena *arena;
	const char **cores;
	size_t count;
	size_t room;
} known;

static void keep(const char *core)
{
	if (known.count == known.room) {
		known.room = known.room ? 2 * known.room : 4096;
		known.cores = realloc(known.cores, known.room * sizeof *known.cores);
		if (!known.cores)
			abort();
	}
	known.cores[known.count++] = arena_strdup(known.arena, core);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void read_lines(FILE *stream)
{
	char core[PASSWORD_CORE_BYTES];
	char *line = NULL;
	size_t room = 0;
	ssize_t length;

	while ((length = getline(&line, &room, stream)) >= 0) {
		length -= length > 0 && line[length - 1] == '\n';
		if (strncmp(line, REMARK, sizeof REMARK - 1) == 0)
			continue;
		password_core(line, (size_t)length, core);
		if (core[0])
			keep(core);
	}
	free(line);
	if (known.count > 0)
		qsort(known.cores, known.count, sizeof *known.cores, compare);
}

bool common_passwords_load(const struct settings *settings, struct text *reterr)
{
	const char *path = settings->common_passwords_file;
	FILE *stream = fopen(path, "re");

	if (!stream) {
		text_appendf(reterr,
			"The list of common passwords, common_passwords_file %s, cannot be read: "
			"%s. Debian's package john-data has one.",
			path, strerrordesc_np(errno));
		return false;
	}
	common_passwords_free();
	known.arena = arena_new();
	read_lines(stream);
	fclose(stream);
	return true;
}

void common_passwords_free(void)
{
	free(known.cores);
	known.arena = arena_free(known.arena);
	known.cores = NULL;
	known.count = known.room = 0;
}

const char *password_objection(
	const char *password, const char *email, const char *program_name, const char *program_slug)
{
	const struct password_owner owner = { email, program_name, program_slug };
	const struct password_list common = { known.cores, known.count };
	enum password_fault fault = password_judge(password, &owner, &common);

	return fault == PASSWORD_FIT ? NULL : password_fault_text(fault);
}
