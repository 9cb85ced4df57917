/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Computes the hashes of an exported entry as sql/functions/audit.sql does. The canonical text of
 * an entry is what PostgreSQL writes for a jsonb array: strings with the shortest escapes, a comma
 * and a blank between elements. A new format of entries is a row of `formats` here and a branch of
 * audit_entry_hash there.
 */
#include "http/ledger_entry.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define SALT_BYTES_MAX      64
#define FORMAT_MEMBERS_MAX  17
#define FORMAT_WITH_ADDRESS 1 /* the hash covers the address itself */

static const char *const formats[][FORMAT_MEMBERS_MAX] = {
	[1] = { "program_id", "id", "partner_id", "recorded_at_us", "occurred_at_us", "actor_type",
		"actor_id", "client_id", "address", "request_id", "action", "resource_type",
		"resource_id", "resource_version", "content_hash" },
	[2] = { "format", "program_id", "id", "partner_id", "recorded_at_us", "occurred_at_us",
		"actor_type", "actor_id", "client_id", "address_hash", "request_id", "action",
		"resource_type", "resource_id", "resource_version", "content_hash" },
};

#define FORMAT_COUNT (int64_t)(sizeof formats / sizeof formats[0])

/* What an entry has: nothing may be said beside what is hashed. */
static const char *const members[] = { "object", "seq", "format", "id", "partner_id",
	"recorded_at_us", "occurred_at_us", "actor_type", "actor_id", "client_id", "address",
	"address_salt", "address_hash", "request_id", "action", "resource_type", "resource_id",
	"resource_version", "previous", "current", "content_salt", "content_hash", "entry_hash",
	"prev_hash", "hash" };

#define MEMBER_COUNT (sizeof members / sizeof members[0])

const char *line_text(const json_t *line, const char *name)
{
	return json_string_value(json_object_get(line, name));
}

int64_t line_number(const json_t *line, const char *name)
{
	return json_integer_value(json_object_get(line, name));
}

/* Lower-case hexadecimal of `most` bytes at most. */
static bool hex_decode(const char *text, size_t most, unsigned char *out, size_t *ret_length)
{
	size_t length = text ? strlen(text) : 1;

	if (length % 2 || length / 2 > most || strspn(text, "0123456789abcdef") != length)
		return false;
	for (size_t i = 0; i < length / 2; i++) {
		const char digits[] = { text[2 * i], text[2 * i + 1], '\0' };
		out[i] = (unsigned char)strtoul(digits, NULL, 16);
	}
	*ret_length = length / 2;
	return true;
}

bool line_digest(
	const json_t *line, const char *name, unsigned char out[static LEDGER_DIGEST_BYTES])
{
	size_t length;

	return hex_decode(line_text(line, name), LEDGER_DIGEST_BYTES, out, &length) &&
	       length == LEDGER_DIGEST_BYTES;
}

/* Every member is there, nothing else is, and each is a text, a whole number or null. */
static bool has_the_members(const json_t *entry)
{
	for (size_t i = 0; i < MEMBER_COUNT; i++) {
		const json_t *value = json_object_get(entry, members[i]);
		if (!json_is_string(value) && !json_is_integer(value) && !json_is_null(value))
			return false;
	}
	return json_object_size(entry) == MEMBER_COUNT;
}

static void append_value(struct text *out, const json_t *value)
{
	if (json_is_string(value))
		text_append_json(out, json_string_value(value), json_string_length(value));
	else if (json_is_integer(value))
		text_append_int64(out, json_integer_value(value));
	else
		text_append_string(out, "null");
}

static void hash_entry(
	const json_t *entry, const char *program_id, unsigned char out[static LEDGER_DIGEST_BYTES])
{
	struct text text = TEXT_INIT;

	for (const char *const *name = formats[line_number(entry, "format")]; *name; name++) {
		text_append_string(&text, text.length > 0 ? ", " : "[");
		if (strcmp(*name, "program_id") == 0)
			text_append_json(&text, program_id, strlen(program_id));
		else
			append_value(&text, json_object_get(entry, *name));
	}
	text_append_char(&text, ']');
	SHA256((const unsigned char *)text.bytes, text.length, out);
	text_release(&text);
}

/* Whether the member `name` is the hash of the salt, where there is one, and the two texts. */
static bool salted_hash_holds(const json_t *entry, const char *name, const char *salt_name,
	const char *first, const char *second)
{
	unsigned char claimed[LEDGER_DIGEST_BYTES], computed[LEDGER_DIGEST_BYTES];
	unsigned char salt[SALT_BYTES_MAX];
	const char *salt_text = line_text(entry, salt_name);
	size_t salt_length = 0;
	struct text text = TEXT_INIT;

	if (!line_digest(entry, name, claimed) ||
		(salt_text && !hex_decode(salt_text, sizeof salt, salt, &salt_length)))
		return false;
	text_append(&text, (const char *)salt, salt_length);
	text_append_string(&text, first);
	text_append_string(&text, second);
	SHA256((const unsigned char *)text.bytes, text.length, computed);
	text_release(&text);
	return memcmp(claimed, computed, sizeof computed) == 0;
}

static const char *content_fault(const json_t *entry)
{
	if (entry_lacks_content(entry) ||
		salted_hash_holds(entry, "content_hash", "content_salt",
			line_text(entry, "previous"), line_text(entry, "current")))
		return NULL;
	return "What the entry says does not match its hash.";
}

static const char *address_fault(const json_t *entry)
{
	const char *address = line_text(entry, "address"), *hash = line_text(entry, "address_hash");

	if (line_number(entry, "format") == FORMAT_WITH_ADDRESS)
		return hash ? "An entry of this format has no hash of the address." : NULL;
	if (!address ||
		(hash && salted_hash_holds(entry, "address_hash", "address_salt", address, "")))
		return NULL;
	return "The address does not match its hash.";
}

const char *entry_fault(const json_t *entry, const char *program_id,
	unsigned char ret_hash[static LEDGER_DIGEST_BYTES])
{
	unsigned char claimed[LEDGER_DIGEST_BYTES];
	int64_t format = line_number(entry, "format");

	if (!has_the_members(entry))
		return "An entry has other members than these, or a member is of the wrong type.";
	if (format < 1 || format >= FORMAT_COUNT)
		return "This format of entries is not known here.";
	hash_entry(entry, program_id, ret_hash);
	if (!line_digest(entry, "entry_hash", claimed) ||
		memcmp(claimed, ret_hash, sizeof claimed) != 0)
		return "The entry does not match its own hash.";
	const char *fault = content_fault(entry);
	return fault ? fault : address_fault(entry);
}

bool entry_lacks_content(const json_t *entry)
{
	return !line_text(entry, "previous") || !line_text(entry, "current");
}

bool entry_lacks_address(const json_t *entry)
{
	return line_text(entry, "address_hash") && !line_text(entry, "address");
}
