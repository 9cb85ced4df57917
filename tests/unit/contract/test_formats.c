/* SPDX-License-Identifier: Apache-2.0 */
/* Each format with what it takes and what it refuses. */
#include "fixture.h"

#include "contract/formats.h"

struct example {
	const char *format;
	const char *yes[7];
	const char *no[16];
};

static const struct example examples[] = {
	{ "uuid",
		{ "01932c07-5f1e-7c3a-9b1d-2f6a4f0d9c11", "01932C07-5F1E-7C3A-9B1D-2F6A4F0D9C11" },
		{ "", "01932c07", "01932c075f1e7c3a9b1d2f6a4f0d9c11",
			"{01932c07-5f1e-7c3a-9b1d-2f6a4f0d9c11}",
			"01932c07-5f1e-7c3a-9b1d-2f6a4f0d9c1g" } },
	{ "date", { "2026-02-28", "2024-02-29" },
		{ "", "2026-02-29", "2026-13-01", "2026-00-10", "2026-1-1", "20260101",
			"2026-01-01T00:00:00Z" } },
	{ "date-time", { "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.678+02:00" },
		{ "", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02T03:04:60Z",
			"2026-01-02T24:00:00Z", "2026-02-30T00:00:00Z" } },
	{ "email",
		{ "a@b.co", "first.last+tag@mail.example.org", "o'neil@example.com",
			"x@1-2.example" },
		{ "", "a", "@", "a@", "@b.co", "a@b", "a.@b.co", ".a@b.co", "a..b@b.co", "a b@b.co",
			"a@b..co", "a@-b.co", "a@b.co.", "a@b@c.de", "\"a b\"@c.de" } },
	{ "hostname", { "a", "example.com", "xn--bcher-kva.example", "1.2.3.4" },
		{ "", ".", "a.", ".a", "-a", "a-", "a_b", "a..b", "bücher.example" } },
	{ "country-code", { "DE", "ZW" }, { "", "D", "de", "DEU", "UK", "XK" } },
	{ "uri",
		{ "https://example.com", "https://example.com:8080/a?b=c#d", "mailto:a@b.co",
			"urn:isbn:1", "http://[::1]/", "https://u:p@h/%20", "crm+v2.x-y:z" },
		{ "", "example.com", "/path", "//host/path", "https://", "https:///a",
			"http:", "1http://a", "https://a b", "https://a/%2", "https://a/%zz",
			"https://a/<b>", "https://a#b#c", "https://a/[b]", "https://é" } },
	{ "uri-reference",
		{ "", "/problems/not_found", "a/b?c", "#x", "https://example.com", "//host/a",
			"./a:b" },
		{ "a b", "1a:b", "/a[b]", "/%", ":a", "http:" } },
};

static void values_have_their_format(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		const struct format *format = format_find(examples[i].format);

		assert_non_null(format);
		for (size_t j = 0; j < 7 && examples[i].yes[j]; j++)
			if (!format->is_valid(examples[i].yes[j], strlen(examples[i].yes[j])))
				fail_msg("'%s' should be a %s", examples[i].yes[j], format->name);
		for (size_t j = 0; j < 16 && examples[i].no[j]; j++)
			if (format->is_valid(examples[i].no[j], strlen(examples[i].no[j])))
				fail_msg(
					"'%s' should not be a %s", examples[i].no[j], format->name);
	}
}

static void lengths_are_bounded(void **state)
{
	const struct format *email = format_find("email"), *host = format_find("hostname");
	char text[400];

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_true(host->is_valid(text, 63));
	assert_false(host->is_valid(text, 64));
	for (size_t i = 50; i < sizeof(text); i += 50)
		text[i] = '.';
	assert_true(host->is_valid(text, 253));
	assert_false(host->is_valid(text, 254));
	memset(text, 'a', 70);
	memcpy(text + 64, "@b.co", 5);
	assert_true(email->is_valid(text, 69));
	memcpy(text + 65, "@b.co", 5);
	text[64] = 'a';
	assert_false(email->is_valid(text, 70));
}

static void a_nul_is_in_no_format(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
		assert_false(format_find(examples[i].format)->is_valid("a\0b", 3));
}

static void other_formats_are_not_known(void **state)
{
	(void)state;
	assert_null(format_find("password"));
	assert_null(format_find(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_have_their_format),
		cmocka_unit_test(lengths_are_bounded),
		cmocka_unit_test(a_nul_is_in_no_format),
		cmocka_unit_test(other_formats_are_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
