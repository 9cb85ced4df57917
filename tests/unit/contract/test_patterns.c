/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns: what matches, what does not, what is refused, and that no text makes them slow. */
#include "fixture.h"

#include "contract/patterns.h"

struct example {
	const char *pattern;
	const char *yes[4];
	const char *no[6];
};

static const struct example examples[] = {
	{ "^[A-Z]{3}$", { "EUR" }, { "EU", "EURO", "eur", "", "EUR\n" } },
	{ "^$", { "" }, { "a" } },
	{ "", { "", "anything" }, { NULL } },
	{ "b", { "b", "abc" }, { "", "ac" } },
	{ "^b", { "b", "bc" }, { "ab" } },
	{ "b$", { "b", "ab" }, { "ba" } },
	{ "^[a-z][a-z0-9_-]{0,3}:.+$", { "crm:1", "a:b", "a_-9:é" },
		{ "crm", "crm:", "1a:x", "abcde:x", "a:\n" } },
	{ "^(https?|ftp)://[^/]+/?$", { "http://a", "https://a/", "ftp://b" },
		{ "gopher://a", "http:///", "http://a/b" } },
	{ "^\\d+\\.\\d{2}$", { "1.50", "100.00" }, { "1.5", "1,50", "٣.50" } },
	{ "^\\w+$", { "a_Z9" }, { "a-b", "é", "" } },
	{ "^\\W\\D\\S$", { "-a-" }, { "aa-", "-1-", "-a " } },
	{ "^[\\w.-]+$", { "a.b-c" }, { "a b" } },
	{ "^[^\\d\\s]+$", { "ab", "é" }, { "a1", "a b", "" } },
	{ "^[\\D]$", { "a", "😀" }, { "1" } },
	{ "^[^a-cb-e]$", { "f", "é" }, { "a", "d", "e" } },
	{ "^[]$", { NULL }, { "", "a", "]" } },
	{ "^[a\\]-]$", { "a", "]", "-" }, { "b", "\\" } },
	{ "^[-a]$", { "-", "a" }, { "b" } },
	{ "^[^]$", { "a", "\n" }, { "" } },
	{ "^.$", { "a", "é", "😀" }, { "", "ab", "\n", "\r", "\xE2\x80\xA8" } },
	{ "^é{2}$", { "éé" }, { "é", "e" } },
	{ "^[à-ü]+$", { "éè" }, { "a", "ÿ" } },
	{ "^[\\u00e0-\\u00fc\\x41]+$", { "éA" }, { "B" } },
	{ "^a*b+c?$", { "b", "aabbc" }, { "a", "ac", "bcc" } },
	{ "^(ab|cd)*$", { "", "abcd", "cdab" }, { "abc", "ac" } },
	{ "^(?:a|b(?:c|d))e$", { "ae", "bce", "bde" }, { "be", "ace" } },
	{ "^(a{2}){2,3}$", { "aaaa", "aaaaaa" }, { "aa", "aaa", "aaaaa", "aaaaaaaa" } },
	{ "^a{2,}$", { "aa", "aaaaa" }, { "", "a" } },
	{ "^a{0}b$", { "b" }, { "ab" } },
	{ "^(a|)b$", { "ab", "b" }, { "aab" } },
	{ "^(a*)*$", { "", "aaa" }, { "b" } },
	{ "^(a*|b)*c$", { "c", "abac" }, { "ab" } },
	{ "^a|b$", { "ax", "xb" }, { "xa", "bx" } },
	{ "^(^a|b)$", { "a", "b" }, { "ab" } },
	{ "a$|^b", { "xa", "bx" }, { "ax", "xb" } },
	{ "^\\^\\$\\\\\\/\\-\\t$", { "^$\\/-\t" }, { "^$/-" } },
	{ "^\\s$", { " ", "\t", "\xC2\xA0", "\xE3\x80\x80" }, { "a", "\xE2\x80\x8B" } },
};

