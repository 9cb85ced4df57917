/* SPDX-License-Identifier: Apache-2.0 */
/* The moves of every object against cases/transitions.tsv, both ways, and what a refused caller is
 * told. */
#include "domain/state.h"

#include "tsv.h"

struct machine {
	const char *object;
	const struct transition *table;
	const char *states; /* separated by spaces */
};

static const struct machine machines[] = {
	{ "deal", deal_transitions,
		"draft submitted in_review info_requested conflict_hold approved rejected "
		"withdrawn "
		"won lost expired cancelled" },
	{ "extension", extension_transitions, "requested approved rejected withdrawn" },
	{ "partner", partner_transitions, "onboarding active suspended terminated" },
	{ "application", application_transitions,
		"draft submitted in_review info_requested approved rejected withdrawn" },
	{ "relation", relation_transitions, "planned current ended" },
	{ "template", template_transitions, "draft published retired" },
	{ "agreement", agreement_transitions, "offered accepted superseded withdrawn" },
	{ "contact", contact_transitions, "active erased" },
	{ "dispute", dispute_transitions,
		"opened evidence evidence_closed frozen decided final appealed closed" },
	{ "tier", tier_transitions, "draft scheduled published revised retired" },
	{ "user", user_transitions, "invited active disabled erased" },
	{ "client", client_transitions, "active expired revoked" },
	{ "certification", certification_transitions, "active revoked" },
	{ "help", help_transitions, "requested accepted declined completed withdrawn" },
	{ "special_price", special_price_transitions,
		"requested approved rejected withdrawn expired" },
	{ "form_key", form_key_transitions, "active revoked" },
	{ "import", import_transitions,
		"created validating validated running completed cancelled failed" },
};

#define MACHINES (sizeof(machines) / sizeof(machines[0]))

static const struct machine *machine_of(const char *object)
{
	for (size_t i = 0; i < MACHINES; i++) {
		if (strcmp(machines[i].object, object) == 0)
			return &machines[i];
	}
	fail_msg("there is no %s", object);
	return NULL;
}

static void every_listed_move_is_allowed(void **state)
{
	struct tsv *tsv = tsv_open("transitions.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		const struct machine *machine = machine_of(tsv_text(tsv, "object"));
		const char *from = tsv_text(tsv, "from");
		const struct transition *row =
			transition_find(machine->table, tsv_text(tsv, "action"), from);

		if (!row) {
			fail_msg("%s:%d: refused", tsv->name, tsv->line);
			return;
		}
		tsv_expect_text(tsv, "to", row->to ? row->to : from);
		tsv_expect_text(tsv, "action", row->action);
	}
	tsv_close(tsv);
}

static int listed_moves(const char *object)
{
	struct tsv *tsv = tsv_open("transitions.tsv");
	int count = 0;

	while (tsv_next(tsv))
		count += strcmp(tsv_text(tsv, "object"), object) == 0;
	tsv_close(tsv);
	return count;
}

static int allowed_moves(const struct machine *machine)
{
	char states[256];
	char *rest = states;
	int count = 0;

	snprintf(states, sizeof(states), "%s", machine->states);
	for (char *status = strsep(&rest, " "); status; status = strsep(&rest, " ")) {
		for (const struct transition *row = machine->table; row->action; row++)
			count += transition_find(machine->table, row->action, status) == row;
	}
	return count;
}

/* All listed moves are allowed (above), so equal numbers mean that nothing else is. */
static void no_other_move_is_allowed(void **state)
{
	(void)state;
	for (size_t i = 0; i < MACHINES; i++)
		assert_int_equal(allowed_moves(&machines[i]), listed_moves(machines[i].object));
}

static void names_match_whole(void **state)
{
	(void)state;
	assert_null(transition_find(deal_transitions, "submit", "info"));
	assert_null(transition_find(deal_transitions, "submit", "info_requested draft"));
	assert_null(transition_find(deal_transitions, "submit", "draft info_requested"));
	assert_null(transition_find(deal_transitions, "submit", ""));
	assert_null(transition_find(deal_transitions, "sub", "draft"));
	assert_null(transition_find(deal_transitions, "delete", "draft"));
}

static void refusals_say_from_and_what_is_allowed(void **state)
{
	struct tsv *tsv = tsv_open("transition_refusals.tsv");

	(void)state;
	while (tsv_next(tsv)) {
		struct problem problem = PROBLEM_INIT;
		const char *object = tsv_text(tsv, "object");

		if (transition_require(machine_of(object)->table, object, tsv_text(tsv, "action"),
			    tsv_text(tsv, "participle"), tsv_text(tsv, "status"), &problem))
			fail_msg("%s:%d: allowed", tsv->name, tsv->line);
		assert_int_equal(problem.code, PROBLEM_invalid_transition);
		tsv_expect_text(tsv, "detail", problem.detail);
		tsv_expect_text(tsv, "status", problem.from);
		tsv_expect_text(tsv, "allowed", problem.allowed[0] ? problem.allowed : NULL);
	}
	tsv_close(tsv);
}

static void an_allowed_move_sets_no_problem(void **state)
{
	struct problem problem = PROBLEM_INIT;
	const struct transition *row = transition_require(
		partner_transitions, "partner", "change-tier", "moved", "suspended", &problem);

	(void)state;
	assert_non_null(row);
	assert_null(row->to);
	assert_false(problem.is_set);
	assert_string_equal(problem.allowed, "");
}

static void an_earlier_refusal_is_not_mixed_with_this_one(void **state)
{
	struct problem problem = PROBLEM_INIT;

	(void)state;
	problem_set(&problem, PROBLEM_not_found, "There is no such deal.");
	assert_null(transition_require(deal_transitions, "deal", "win", "won", "draft", &problem));
	assert_int_equal(problem.code, PROBLEM_not_found);
	assert_string_equal(problem.from, "");
	assert_string_equal(problem.allowed, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_listed_move_is_allowed),
		cmocka_unit_test(no_other_move_is_allowed),
		cmocka_unit_test(names_match_whole),
		cmocka_unit_test(refusals_say_from_and_what_is_allowed),
		cmocka_unit_test(an_allowed_move_sets_no_problem),
		cmocka_unit_test(an_earlier_refusal_is_not_mixed_with_this_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
