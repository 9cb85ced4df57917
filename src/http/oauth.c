/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a request to an endpoint of OAuth (RFC 6749 §2.3.1, §3.2, §4.4.2, §6; RFC 7009 §2.1; RFC
 * 7662 §2.1): one form, client credentials from exactly one place. A parameter that comes twice, an
 * escape that is broken, or two ways to say who one is: invalid_request. Parameters nobody here
 * knows are ignored, as the RFC asks.
 */
#include "http/identity.h"

#include "http/form.h"
#include "http/negotiate.h"
#include "http/percent.h"

#include <sodium.h>
#include <string.h>
#include <strings.h>

#define BASIC_MAX_BYTES 1024

static const struct {
	const char *text;
	int status;
} errors[] = { [OAUTH_NONE] = { "none", 200 },
#define OAUTH_ROW(name, status) [OAUTH_##name] = { #name, status },
	OAUTH_ERRORS(OAUTH_ROW)
#undef OAUTH_ROW
};

static bool refuse(struct refusal *refusal, enum oauth_error error, const char *detail)
{
	*refusal = (struct refusal){ error, detail };
	return false;
}

const char *oauth_error_text(enum oauth_error error)
{
	return errors[error].text;
}

int oauth_error_status(enum oauth_error error)
{
	return errors[error].status;
}

static bool read_form(struct request *request, struct oauth_request *oauth, struct refusal *refusal)
{
	enum media media = media_parse(request_header(request, "Content-Type"));
	struct problem problem = PROBLEM_INIT;
	struct form form;

	if (request->raw_body.length > 0 && media != MEDIA_FORM)
		return refuse(refusal, OAUTH_invalid_request,
			"The body must be application/x-www-form-urlencoded in utf-8.");
	if (!form_parse(&form, request->arena, request->raw_body, &problem))
		return refuse(refusal, OAUTH_invalid_request,
			"The form is not correctly encoded, or has a parameter twice.");
	oauth->grant_type = form_value(&form, "grant_type");
	oauth->token = form_value(&form, "token");
	oauth->scope = form_value(&form, "scope");
	oauth->refresh_token = form_value(&form, "refresh_token");
	oauth->client_id = form_value(&form, "client_id");
	oauth->client_secret = form_value(&form, "client_secret");
	return true;
}

/* The bytes after "Basic ", or NULL for any other scheme. */
static const char *basic_text(const char *authorization)
{
	if (strncasecmp(authorization, "Basic ", 6) != 0)
		return NULL;
	const char *text = authorization + 6;
	return text + strspn(text, " ");
}

static bool decode_basic(struct request *request, const char *text, struct oauth_request *oauth)
{
	char decoded[BASIC_MAX_BYTES];
	size_t length;
	struct slice id;
	struct slice secret;

	if (sodium_base642bin((unsigned char *)decoded, sizeof decoded, text, strlen(text), NULL,
		    &length, NULL, sodium_base64_VARIANT_ORIGINAL) != 0)
		return false;
	const char *colon = memchr(decoded, ':', length);
	if (!colon)
		return false;
	size_t id_length = (size_t)(colon - decoded);
	if (!percent_decode(request->arena, (struct slice){ decoded, id_length }, true, &id) ||
		!percent_decode(request->arena, (struct slice){ colon + 1, length - id_length - 1 },
			true, &secret))
		return false;
	oauth->client_id = id.bytes;
	oauth->client_secret = secret.bytes;
	return true;
}

static bool read_basic(struct request *request, const char *authorization,
	struct oauth_request *oauth, struct refusal *refusal)
{
	const char *text = basic_text(authorization);

	oauth->has_basic = true;
	if (!text)
		return refuse(
			refusal, OAUTH_invalid_client, "Only the scheme Basic is understood.");
	if (oauth->client_id || oauth->client_secret)
		return refuse(refusal, OAUTH_invalid_request,
			"The client is named in the header and in the form.");
	if (!decode_basic(request, text, oauth))
		return refuse(
			refusal, OAUTH_invalid_client, "The header is not correctly encoded.");
	return true;
}

bool oauth_read(struct request *request, struct oauth_request *ret_oauth, struct refusal *refusal)
{
	const char *authorization = request_header(request, "Authorization");

	memset(ret_oauth, 0, sizeof *ret_oauth);
	if (!read_form(request, ret_oauth, refusal))
		return false;
	return !authorization || read_basic(request, authorization, ret_oauth, refusal);
}
