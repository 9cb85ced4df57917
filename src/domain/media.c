/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Media types and the bytes they begin with. What a browser would run (HTML, SVG) and what a
 * desktop would (programs) is not taken at all. A new type is a row here, a value of MediaType in
 * the contract, and lines in tests/unit/domain/cases/media.tsv.
 */
#include "domain/media.h"

#include <string.h>

#define ZIP           "PK\x03\x04"
#define OLE           "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
#define OPEN_XML      "application/vnd.openxmlformats-officedocument."
#define OPEN_DOCUMENT "application/vnd.oasis.opendocument."

static const struct row {
	const char *media_type;
	const char *magic; /* NULL: text */
	size_t at;
} rows[] = {
	{ "application/pdf", "%PDF-", 0 },
	{ "image/png", "\x89PNG\r\n\x1a\n", 0 },
	{ "image/jpeg", "\xff\xd8\xff", 0 },
	{ "image/gif", "GIF8", 0 },
	{ "image/webp", "WEBP", 8 },
	{ "application/zip", ZIP, 0 },
	{ OPEN_XML "wordprocessingml.document", ZIP, 0 },
	{ OPEN_XML "spreadsheetml.sheet", ZIP, 0 },
	{ OPEN_XML "presentationml.presentation", ZIP, 0 },
	{ OPEN_DOCUMENT "text", ZIP, 0 },
	{ OPEN_DOCUMENT "spreadsheet", ZIP, 0 },
	{ OPEN_DOCUMENT "presentation", ZIP, 0 },
	{ "application/msword", OLE, 0 },
	{ "application/vnd.ms-excel", OLE, 0 },
	{ "application/vnd.ms-powerpoint", OLE, 0 },
	{ "text/plain", NULL, 0 },
	{ "text/csv", NULL, 0 },
	{ "application/json", NULL, 0 },
	{ "application/x-ndjson", NULL, 0 },
};

bool media_fits(const char *media_type, const char *head, size_t length, bool is_text)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];

		if (strcmp(row->media_type, media_type) != 0)
			continue;
		if (!row->magic)
			return is_text;
		return length >= row->at + strlen(row->magic) &&
		       memcmp(head + row->at, row->magic, strlen(row->magic)) == 0;
	}
	return false;
}
