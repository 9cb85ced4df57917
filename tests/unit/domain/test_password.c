/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords by cases/passwords.tsv, and the core they are compared by. */
#include "domain/password.h"

#include "tsv.h"

static const char *const known[] = { "dragon", "iloveyou", "letmein", "monkey", "password" };
static const struct password_list list = { known, sizeof known / sizeof known[0] };

static const char *verdict_text(enum password_fault fault)
{
	static const char *const texts[] = { [PASSWORD_FIT] = "fit",
		[PASSWORD_TOO_SHORT] = "short",
		[PASSWORD_TOO_LONG] = "long",
		[PASSWORD_COMMON] = "common",
		[PASSWORD_OWN] = "own",
		[PASSWORD_PROGRAM] = "program" };

	return texts[fault];
}

static void passwords_are_judged_as_their_row_says(void **state)
{
	struct tsv *tsv = tsv_open("passwords.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		const struct password_owner owner = { tsv_text(tsv, "email"),
			tsv_text(tsv, "program"), tsv_text(tsv, "slug") };
		enum password_fault fault =
			password_judge(tsv_text(tsv, "password"), &owner, &list);

		tsv_expect_text(tsv, "verdict", verdict_text(fault));
		assert_true(strlen(password_fault_text(fault)) > 0);
	}
	assert_true(tsv->cases > 30);
	tsv_close(tsv);
}

static void length_is_counted_in_characters(void **state)
{
	const struct password_owner nobody = { NULL, NULL, NULL };
	char text[4 * 130 + 1] = "";

	(void)state;
	for (int points = 1; points <= 130; points++) {
		strcat(text, points % 2 ? "\xf0\x9f\x90\x9f" : "\xf0\x9f\x90\xa0");
		enum password_fault fault = password_judge(text, &nobody, &list);

		if (points < 12)
			assert_int_equal(fault, PASSWORD_TOO_SHORT);
		else if (points > 128)
			assert_int_equal(fault, PASSWORD_TOO_LONG);
		else
			assert_int_equal(fault, PASSWORD_FIT);
	}
}

static void cores_are_cut_to_their_room(void **state)
{
	char text[4 * PASSWORD_CORE_BYTES], core[PASSWORD_CORE_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof text; i++)
		text[i] = (char)('a' + i * i % 23);
	password_core(text, sizeof text, core);
	assert_true(strlen(core) < PASSWORD_CORE_BYTES);
	password_core("", 0, core);
	assert_string_equal(core, "");
	password_core("12", 2, core);
	assert_string_equal(core, "");
	password_core("a1", 2, core);
	assert_string_equal(core, "a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passwords_are_judged_as_their_row_says),
		cmocka_unit_test(length_is_counted_in_characters),
		cmocka_unit_test(cores_are_cut_to_their_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
