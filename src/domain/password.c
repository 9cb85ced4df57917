/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The core of a password, and where it may not be found. A new way of dressing up a common password
 * is a step in password_core and a row in tests/unit/domain/cases/passwords.tsv; the list goes
 * through the same steps, so that both always agree.
 */
#include "domain/password.h"

#include "base/text.h"

#include <string.h>

/* Shorter pieces say nothing: "aaaaaaaaaaaa" and "abc123456789" are known without a list. */
#define CORE_LEAST_BYTES 4

static const char *const keyboard_walks[] = {
	"abcdefghijklmnopqrstuvwxyz",
	"zyxwvutsrqponmlkjihgfedcba",
	"qwertyuiopasdfghjklzxcvbnm",
	"mnbvcxzlkjhgfdsapoiuytrewq",
	"qwertzuiopasdfghjklyxcvbnm",
	"azertyuiopqsdfghjklmwxcvbn",
	"qazwsxedcrfvtgbyhnujmikolp",
};

/* Letters, and everything beyond ASCII. */
static bool is_letter(char byte)
{
	return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte & 0x80);
}

static char plain_letter(char byte)
{
	static const char dressed[] = "@430157$!", plain[] = "aaeolstsi";
	const char *at = byte ? strchr(dressed, byte) : NULL;

	if (byte >= 'A' && byte <= 'Z')
		return (char)(byte - 'A' + 'a');
	return at ? plain[at - dressed] : byte;
}

/* The length of the shortest piece that the text is made of. */
static size_t piece_length(const char *text, size_t length)
{
	for (size_t piece = 1; piece <= length / 2; piece++) {
		if (length % piece == 0 && memcmp(text, text + piece, length - piece) == 0)
			return piece;
	}
	return length;
}

void password_core(const char *text, size_t length, char out[static PASSWORD_CORE_BYTES])
{
	size_t used = 0;

	while (length > 0 && !is_letter(text[0])) {
		text++;
		length--;
	}
	while (length > 0 && !is_letter(text[length - 1]))
		length--;
	for (size_t i = 0; i < length && used + 1 < PASSWORD_CORE_BYTES; i++)
		out[used++] = plain_letter(text[i]);
	out[piece_length(out, used)] = '\0';
}

static bool is_listed(const char *core, const struct password_list *list)
{
	size_t low = 0;
	size_t high = list->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(core, list->cores[middle]);

		if (order == 0)
			return true;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

static bool is_keyboard_walk(const char *core)
{
	for (size_t i = 0; i < sizeof keyboard_walks / sizeof keyboard_walks[0]; i++) {
		if (strstr(keyboard_walks[i], core))
			return true;
	}
	return false;
}

/* Is the core that of the first `length` bytes of `text`? */
static bool is_core_of(const char *core, const char *text, size_t length)
{
	char other[PASSWORD_CORE_BYTES];

	password_core(text, length, other);
	return other[0] && strcmp(core, other) == 0;
}

static bool is_core_of_text(const char *core, const char *text)
{
	return text && is_core_of(core, text, strlen(text));
}

enum password_fault password_judge(const char *password, const struct password_owner *owner,
	const struct password_list *common)
{
	size_t length = strlen(password);
	size_t points = utf8_length(password, length);
	char core[PASSWORD_CORE_BYTES];

	if (points < PASSWORD_LEAST_POINTS)
		return PASSWORD_TOO_SHORT;
	if (points > PASSWORD_MOST_POINTS)
		return PASSWORD_TOO_LONG;
	password_core(password, length, core);
	if (is_core_of_text(core, owner->email) ||
		(owner->email && is_core_of(core, owner->email, strcspn(owner->email, "@"))))
		return PASSWORD_OWN;
	if (is_core_of_text(core, owner->program_name) ||
		is_core_of_text(core, owner->program_slug))
		return PASSWORD_PROGRAM;
	if (strlen(core) < CORE_LEAST_BYTES || is_listed(core, common) || is_keyboard_walk(core))
		return PASSWORD_COMMON;
	return PASSWORD_FIT;
}

const char *password_fault_text(enum password_fault fault)
{
	switch (fault) {
	case PASSWORD_FIT: return "The password is good.";
	case PASSWORD_TOO_SHORT: return "At least 12 characters.";
	case PASSWORD_TOO_LONG: return "At most 128 characters.";
	case PASSWORD_COMMON: return "This is one of the passwords that are tried first.";
	case PASSWORD_OWN: return "The password must not be your e-mail address.";
	case PASSWORD_PROGRAM: return "The password must not be the program's name.";
	}
	return "";
}
