/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of settings and what is made of it: flags, environment, file, help and sample. Each
 * source is first read into one array of texts, a place per row; then every row takes the text of
 * the strongest source that names it and turns it into its member. An empty environment variable
 * counts as not set, as container tools leave such behind.
 *
 * Values of secret rows never appear in a message.
 */
#include "base/settings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/log.h"

enum kind {
	KIND_TEXT,
	KIND_SECRET,
	KIND_ADDRESS,
	KIND_URL,
	KIND_HEX_KEY,
	KIND_RELAY,
	KIND_TLS,
	KIND_MAILBOX,
	KIND_LEVEL,
	KIND_SAME_SITE,
	KIND_SIGNING,
	KIND_INT,
	KIND_BOOL
};

struct row {
	const char *name;
	enum kind kind;
	size_t offset;
	const char *fallback;
	int64_t least;
	int64_t most;
	const char *help;
};

#define SECOND_MS 1000
#define HOUR_MS   (3600 * SECOND_MS)
#define DAY_S     86400

/* clang-format off */
#define TEXT_ROW(member, kind, fallback, help)                                                     \
	{ #member, kind, offsetof(struct settings, member), fallback, 0, 0, help }
#define INT_ROW(member, fallback, least, most, help)                                               \
	{ #member, KIND_INT, offsetof(struct settings, member), fallback, least, most, help }
/* clang-format on */

static const struct row rows[] = {
	TEXT_ROW(listen_address, KIND_ADDRESS, "127.0.0.1",
		"address the API listens on, IPv4 or IPv6"),
	INT_ROW(listen_port, "8080", 0, 65535, "port of the API; 0 = any free port"),
	TEXT_ROW(admin_address, KIND_ADDRESS, "127.0.0.1", "address /metrics is served on"),
	INT_ROW(admin_port, "9090", 0, 65535, "port of /metrics; 0 = any free port"),
	TEXT_ROW(database_url, KIND_SECRET, "",
		"PostgreSQL connection; empty = what libpq finds in PGHOST and so on"),
	TEXT_ROW(public_url, KIND_URL, "",
		"where clients reach the API, the issuer of tokens; empty = http://listen"),
	INT_ROW(workers, "16", 1, 256, "threads that serve requests"),
	INT_ROW(database_connections, "12", 1, 512,
		"connections to PostgreSQL for requests and jobs; three more serve the process "
		"itself"),
	INT_ROW(database_wait_ms, "2000", 1, 60 * SECOND_MS,
		"how long a request waits for a free connection"),
	INT_ROW(statement_timeout_ms, "5000", 10, 600 * SECOND_MS, "longest time of one statement"),
	TEXT_ROW(prepared_statements, KIND_BOOL, "true",
		"false behind pgbouncer in transaction mode"),
	INT_ROW(max_connections, "4000", 1, 1000000, "open connections of clients"),
	INT_ROW(max_connections_per_address, "0", 0, 1000000,
		"open connections of one address; 0 = no limit"),
	INT_ROW(idle_timeout_ms, "60000", 100, HOUR_MS,
		"a connection without a request is closed after this"),
	INT_ROW(read_timeout_ms, "15000", 100, HOUR_MS,
		"head and body of a request must arrive within this"),
	INT_ROW(drain_timeout_ms, "20000", 0, HOUR_MS,
		"on SIGTERM requests in flight may take this long"),
	INT_ROW(body_limit_bytes, "1048576", 1024, 64 * 1024 * 1024, "largest body of a request"),
	INT_ROW(rate_limit_per_minute, "600", 0, 1000000000,
		"requests of one user or client, 0 = no limit"),
	INT_ROW(rate_limit_address_per_minute, "3000", 0, 1000000000,
		"requests of one address, 0 = no limit"),
	INT_ROW(rate_limit_sign_in_per_minute, "60", 0, 1000000000,
		"sign-ins, token requests and new passwords of one address, 0 = no limit"),
	INT_ROW(rate_limit_account_checks_per_minute, "30", 0, 1000000000,
		"questions of one partner whether an account is free, by dry runs too, 0 = no "
		"limit"),
	INT_ROW(file_quota_partner_mib, "2048", 0, 1024 * 1024 * 1024,
		"MiB that the files of one partner may have together, 0 = no limit"),
	INT_ROW(file_quota_vendor_mib, "20480", 0, 1024 * 1024 * 1024,
		"MiB that the files of the vendor's side of one program may have together, "
		"0 = no limit"),
	TEXT_ROW(lockout_by_address, KIND_BOOL, "true",
		"slow down an address after 100 failed sign-ins; false where many share one"),
	TEXT_ROW(trusted_proxies, KIND_TEXT, "",
		"addresses and networks whose X-Forwarded-For is believed, separated by commas"),
	TEXT_ROW(outbound_networks, KIND_TEXT, "",
		"networks besides the Internet that identity providers may be in, separated by "
		"commas; plain http is allowed there"),
	TEXT_ROW(cors_origins, KIND_TEXT, "",
		"origins of browsers that may call, exact, separated by commas"),
	TEXT_ROW(cookie_sessions, KIND_BOOL, "false",
		"browsers may keep their session in cookies (/v1/cookie-sessions)"),
	TEXT_ROW(cookie_same_site, KIND_SAME_SITE, "lax",
		"SameSite of these cookies; none for pages of another site in cors_origins"),
	TEXT_ROW(signing_alg, KIND_SIGNING, "RS256",
		"algorithm of signing keys made from now on: RS256, or ES256 (short tokens)"),
	INT_ROW(access_token_s, "600", 1, DAY_S, "life of an access token"),
	INT_ROW(refresh_token_s, "2592000", 1, 366 * DAY_S, "life of a session, however active"),
	INT_ROW(refresh_idle_s, "604800", 1, 366 * DAY_S, "life of a session that is not used"),
	TEXT_ROW(secret_key, KIND_HEX_KEY, "",
		"64 hexadecimal digits for cursors and tokens; empty = derived from the database"),
	TEXT_ROW(encryption_key, KIND_HEX_KEY, "",
		"64 hexadecimal digits that seal secrets in the database; this or the file is "
		"needed"),
	TEXT_ROW(encryption_key_file, KIND_TEXT, "", "file that holds the encryption_key"),
	TEXT_ROW(encryption_key_previous, KIND_HEX_KEY, "",
		"the encryption_key before the present one, while it is being replaced"),
	INT_ROW(password_memory_kib, "19456", 8, 1024 * 1024, "memory of one argon2id hash"),
	INT_ROW(password_iterations, "2", 1, 20, "passes of one argon2id hash"),
	TEXT_ROW(common_passwords_file, KIND_TEXT, "/usr/share/john/password.lst",
		"passwords that nobody may choose, one a line (Debian: john-data)"),
	TEXT_ROW(smtp_url, KIND_RELAY, "",
		"relay that mail goes out by, smtp://host:port or smtps://host; empty = others "
		"send"),
	TEXT_ROW(smtp_user, KIND_TEXT, "", "user of the relay; empty = none"),
	TEXT_ROW(smtp_password, KIND_SECRET, "", "password of smtp_user"),
	TEXT_ROW(smtp_tls, KIND_TLS, "auto",
		"required, off, or auto: required unless the relay is this machine"),
	TEXT_ROW(smtp_ca_file, KIND_TEXT, "",
		"certificates that sign the relay's; empty = those of the system"),
	TEXT_ROW(mail_from, KIND_MAILBOX, "", "address that mail comes from"),
	TEXT_ROW(invitation_url, KIND_URL, "",
		"page where invited people choose a password; gets #token=…"),
	TEXT_ROW(password_reset_url, KIND_URL, "",
		"page where a forgotten password is replaced; gets #token=…"),
	TEXT_ROW(jobs, KIND_BOOL, "true", "run jobs inside serve"),
	INT_ROW(request_log_per_second, "1000", 0, 100000,
		"requests kept for GET /v1/api-requests, more are dropped; 0 = none"),
	TEXT_ROW(log_level, KIND_LEVEL, "info", "debug, info, warn, error or off"),
	TEXT_ROW(config_file, KIND_TEXT, "", "file of settings, one `name = value` a line"),
};

#define ROW_COUNT (sizeof(rows) / sizeof(rows[0]))

/* One source: the text it gives for each row, NULL where it says nothing. */
struct source {
	const char *values[ROW_COUNT];
};

/* Keeps the strings of all sources for the life of the process. */
static struct arena *kept_strings;

static const char *keep(const char *text, size_t length)
{
	if (!kept_strings)
		kept_strings = arena_new();
	return arena_strndup(kept_strings, text, length);
}

/* Index of the row, ROW_COUNT when there is none. A flag is spelt with '-' where the name has '_'.
 */
static size_t row_index(const char *name, size_t length, char separator)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const char *own = rows[i].name;
		size_t at = 0;

		while (at < length && (own[at] == '_' ? separator : own[at]) == name[at])
			at++;
		if (at == length && own[at] == '\0')
			return i;
	}
	return ROW_COUNT;
}

