/* SPDX-License-Identifier: Apache-2.0 */
/* Which kinds of files are taken, and what they must look like: cases/media.tsv. */
#include "domain/media.h"

#include "tsv.h"

static size_t bytes_of(const char *hex, char *out)
{
	size_t length = strlen(hex) / 2;

	for (size_t i = 0; i < length; i++) {
		char pair[3] = { hex[2 * i], hex[2 * i + 1], '\0' };
		out[i] = (char)strtol(pair, NULL, 16);
	}
	return length;
}

static void content_looks_like_its_kind(void **state)
{
	struct tsv *tsv = tsv_open("media.tsv");
	char head[TSV_BYTES];

	(void)state;
	while (tsv_next(tsv)) {
		size_t length = bytes_of(tsv_text(tsv, "head"), head);

		tsv_expect_int(tsv, "fits",
			media_fits(tsv_text(tsv, "media_type"), head, length,
				tsv_int(tsv, "is_text") != 0));
	}
	tsv_close(tsv);
}

static void nothing_is_nothing(void **state)
{
	(void)state;
	assert_false(media_fits("application/pdf", "", 0, true));
	assert_true(media_fits("text/plain", "", 0, true));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(content_looks_like_its_kind),
		cmocka_unit_test(nothing_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
