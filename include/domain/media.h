/* SPDX-License-Identifier: Apache-2.0 */
/* Which kinds of files are taken, and whether bytes look like what they are said to be. */
#ifndef PARTNERD_DOMAIN_MEDIA_H
#define PARTNERD_DOMAIN_MEDIA_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether content that begins with `head` can be of this media type; `is_text`: all of it is UTF-8
 * without U+0000. False for a type that is not taken.
 */
bool media_fits(const char *media_type, const char *head, size_t length, bool is_text);

#endif
