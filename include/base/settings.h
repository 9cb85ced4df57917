/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table of settings. Each row has a flag (--listen), an environment variable (PARTNERD_LISTEN)
 * and a line of the file (listen = …), a default, a unit in its name and a sentence; flags win over
 * the environment, the environment over the file. `partnerd serve --help` prints the table and
 * tests check partnerd.conf.sample against it. To add a setting: one row in src/base/settings.c and
 * one member here.
 */
#ifndef PARTNERD_BASE_SETTINGS_H
#define PARTNERD_BASE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct settings {
	const char *listen_address; /* 127.0.0.1 or ::1, or a wildcard inside a container */
	int64_t listen_port;        /* 0 = any free port, printed and logged at start */
	const char *admin_address;
	int64_t admin_port;       /* /metrics; 0 = any free port */
	const char *database_url; /* also read from DATABASE_URL */
	const char *public_url;   /* issuer of tokens, base of links; empty = http://listen */
	int64_t workers;          /* threads that serve requests */
	int64_t database_connections;
	int64_t database_wait_ms; /* how long a request waits for a free connection */
	int64_t statement_timeout_ms;
	bool prepared_statements; /* false behind pgbouncer's transaction pooling */
	int64_t max_connections;
	int64_t max_connections_per_address; /* 0 = no limit */
	int64_t idle_timeout_ms;             /* a connection with no request */
	int64_t read_timeout_ms;             /* head and body of one request, in all */
	int64_t drain_timeout_ms;            /* SIGTERM: how long requests in flight may take */
	int64_t body_limit_bytes;
	int64_t rate_limit_per_minute;                /* per client or user */
	int64_t rate_limit_address_per_minute;        /* per address, before authentication */
	int64_t rate_limit_sign_in_per_minute;        /* per address: sessions, tokens, passwords */
	int64_t rate_limit_account_checks_per_minute; /* per partner */
	int64_t file_quota_partner_mib;               /* 0 = no limit */
	int64_t file_quota_vendor_mib;                /* per program, 0 = no limit */
	bool lockout_by_address;                      /* count failed sign-ins of an address, too */
	const char *trusted_proxies;   /* comma-separated addresses and networks, empty = none */
	const char *outbound_networks; /* reachable for calls to URLs that others gave us */
	const char *cors_origins;      /* comma-separated exact origins, empty = none */
	bool cookie_sessions;          /* browsers may keep their session in cookies */
	const char *cookie_same_site;
	const char *signing_alg;
	int64_t access_token_s;
	int64_t refresh_token_s; /* absolute life */
	int64_t refresh_idle_s;
	const char *secret_key; /* 64 hex digits: cursors, refresh tokens; empty = derived from the
				   database */
	const char *encryption_key;          /* base/vault.h */
	const char *encryption_key_file;     /* holds encryption_key */
	const char *encryption_key_previous; /* still opens what it sealed */
	int64_t password_memory_kib;         /* argon2id */
	int64_t password_iterations;
	const char *common_passwords_file;
	const char
		*smtp_url; /* smtp://host[:port] or smtps://…; empty = others send (http/mail.h) */
	const char *smtp_user;
	const char *smtp_password;
	const char *smtp_tls; /* auto, required or off */
	const char
		*smtp_ca_file; /* whom the relay's certificate is signed by; empty = the system's */
	const char *mail_from;
	const char *invitation_url; /* pages of the front end that take the token */
	const char *password_reset_url;
	bool jobs;                      /* run jobs inside serve */
	int64_t request_log_per_second; /* lines of GET /v1/api-requests, 0 = none are kept */
	const char *log_level;
	const char *config_file;
};

/*
 * Fills `ret` with defaults, the file, the environment, then the flags in argv (from argv[0] on).
 * Strings belong to the process. On an unknown flag or a bad value appends one sentence to `reterr`
 * and returns false. `--help` sets *ret_help and reads nothing else.
 */
bool settings_load(
	struct settings *ret, int argc, char **argv, bool *ret_help, struct text *reterr);

/* The table as help text, and as a commented sample file. */
void settings_help(struct text *out);
void settings_sample(struct text *out);

#endif
