/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a password must not be: short, well known, or what anybody would try first for this person.
 * Nothing is said about kinds of characters, which make passwords worse to remember and hardly
 * better. Passwords are compared by their core: what is left when case, digits and marks at the
 * ends, repetition and the usual digits for letters are taken away. So "P@ssw0rd-2026!" is as well
 * known as "password".
 */
#ifndef PARTNERD_DOMAIN_PASSWORD_H
#define PARTNERD_DOMAIN_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#define PASSWORD_LEAST_POINTS 12
#define PASSWORD_MOST_POINTS  128
#define PASSWORD_CORE_BYTES   (PASSWORD_MOST_POINTS * 4 + 1)

enum password_fault {
	PASSWORD_FIT,
	PASSWORD_TOO_SHORT,
	PASSWORD_TOO_LONG,
	PASSWORD_COMMON,  /* in the list, or hardly anything but digits or one short piece */
	PASSWORD_OWN,     /* the e-mail address, or the part before the @ */
	PASSWORD_PROGRAM, /* the program's name or slug */
};

/* Well known passwords by their core, sorted by strcmp. */
struct password_list {
	const char *const *cores;
	size_t count;
};

/* Whose password it is to be; each may be NULL. */
struct password_owner {
	const char *email, *program_name, *program_slug;
};

/* Writes the core of valid UTF-8; what does not fit is left out. Empty when there is no letter. */
void password_core(const char *text, size_t length, char out[static PASSWORD_CORE_BYTES]);

enum password_fault password_judge(const char *password, const struct password_owner *owner,
	const struct password_list *common);

/* A sentence for people. */
const char *password_fault_text(enum password_fault fault);

#endif
