/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The texts of mails, one function, plain and short. A link carries its token in the fragment,
 * which browsers keep from servers, logs and referrers; where no page is set, the mail has the bare
 * token.
 */
#include "http/mail.h"

#include "base/uuid.h"

#include <stdlib.h>
#include <string.h>

static const char *const kind_texts[] = {
	[MAIL_INVITATION] = "invitation",
	[MAIL_PASSWORD_RESET] = "password_reset",
};

static const char *purpose_of(struct arena *arena, const char *mail_id)
{
	return arena_printf(arena, "mail %s", mail_id);
}

static const char *link_of(
	const struct settings *settings, struct arena *arena, const struct mail_draft *draft)
{
	const char *page = draft->kind == MAIL_INVITATION ? settings->invitation_url
							  : settings->password_reset_url;

	return page[0] ? arena_printf(arena, "%s#token=%s", page, draft->token) : draft->token;
}

/* A name is a part of one line: whoever chooses it must not write the rest of the mail. */
static const char *one_line(struct arena *arena, const char *name)
{
	char *line = arena_strdup(arena, name);

	for (char *at = line; *at; at++)
		if (*at == '\n' || *at == '\r')
			*at = ' ';
	return line;
}

static const char *subject_of(struct arena *arena, const struct mail_draft *draft)
{
	return draft->kind == MAIL_INVITATION
		       ? arena_printf(arena, "Your invitation to %s", draft->program_name)
		       : arena_printf(arena, "A new password for %s", draft->program_name);
}

static const char *text_of(
	const struct settings *settings, struct arena *arena, const struct mail_draft *draft)
{
	const char *link = link_of(settings, arena, draft);
	const char *person = one_line(arena, draft->person_name);
	const char *program = one_line(arena, draft->program_name);

	if (draft->kind == MAIL_INVITATION)
		return arena_printf(arena,
			"Hello %s,\n\nyou are invited to %s. Choose your password here:\n\n%s\n\n"
			"The link is good once and for seven days.\n",
			person, program, link);
	return arena_printf(arena,
		"Hello %s,\n\nsomebody asked for a new password for you at %s. Choose it "
		"here:\n\n%s\n\nThe link is good once and for one hour. If it was not you, "
		"there is nothing to do: your password stays as it is.\n",
		person, program, link);
}

json_t *mail_compose(const struct settings *settings, const struct vault *vault,
	struct arena *arena, const struct mail_draft *draft)
{
	char id[UUID_TEXT_BYTES];
	char event_id[UUID_TEXT_BYTES];
	json_t *content = json_pack("{s:s, s:s}", "subject", subject_of(arena, draft), "text",
		text_of(settings, arena, draft));
	char *bytes = json_dumps(content, JSON_COMPACT);

	uuid_v7(id);
	uuid_v7(event_id);
	const char *sealed = vault_seal(vault, purpose_of(arena, id), bytes, strlen(bytes), arena);
	free(bytes);
	json_decref(content);
	return json_pack("{s:s, s:s, s:s, s:i, s:s}", "id", id, "event_id", event_id, "kind",
		kind_texts[draft->kind], "life_s",
		draft->kind == MAIL_INVITATION ? INVITATION_LIFE_S : PASSWORD_RESET_LIFE_S,
		"sealed", sealed);
}

json_t *mail_open(
	const struct vault *vault, struct arena *arena, const char *mail_id, const char *sealed)
{
	struct slice bytes;

	if (!sealed || !vault_unseal(vault, purpose_of(arena, mail_id), sealed, arena, &bytes))
		return NULL;
	return json_loadb(bytes.bytes, bytes.length, 0, NULL);
}

bool mail_is_sent(const struct settings *settings)
{
	return settings->smtp_url[0] != '\0';
}

bool mail_settings_fit(const struct settings *settings, struct text *reterr)
{
	if (!mail_is_sent(settings) || settings->mail_from[0])
		return true;
	text_append_string(reterr, "smtp_url needs mail_from, the address that mail comes from.");
	return false;
}