static void spell(const char *name, char separator, bool is_upper, struct text *out)
{
	for (; *name; name++) {
		if (*name == '_')
			text_append_char(out, separator);
		else
			text_append_char(out, is_upper ? (char)(*name - 'a' + 'A') : *name);
	}
}

static bool flags_read(struct source *flags, int argc, char **argv, struct text *reterr)
{
	for (int i = 0; i < argc; i++) {
		const char *name = argv[i] + 2;
		size_t length;
		size_t row;

		if (strncmp(argv[i], "--", 2) != 0) {
			text_appendf(reterr, "The argument %s is not expected.", argv[i]);
			return false;
		}
		length = strcspn(name, "=");
		row = row_index(name, length, '-');
		if (row == ROW_COUNT) {
			text_appendf(reterr, "The flag --%.*s is unknown.", (int)length, name);
			return false;
		}
		flags->values[row] = name[length] == '=' ? name + length + 1 : argv[++i];
		if (i == argc) {
			text_appendf(reterr, "The flag --%s needs a value.", name);
			return false;
		}
	}
	return true;
}

/* Settings are read before the first thread is started. */
static const char *variable(const char *name)
{
	const char *value = getenv(name); // NOLINT(concurrency-mt-unsafe): see above

	return value && *value ? value : NULL;
}

