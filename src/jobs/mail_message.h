/* SPDX-License-Identifier: Apache-2.0 */
/* A mail as it goes over the wire (RFC 5322, MIME). */
#ifndef PARTNERD_JOBS_MAIL_MESSAGE_H
#define PARTNERD_JOBS_MAIL_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct mail_message {
	const char
		*id; /* of the mail: the left half of its Message-ID, the same at every attempt */
	const char *from, *to;
	const char *subject, *text;
	int64_t now_us;
};

/* Visible ASCII, one @, nothing that could end an address or a line. */
bool mail_address_is_plain(const char *address);

/*
 * Lines end with CR LF. What was written by people stands in base64 only, subject and text alike,
 * so that no text can make a header of its own. False when an address is not plain.
 */
bool mail_message_write(const struct mail_message *message, struct text *out);

#endif
