/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mail as an integration needs it that sends in place of the server: with address and text. No
 * engine fits, as the text is sealed and never part of an event. Whoever reads it could accept the
 * invitation, so no role has the scope; the operator gives it to a machine client by hand.
 */
#include "base/clock.h"
#include "http/app.h"
#include "http/mail.h"
#include "resources.h"

static const struct resource mail_resource = {
	.object = "mail",
	.shape = "mail_shape",
	.path = "/v1/mails/",
};

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

static json_t *instant(const struct rows *rows, const char *column)
{
	char text[TIME_TEXT_BYTES];

	if (!rows_text(rows, column))
		return json_null();
	time_format(rows_time(rows, column), text);
	return json_string(text);
}

/* `content` NULL: the mail waits no more, and its text is gone. */
static json_t *mail_json(const struct rows *rows, const json_t *content)
{
	const char *subject = json_string_value(json_object_get(content, "subject"));
	const char *text = json_string_value(json_object_get(content, "text"));

	return json_pack("{s:s, s:s, s:I, s:s, s:s, s:s, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o}",
		"id", rows_text(rows, "id"), "object", "mail", "version",
		(json_int_t)rows_int(rows, "version"), "kind", rows_text(rows, "kind"), "user_id",
		rows_text(rows, "user_id"), "status", rows_text(rows, "status"), "attempts",
		(json_int_t)rows_int(rows, "attempts"), "to", rows_text(rows, "recipient"),
		"subject", text_or_null(subject), "text", text_or_null(text), "expires_at",
		instant(rows, "expires_at"), "sent_at", instant(rows, "sent_at"), "created_at",
		instant(rows, "created_at"), "updated_at", instant(rows, "updated_at"));
}

static bool get_mail(struct request *request, struct response *response, struct problem *problem)
{
	const struct rows *rows =
		request_row(request, "mail_read", NULL, "There is no mail with this id.", problem);
	if (rows == NULL)
		return false;
	json_t *content = mail_open(request->app->vault, request->arena, request->path_ids[0],
		rows_text(rows, "sealed"));
	response->cache = CACHE_NO_STORE;
	response_etag(response, request, rows_text(rows, "version"));
	response_json(response, 200, mail_json(rows, content));
	json_decref(content);
	return true;
}

const struct endpoint mail_endpoints[] = {
	{ .operation_id = "getMail", .resource = &mail_resource, .get = true, .run = get_mail },
	{ 0 },
};