static const char *environment_value(const struct row *row)
{
	struct text name = TEXT_INIT;
	const char *value;

	text_append_string(&name, "PARTNERD_");
	spell(row->name, '_', true, &name);
	value = variable(name.bytes);
	text_release(&name);
	return value;
}

static void environment_read(struct source *environment)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		const char *value = environment_value(&rows[i]);

		if (!value && strcmp(rows[i].name, "database_url") == 0)
			value = variable("DATABASE_URL");
		environment->values[i] = value ? keep(value, strlen(value)) : NULL;
	}
}

static struct slice trimmed(const char *begin, const char *end)
{
	while (begin < end && strchr(" \t\r\n", *begin))
		begin++;
	while (end > begin && strchr(" \t\r\n", end[-1]))
		end--;
	return (struct slice){ begin, (size_t)(end - begin) };
}

/* Takes one line of the file; returns what is wrong with it, or NULL. */
static const char *line_read(struct source *file, struct slice line)
{
	const char *equals;
	struct slice name;
	struct slice value;
	size_t row;

	if (line.length == 0 || line.bytes[0] == '#')
		return NULL;
	equals = memchr(line.bytes, '=', line.length);
	if (!equals)
		return "is not of the form `name = value`";
	name = trimmed(line.bytes, equals);
	value = trimmed(equals + 1, line.bytes + line.length);
	row = row_index(name.bytes, name.length, '_');
	if (row == ROW_COUNT)
		return "names no setting";
	if (slice_is(name, "config_file"))
		return "names config_file, which only a flag or the environment can set";
	if (file->values[row])
		return "sets what an earlier line has set";
	file->values[row] = keep(value.bytes, value.length);
	return NULL;
}

static bool file_read(struct source *file, const char *path, struct text *reterr)
{
	FILE *stream = fopen(path, "re");
	const char *fault = NULL;
	char *line = NULL;
	size_t room = 0;
	ssize_t length;
	int number = 0;

	if (!stream) {
		text_appendf(
			reterr, "The file %s cannot be read: %s.", path, strerrordesc_np(errno));
		return false;
	}
	while (!fault && (length = getline(&line, &room, stream)) >= 0) {
		number++;
		fault = line_read(file, trimmed(line, line + length));
	}
	if (fault)
		text_appendf(reterr, "Line %d of %s %s.", number, path, fault);
	free(line);
	fclose(stream);
	return !fault;
}

