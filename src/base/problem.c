/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of base/problem.h and how a refusal is filled in. Texts have fixed room and are cut at
 * a character, never inside one, because they are sent as JSON. A new problem is a row in the
 * header; nothing here changes.
 */
#include "base/problem.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/text.h"

struct problem_row {
	const char *code;
	int status;
	const char *title;
};

static const struct problem_row problem_rows[] = {
#define PROBLEM_ROW(code, status, title) { #code, status, title },
	PROBLEMS(PROBLEM_ROW)
#undef PROBLEM_ROW
};

static const char *const violation_names[] = {
#define VIOLATION_NAME(code) #code,
	VIOLATIONS(VIOLATION_NAME)
#undef VIOLATION_NAME
};

/* A text that filled its room may end inside a character: take the last, broken one away. */
static void cut_at_character(char *text, size_t room, int wanted)
{
	size_t length = strlen(text);

	if (wanted < 0 || (size_t)wanted < room)
		return;
	for (int i = 0; i < 3 && length > 0 && !utf8_is_valid(text, length); i++)
		text[--length] = '\0';
}

__attribute__((format(printf, 3, 0))) static void format_text(
	char *text, size_t room, const char *format, va_list args)
{
	cut_at_character(text, room, vsnprintf(text, room, format, args));
}

const char *problem_code_text(enum problem_code code)
{
	return problem_rows[code].code;
}

int problem_status(enum problem_code code)
{
	return problem_rows[code].status;
}

const char *problem_title(enum problem_code code)
{
	return problem_rows[code].title;
}

bool problem_code_parse(const char *text, enum problem_code *ret_code)
{
	for (int i = 0; i < PROBLEM_COUNT; i++) {
		if (strcmp(text, problem_rows[i].code) != 0)
			continue;
		*ret_code = (enum problem_code)i;
		return true;
	}
	return false;
}

const char *violation_code_text(enum violation_code code)
{
	return violation_names[code];
}

bool problem_set(struct problem *problem, enum problem_code code, const char *format, ...)
{
	va_list args;

	if (problem->is_set)
		return false;
	problem->is_set = true;
	problem->code = code;
	va_start(args, format);
	format_text(problem->detail, sizeof(problem->detail), format, args);
	va_end(args);
	return false;
}

void problem_cause(struct problem *problem, const char *format, ...)
{
	va_list args;

	if (problem->cause[0] != '\0')
		return;
	va_start(args, format);
	format_text(problem->cause, sizeof(problem->cause), format, args);
	va_end(args);
}

void problem_add(struct problem *problem, struct arena *arena, enum violation_place place,
	const char *where, enum violation_code code, const char *format, ...)
{
	char detail[PROBLEM_DETAIL_BYTES];
	va_list args;

	problem_set(problem, PROBLEM_validation_failed,
		"The member errors names each field that is not valid.");
	if (problem->violation_count == PROBLEM_MAX_VIOLATIONS)
		return;
	va_start(args, format);
	format_text(detail, sizeof(detail), format, args);
	va_end(args);
	problem->violations[problem->violation_count++] = (struct violation){
		.place = place,
		.code = code,
		.where = arena_strdup(arena, where),
		.detail = arena_strdup(arena, detail),
	};
}
