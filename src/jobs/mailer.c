/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sends what waits in the outbox by SMTP. A mail is taken for the time one attempt may last, sent
 * with no transaction open, and what became of it is written down; at least once, as SMTP has no
 * more to give. The relay's no for good (5xx) ends the mail, anything else is tried again until its
 * link is too old. STARTTLS is demanded unless the relay is this machine or smtp_tls says
 * otherwise.
 */
#include <curl/curl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "domain/retry.h"
#include "http/mail.h"
#include "job.h"
#include "mail_message.h"

#define BATCH              5
#define CONNECT_TIMEOUT_MS 10000
#define TIMEOUT_MS         20000
/* Longer than a whole batch may take. */
#define LEASE_S            (BATCH * TIMEOUT_MS / 1000 + 20)

struct upload {
	const struct job_run *run;
	const struct text *message;
	size_t sent;
};

struct outcome {
	const char *status; /* queued, sent or failed */
	const char *error;  /* for the operator: never a text of the relay */
};

static size_t on_read(char *buffer, size_t size, size_t count, void *context)
{
	struct upload *upload = context;
	size_t length = upload->message->length - upload->sent;

	if (length > size * count)
		length = size * count;
	memcpy(buffer, upload->message->bytes + upload->sent, length);
	upload->sent += length;
	return length;
}

/* Whoever stops the process does not wait for a slow relay. */
static int on_progress(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct upload *upload = context;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return job_is_stopping(upload->run);
}

/* The host of smtp_url, which has nothing behind it but a port. */
static bool relay_is_here(const char *url)
{
	static const char *const names[] = { "localhost", "127.0.0.1", "[::1]" };
	const char *host = strstr(url, "://") + 3;

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		size_t length = strlen(names[i]);

		if (strncmp(host, names[i], length) == 0 && strchr(":", host[length]))
			return true;
	}
	return false;
}

static long tls_level(const struct settings *settings)
{
	if (strcmp(settings->smtp_tls, "off") == 0)
		return CURLUSESSL_NONE;
	if (strcmp(settings->smtp_tls, "auto") == 0 && relay_is_here(settings->smtp_url))
		return CURLUSESSL_NONE;
	return CURLUSESSL_ALL;
}

static void set_relay(CURL *curl, const struct settings *settings)
{
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(curl, CURLOPT_URL, settings->smtp_url);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_TIMEOUT_MS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)TIMEOUT_MS);
	curl_easy_setopt(curl, CURLOPT_USE_SSL, tls_level(settings));
	if (settings->smtp_ca_file[0])
		curl_easy_setopt(curl, CURLOPT_CAINFO, settings->smtp_ca_file);
	if (settings->smtp_user[0]) {
		curl_easy_setopt(curl, CURLOPT_USERNAME, settings->smtp_user);
		curl_easy_setopt(curl, CURLOPT_PASSWORD, settings->smtp_password);
	}
}

static struct outcome outcome_of(CURL *curl, CURLcode code)
{
	long answer = 0;

	if (code == CURLE_OK)
		return (struct outcome){ "sent", NULL };
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer);
	/* 530 and 535: the operator's account, not this mail. */
	bool is_final = answer >= 500 && answer < 600 && answer != 530 && answer != 535 &&
			code != CURLE_LOGIN_DENIED && code != CURLE_USE_SSL_FAILED;
	return (struct outcome){ is_final ? "failed" : "queued", curl_easy_strerror(code) };
}

static struct outcome transfer(
	const struct job_run *run, const char *to, const struct text *message)
{
	const struct settings *settings = run->app->settings;
	struct upload upload = { run, message, 0 };
	CURL *curl = curl_easy_init();
	struct curl_slist *recipients =
		curl_slist_append(NULL, arena_printf(run->arena, "<%s>", to));
	struct outcome outcome = { "queued", "out of memory" };

	if (curl && recipients) {
		set_relay(curl, settings);
		curl_easy_setopt(curl, CURLOPT_MAIL_FROM,
			arena_printf(run->arena, "<%s>", settings->mail_from));
		curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients);
		curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
		curl_easy_setopt(curl, CURLOPT_READDATA, &upload);
		curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
		curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
		curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &upload);
		outcome = outcome_of(curl, curl_easy_perform(curl));
	}
	curl_slist_free_all(recipients);
	curl_easy_cleanup(curl);
	return outcome;
}