/* An optional minus and digits; no plus, no space, no leading zero. */
static bool integer_parse(const char *text, int64_t *ret_value)
{
	const char *digits = text[0] == '-' ? text + 1 : text;
	char *end;

	if (digits[0] < '0' || digits[0] > '9' || (digits[0] == '0' && digits[1] != '\0'))
		return false;
	errno = 0;
	*ret_value = strtoll(text, &end, 10);
	return errno == 0 && *end == '\0';
}

static bool is_address(const char *text)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

/* Empty, or http(s):// and something, without the trailing slash that would double in every link.
 */
static bool is_url(const char *text)
{
	size_t length = strlen(text);
	size_t scheme = strncmp(text, "https://", 8) == 0  ? 8
			: strncmp(text, "http://", 7) == 0 ? 7
							   : 0;

	if (length == 0)
		return true;
	return scheme > 0 && length > scheme && text[length - 1] != '/' &&
	       strcspn(text, " ?#") == length;
}

static bool is_hex_key(const char *text)
{
	size_t length = strlen(text);

	return length == 0 || (length == 64 && strspn(text, "0123456789abcdefABCDEF") == 64);
}

/* Empty, or smtp(s)://host[:port] of a name or an address, and nothing behind it. */
static bool is_relay(const char *text)
{
	size_t scheme = strncmp(text, "smtps://", 8) == 0  ? 8
			: strncmp(text, "smtp://", 7) == 0 ? 7
							   : 0;
	const char *host = text + scheme;
	size_t length = strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789-.:[]");

	return text[0] == '\0' || (scheme > 0 && length > 0 && host[length] == '\0');
}

/* Empty, or something@something in visible ASCII without what ends an address. */
static bool is_mailbox(const char *text)
{
	const char *at = strchr(text, '@');

	for (const char *byte = text; *byte; byte++) {
		if (*byte <= ' ' || *byte >= 0x7f || strchr("<>,;:\"\\()[]", *byte))
			return false;
	}
	return text[0] == '\0' || (at && at > text && at[1] && !strchr(at + 1, '@'));
}

static bool is_tls(const char *text)
{
	return strcmp(text, "auto") == 0 || strcmp(text, "required") == 0 ||
	       strcmp(text, "off") == 0;
}

static bool value_fits(const struct row *row, const char *value, int64_t *ret_number)
{
	enum log_level level;

	switch (row->kind) {
	case KIND_INT:
		return integer_parse(value, ret_number) && *ret_number >= row->least &&
		       *ret_number <= row->most;
	case KIND_BOOL:
		*ret_number = strcmp(value, "true") == 0;
		return *ret_number || strcmp(value, "false") == 0;
	case KIND_ADDRESS: return is_address(value);
	case KIND_URL: return is_url(value);
	case KIND_HEX_KEY: return is_hex_key(value);
	case KIND_RELAY: return is_relay(value);
	case KIND_TLS: return is_tls(value);
	case KIND_MAILBOX: return is_mailbox(value);
	case KIND_LEVEL: return log_level_parse(value, &level);
	case KIND_SAME_SITE:
		return strcmp(value, "strict") == 0 || strcmp(value, "lax") == 0 ||
		       strcmp(value, "none") == 0;
	case KIND_SIGNING: return strcmp(value, "RS256") == 0 || strcmp(value, "ES256") == 0;
	case KIND_TEXT:
	case KIND_SECRET: return true;
	}
	return false;
}

