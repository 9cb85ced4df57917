/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that move are always due, the others in turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "jobs/pulse.h"

#define PERIOD_MS 500
#define TURNS     (PULSE_REST_MS / PERIOD_MS)
#define REST_US   (PULSE_REST_MS * INT64_C(1000))
#define A         "01932c07-0000-7000-8000-000000000001"
#define B         "01932c07-0000-7000-8000-000000000002"

/* In how many passes of a whole rest the program is looked at. */
static int looks(struct pulse *pulse, const char *program_id, size_t place, int64_t now_us)
{
	int count = 0;
	for (uint64_t pass = 0; pass < TURNS; pass++)
		count += pulse_is_due(pulse, program_id, place, pass, PERIOD_MS, now_us);
	return count;
}

static void a_program_that_moves_is_always_due(void **state)
{
	struct pulse *pulse = pulse_make();
	(void)state;
	assert_int_equal(looks(pulse, A, 3, 0), TURNS);
	pulse_note(pulse, A, 7, 0);
	assert_int_equal(looks(pulse, A, 3, 0), TURNS);
	assert_int_equal(looks(pulse, A, 3, REST_US - 1), TURNS);
	assert_int_equal(looks(pulse, A, 3, REST_US), 1);
	pulse_note(pulse, A, 7, REST_US);
	assert_int_equal(looks(pulse, A, 3, REST_US), 1);
	pulse_note(pulse, A, 8, REST_US);
	assert_int_equal(looks(pulse, A, 3, REST_US), TURNS);
	pulse_touch(pulse, A, 3 * REST_US);
	assert_int_equal(looks(pulse, A, 3, 3 * REST_US), TURNS);
	pulse_free(pulse);
}

static void an_empty_ledger_rests_too(void **state)
{
	struct pulse *pulse = pulse_make();
	(void)state;
	pulse_note(pulse, A, 0, 0);
	assert_int_equal(looks(pulse, A, 0, 0), TURNS);
	assert_int_equal(looks(pulse, A, 0, REST_US), 1);
	pulse_free(pulse);
}

static void those_at_rest_take_turns(void **state)
{
	struct pulse *pulse = pulse_make();
	(void)state;
	pulse_note(pulse, B, 1, 0);
	pulse_note(pulse, A, 1, 0);
	for (uint64_t pass = 0; pass < 3 * TURNS; pass++)
		assert_false(pulse_is_due(pulse, A, 0, pass, PERIOD_MS, REST_US) &&
			     pulse_is_due(pulse, B, 1, pass, PERIOD_MS, REST_US));
	assert_int_equal(looks(pulse, B, 1, REST_US), 1);
	pulse_free(pulse);
}

static void a_slow_job_looks_at_all(void **state)
{
	struct pulse *pulse = pulse_make();
	(void)state;
	pulse_note(pulse, A, 1, 0);
	assert_true(pulse_is_due(pulse, A, 1, 4, PULSE_REST_MS, 9 * REST_US));
	assert_true(pulse_is_due(pulse, A, 1, 4, 60 * 1000, 9 * REST_US));
	pulse_free(pulse);
}

static void many_programs_are_told_apart(void **state)
{
	struct pulse *pulse = pulse_make();
	char id[37];
	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(id, sizeof id, "01932c07-0000-7000-8000-%012d", i * 7919 % 1000);
		pulse_note(pulse, id, 1, i % 2 == 0 ? 0 : REST_US);
	}
	for (int i = 0; i < 1000; i++) {
		snprintf(id, sizeof id, "01932c07-0000-7000-8000-%012d", i * 7919 % 1000);
		assert_int_equal(looks(pulse, id, 5, REST_US), i % 2 == 0 ? 1 : TURNS);
	}
	pulse_free(pulse);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_that_moves_is_always_due),
		cmocka_unit_test(an_empty_ledger_rests_too),
		cmocka_unit_test(those_at_rest_take_turns),
		cmocka_unit_test(a_slow_job_looks_at_all),
		cmocka_unit_test(many_programs_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