static const char *column(const struct rows *rows, size_t row, const char *name)
{
	return rows_cell(rows, row, (size_t)rows_column(rows, name), NULL);
}

static struct outcome send_mail(const struct job_run *run, const struct rows *rows, size_t row)
{
	const char *id = column(rows, row, "id");
	json_t *content = mail_open(run->app->vault, run->arena, id, column(rows, row, "sealed"));
	struct text message = TEXT_INIT;
	struct outcome outcome = { "queued", "the mail cannot be opened with this encryption key" };
	const struct mail_message about = {
		.id = id,
		.from = run->app->settings->mail_from,
		.to = column(rows, row, "recipient"),
		.subject = json_string_value(json_object_get(content, "subject")),
		.text = json_string_value(json_object_get(content, "text")),
		.now_us = clock_now_us(),
	};

	if (content && mail_message_write(&about, &message))
		outcome = transfer(run, about.to, &message);
	else if (content)
		outcome = (struct outcome){ "failed", "the address cannot be written to" };
	if (message.bytes)
		sodium_memzero(message.bytes, message.length);
	text_release(&message);
	json_decref(content);
	return outcome;
}

static void log_outcome(const char *id, const char *attempt, const struct outcome *outcome)
{
	if (!outcome->error)
		return;
	struct log_line line = log_begin(LOG_WARN, "mail not sent");
	log_text(&line, "mail_id", id);
	log_text(&line, "attempt", attempt);
	log_text(&line, "status", outcome->status);
	log_text(&line, "cause", outcome->error);
	log_end(&line);
}

static bool note_outcome(const struct job_run *run, const struct rows *rows, size_t row,
	const struct outcome *outcome, struct problem *problem)
{
	const char *attempt = column(rows, row, "attempts");
	struct db_batch batch = { .arena = run->arena,
		.door = DOOR_PROGRAM,
		.program_id = column(rows, row, "program_id"),
		.is_write = true };
	struct db_call *call = db_add(&batch, statement_find("job_mail_done"));
	int64_t delay_s = retry_delay_s(strtoll(attempt, NULL, 10), randombytes_random());

	call->params[0] = batch.program_id;
	call->params[2] = column(rows, row, "id");
	call->params[4] = job_json(
		run, json_pack("{s:s, s:s?, s:s, s:I}", "status", outcome->status, "error",
			     outcome->error, "attempt", attempt, "delay_s", (json_int_t)delay_s));
	log_outcome(call->params[2], attempt, outcome);
	return db_run(run->app->db, &batch, problem) == DB_NONE;
}

static bool send_batch(const struct job_run *run, int64_t *ret_taken, struct problem *problem)
{
	const char *size =
		arena_printf(run->arena, "{\"batch\":%d,\"lease_s\":%d}", BATCH, LEASE_S);
	const struct rows *rows = job_statement(run, "job_mail_take", size, NULL, problem);
	bool good = rows != NULL;

	*ret_taken = good ? (int64_t)rows_count(rows) : 0;
	for (size_t row = 0; good && row < rows_count(rows) && !job_is_stopping(run); row++) {
		struct outcome outcome = send_mail(run, rows, row);
		good = note_outcome(run, rows, row, &outcome, problem);
	}
	return good;
}

bool job_send_mails(const struct job_run *run, struct problem *problem)
{
	int64_t taken = 0;

	if (!mail_is_sent(run->app->settings))
		return true;
	for (int batches = 1;; batches++) {
		if (!send_batch(run, &taken, problem))
			return false;
		if (!job_goes_on(run, batches, taken, BATCH))
			return true;
		arena_reset(run->arena);
	}
}