static void value_refuse(
	const struct row *row, const char *value, const char *from, struct text *reterr)
{
	static const char *const demands[] = {
		[KIND_BOOL] = "true or false",
		[KIND_ADDRESS] = "an IPv4 or IPv6 address",
		[KIND_URL] = "an http or https URL without a slash at its end",
		[KIND_LEVEL] = "debug, info, warn, error or off",
		[KIND_SAME_SITE] = "strict, lax or none",
		[KIND_SIGNING] = "RS256 or ES256",
		[KIND_HEX_KEY] = "64 hexadecimal digits",
		[KIND_RELAY] = "smtp://host, smtp://host:port or the same with smtps",
		[KIND_TLS] = "auto, required or off",
		[KIND_MAILBOX] = "an e-mail address",
	};

	text_appendf(reterr, "The setting %s, given by %s, must be ", row->name, from);
	if (row->kind == KIND_INT)
		text_appendf(reterr, "a whole number from %lld to %lld", (long long)row->least,
			(long long)row->most);
	else
		text_append_string(reterr, demands[row->kind]);
	if (row->kind != KIND_HEX_KEY)
		text_appendf(reterr, ", not \"%s\"", value);
	text_append_char(reterr, '.');
}

static void value_store(
	struct settings *settings, const struct row *row, const char *value, int64_t number)
{
	char *member = (char *)settings + row->offset;
	bool truth = number != 0;

	if (row->kind == KIND_INT)
		memcpy(member, &number, sizeof(number));
	else if (row->kind == KIND_BOOL)
		memcpy(member, &truth, sizeof(truth));
	else
		memcpy(member, &value, sizeof(value));
}

static bool value_set(struct settings *settings, const struct row *row, const char *value,
	const char *from, struct text *reterr)
{
	int64_t number = 0;

	if (!value_fits(row, value, &number)) {
		value_refuse(row, value, from, reterr);
		return false;
	}
	value_store(settings, row, value, number);
	return true;
}

static void defaults_set(struct settings *settings)
{
	struct text unreachable = TEXT_INIT;

	*settings = (struct settings){ 0 };
	for (size_t i = 0; i < ROW_COUNT; i++)
		value_set(settings, &rows[i], rows[i].fallback, "the table", &unreachable);
	text_release(&unreachable);
}

static bool source_apply(struct settings *settings, const struct source *source, const char *from,
	struct text *reterr)
{
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (source->values[i] &&
			!value_set(settings, &rows[i], source->values[i], from, reterr))
			return false;
	}
	return true;
}

static bool wants_help(int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	}
	return false;
}

bool settings_load(struct settings *ret, int argc, char **argv, bool *ret_help, struct text *reterr)
{
	struct source flags = { 0 };
	struct source environment = { 0 };
	struct source file = { 0 };

	defaults_set(ret);
	*ret_help = wants_help(argc, argv);
	if (*ret_help)
		return true;
	if (!flags_read(&flags, argc, argv, reterr))
		return false;
	environment_read(&environment);
	/* Twice: the first pass may name the file, the second lets the stronger sources win over
	 * it. */
	if (!source_apply(ret, &environment, "the environment", reterr) ||
		!source_apply(ret, &flags, "a flag", reterr))
		return false;
	if (*ret->config_file && !file_read(&file, ret->config_file, reterr))
		return false;
	return source_apply(ret, &file, "the file", reterr) &&
	       source_apply(ret, &environment, "the environment", reterr) &&
	       source_apply(ret, &flags, "a flag", reterr);
}

void settings_help(struct text *out)
{
	text_append_string(
		out, "Settings, as flags, environment variables or lines of the file:\n");
	for (size_t i = 0; i < ROW_COUNT; i++) {
		text_append_string(out, "\n  --");
		spell(rows[i].name, '-', false, out);
		text_append_string(out, ", PARTNERD_");
		spell(rows[i].name, '_', true, out);
		text_appendf(out, "\n      %s", rows[i].help);
		text_appendf(out, " (default %s", *rows[i].fallback ? rows[i].fallback : "empty");
		if (rows[i].kind == KIND_INT)
			text_appendf(out, ", %lld to %lld", (long long)rows[i].least,
				(long long)rows[i].most);
		text_append_string(out, ")\n");
	}
}

void settings_sample(struct text *out)
{
	text_append_string(out, "# Settings of partnerd. Flags and PARTNERD_<NAME> in the "
				"environment win over this file.\n");
	for (size_t i = 0; i < ROW_COUNT; i++) {
		if (strcmp(rows[i].name, "config_file") == 0)
			continue;
		text_appendf(out, "\n# %s\n", rows[i].help);
		text_appendf(out, "#%s =%s%s\n", rows[i].name, *rows[i].fallback ? " " : "",
			rows[i].fallback);
	}
}