static void texts_match_or_do_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(examples) / sizeof(examples[0]); i++) {
		struct arena *arena = arena_new();
		struct text error = TEXT_INIT;
		const struct pattern *pattern = pattern_compile(arena, examples[i].pattern, &error);

		if (!pattern)
			fail_msg("%s", error.bytes);
		for (size_t j = 0; j < 4 && examples[i].yes[j]; j++)
			if (!pattern_matches(
				    pattern, examples[i].yes[j], strlen(examples[i].yes[j])))
				fail_msg("%s should match '%s'", examples[i].pattern,
					examples[i].yes[j]);
		for (size_t j = 0; j < 6 && examples[i].no[j]; j++)
			if (pattern_matches(pattern, examples[i].no[j], strlen(examples[i].no[j])))
				fail_msg("%s should not match '%s'", examples[i].pattern,
					examples[i].no[j]);
		arena_free(arena);
	}
}

static void what_is_not_supported_is_refused(void **state)
{
	static const char *const refused[] = { "(?=a)", "(?!a)", "(?<n>a)", "(?<=a)b", "\\1",
		"\\bword", "\\p{L}", "a*?", "a++", "a**", "*a", "+", "?", "{2}", "a{", "a{,2}",
		"a{2", "a{2,1}", "a{x}", "a{1001}", "a{99999999999999999999}",
		"a{1,99999999999999999999}", "(", "(a", "a)", ")", "[a", "[", "[a-", "[z-a]",
		"[a-\\d]", "[\\", "\\", "a\\", "\\x4", "\\u12g4", "\\q", "]", "}", "^*", "$+",
		"(a{100}){100}", "((((a{0,30}){30}){30}){30}", "(((){1000}){1000}){1000}" };

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		struct arena *arena = arena_new();
		struct text error = TEXT_INIT;

		if (pattern_compile(arena, refused[i], &error))
			fail_msg("compiled: %s", refused[i]);
		assert_non_null(strstr(error.bytes, "is not supported: "));
		text_release(&error);
		arena_free(arena);
	}
}

static void deep_and_long_sources_are_refused(void **state)
{
	struct arena *arena = arena_new();
	struct text error = TEXT_INIT;
	char source[1200];

	(void)state;
	memset(source, '(', 100);
	source[100] = '\0';
	assert_null(pattern_compile(arena, source, &error));
	memset(source, 'a', 1100);
	source[1100] = '\0';
	assert_null(pattern_compile(arena, source, &error));
	source[1000] = '\0';
	assert_non_null(pattern_compile(arena, source, &error));
	text_release(&error);
	arena_free(arena);
}

/* A backtracking engine would need longer than the universe has; the test would not end. */
static void no_text_makes_it_slow(void **state)
{
	struct arena *arena = arena_new();
	struct text error = TEXT_INIT;
	const struct pattern *pattern =
		pattern_compile(arena, "^(a*)*(a|aa)+(a?){30}a{30}b$", &error);
	char text[2001];

	(void)state;
	assert_non_null(pattern);
	memset(text, 'a', 2000);
	text[2000] = '\0';
	assert_false(pattern_matches(pattern, text, 2000));
	text[1999] = 'b';
	assert_true(pattern_matches(pattern, text, 2000));
	arena_free(arena);
}

static void broken_utf8_is_read_within_bounds(void **state)
{
	static const char *const broken[] = { "\xF0", "\xE2\x82", "a\xC3", "\x80",
		"\xFF\xFF\xFF\xFF" };
	struct arena *arena = arena_new();
	struct text error = TEXT_INIT;
	const struct pattern *pattern = pattern_compile(arena, "^[a-z]+$", &error);

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		size_t length = strlen(broken[i]);
		char *copy =
			malloc(length); /* without a NUL, so that the sanitizer sees an overrun */

		memcpy(copy, broken[i], length);
		assert_false(pattern_matches(pattern, copy, length));
		free(copy);
	}
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_match_or_do_not),
		cmocka_unit_test(what_is_not_supported_is_refused),
		cmocka_unit_test(deep_and_long_sources_are_refused),
		cmocka_unit_test(no_text_makes_it_slow),
		cmocka_unit_test(broken_utf8_is_read_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
