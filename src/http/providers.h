/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The identity providers of all programs as this instance knows them: an unknown issuer costs no
 * database and no network. Read anew whenever the watcher wakes and something changed.
 */
#ifndef PARTNERD_SRC_HTTP_PROVIDERS_H
#define PARTNERD_SRC_HTTP_PROVIDERS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/settings.h"
#include "base/text.h"
#include "base/uuid.h"
#include "db/db.h"
#include "http/key_source.h"

/* Constant while it is held. Texts are NULL when not set. */
struct provider {
	_Atomic int holders;
	char id[UUID_TEXT_BYTES];
	char program_id[UUID_TEXT_BYTES];
	char partner_id[UUID_TEXT_BYTES]; /* empty: for the whole program */
	char *issuer;
	char *audience;
	char *role_claim;
	char *default_role;
	char *partner_claim;
	json_t *role_rules;
	bool accepts_plain_jwt;
	bool uses_token_scopes;
	bool asserts_second_factor;
	bool matches_verified_email;
	bool creates_users;
	struct key_source *source;
};

void provider_release(struct provider *provider);

struct providers;

/* Without the thread that reads keys: providers_start does that. NULL and a sentence in `reterr`
 * when the settings are wrong. */
struct providers *providers_make(
	struct db *db, const struct settings *settings, struct text *reterr);
struct providers *providers_free(struct providers *providers);

/* From now on keys are read. */
bool providers_start(struct providers *providers, struct text *reterr);

/* Reads the table when it changed. On failure what is known stays. */
bool providers_reload(struct providers *providers);

/* Changes whenever what is known does: what was judged under an older number is judged again. */
uint64_t providers_generation(struct providers *providers);

/* Whether some program trusts this issuer. */
bool providers_have(struct providers *providers, const char *issuer);

/*
 * The provider whose issuer and audience these claims name, to be released. NULL when there is
 * none, or when the audiences name more than one program: such a token is for none.
 */
struct provider *providers_find(struct providers *providers, const json_t *claims);

/* A key that is not among those of `reading`: has them read if it is time to and waits for it. */
enum source_answer {
	SOURCE_READ,    /* look again */
	SOURCE_NO_TURN, /* they were read lately */
	SOURCE_BUSY,    /* too many wait already, or it takes too long */
};
enum source_answer providers_ask(
	struct providers *providers, struct provider *provider, uint64_t reading);

#endif
