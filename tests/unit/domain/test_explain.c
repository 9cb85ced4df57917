/* SPDX-License-Identifier: Apache-2.0 */
/* Steps are kept in order; past the room the process stops rather than losing one. */
#include "domain/explain.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void fill(struct explanation *explanation, int count)
{
	for (int i = 0; i < count; i++)
		explain_add(explanation, "rule", i % 2 ? "bps" : NULL, i, i + 1, "A sentence.");
}

static void steps_are_kept_in_order(void **state)
{
	struct explanation explanation = { .rule_set = "margin", .rule_set_version = 3 };

	(void)state;
	fill(&explanation, EXPLAIN_MAX_STEPS);
	assert_int_equal(explanation.step_count, EXPLAIN_MAX_STEPS);
	for (int i = 0; i < EXPLAIN_MAX_STEPS; i++) {
		assert_int_equal(explanation.steps[i].before, i);
		assert_int_equal(explanation.steps[i].after, i + 1);
	}
	assert_null(explanation.steps[0].unit);
	assert_string_equal(explanation.steps[1].unit, "bps");
	assert_string_equal(explanation.steps[1].rule, "rule");
	assert_string_equal(explanation.steps[1].detail, "A sentence.");
	assert_string_equal(explanation.rule_set, "margin");
	assert_int_equal(explanation.rule_set_version, 3);
}

static void a_step_past_the_room_aborts(void **state)
{
	struct explanation explanation = { 0 };
	int status = 0;
	pid_t child;

	(void)state;
	fill(&explanation, EXPLAIN_MAX_STEPS);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		signal(SIGABRT, SIG_DFL);
		fill(&explanation, 1);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_are_kept_in_order),
		cmocka_unit_test(a_step_past_the_room_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
