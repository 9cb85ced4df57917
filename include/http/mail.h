/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is mailed to people: composed when it is due and put into the outbox (mail_queue of
 * sql/functions), sealed, because it holds a token. The event mail.queued announces it without the
 * text, so that an integration may send it; with smtp_url set, src/jobs/mailer.c does.
 */
#ifndef PARTNERD_HTTP_MAIL_H
#define PARTNERD_HTTP_MAIL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/settings.h"
#include "base/text.h"
#include "base/vault.h"

enum mail_kind { MAIL_INVITATION, MAIL_PASSWORD_RESET };

#define INVITATION_LIFE_S     (7 * 86400)
#define PASSWORD_RESET_LIFE_S 3600

struct mail_draft {
	enum mail_kind kind;
	const char *program_name, *person_name;
	const char *token;
};

/* What mail_queue wants: id, event_id, kind, life_s and the sealed text. A new reference. */
json_t *mail_compose(const struct settings *settings, const struct vault *vault,
	struct arena *arena, const struct mail_draft *draft);

/* {subject, text} of a mail that is still waiting, or NULL. A new reference. */
json_t *mail_open(
	const struct vault *vault, struct arena *arena, const char *mail_id, const char *sealed);

/* Does the server send mail itself? */
bool mail_is_sent(const struct settings *settings);

/* The settings of mail fit together. False and a sentence in `reterr`. */
bool mail_settings_fit(const struct settings *settings, struct text *reterr);

#endif
