/* SPDX-License-Identifier: Apache-2.0 */
/* Definitions by cases/custom_field.tsv, values by cases/custom_field_value.tsv. */
#include "domain/custom_field.h"

#include "tsv.h"

#define MAX_WORDS 4

/* Splits "a,b" in place. */
static size_t words(char *text, const char **out)
{
	size_t count = 0;

	for (char *word = strtok(text, ","); word && count < MAX_WORDS; word = strtok(NULL, ","))
		out[count++] = word;
	return count;
}

static size_t column_words(struct tsv *tsv, const char *column, char *room, const char **out)
{
	const char *text = tsv_text(tsv, column);

	snprintf(room, 64, "%s", text ? text : "");
	return words(room, out);
}

static void expect_violations(const struct tsv *tsv, bool is_good, const struct problem *problem)
{
	char text[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < problem->violation_count; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s:%s",
			used ? " " : "", problem->violations[i].where + 1,
			violation_code_text(problem->violations[i].code));
	assert_int_equal(is_good, problem->violation_count == 0);
	tsv_expect_text(tsv, "refused", used ? text : NULL);
}

static struct field_definition definition_of(struct tsv *tsv, char *room, const char **choices)
{
	struct field_definition definition = {
		.key = "f",
		.is_required = tsv_int(tsv, "is_required"),
		.choices = choices,
		.choice_count = column_words(tsv, "choices", room, choices),
	};

	assert_true(field_kind_parse(tsv_text(tsv, "kind"), &definition.kind));
	return definition;
}

static void definitions_follow_the_cases(void **state)
{
	struct tsv *tsv = tsv_open("custom_field.tsv");
	struct arena *arena = arena_new();

	(void)state;
	while (tsv_next(tsv)) {
		char room[64];
		const char *choices[MAX_WORDS];
		struct problem problem = PROBLEM_INIT;
		struct field_definition definition = definition_of(tsv, room, choices);

		definition.is_vendors = tsv_int(tsv, "is_vendors");
		expect_violations(
			tsv, field_definition_check(&definition, arena, &problem), &problem);
		arena_reset(arena);
	}
	arena_free(arena);
	tsv_close(tsv);
}

/* "text:x", "integer:", …; "-": no value at all. */
static size_t value_of(struct tsv *tsv, struct field_value *value)
{
	static const char *const types[] = { "null", "text", "integer", "real", "boolean" };
	const char *written = tsv_text(tsv, "value");

	if (!written)
		return 0;
	*value = (struct field_value){ .key = tsv_text(tsv, "key"), .where = "#/x" };
	while (strncmp(written, types[value->type], strlen(types[value->type])) != 0)
		value->type++;
	value->text = strchr(written, ':') + 1;
	return 1;
}

static void values_follow_the_cases(void **state)
{
	static const char *const duties[] = { "optional", "kept", "complete" };
	struct tsv *tsv = tsv_open("custom_field_value.tsv");
	struct arena *arena = arena_new();

	(void)state;
	while (tsv_next(tsv)) {
		char room[64];
		const char *choices[MAX_WORDS];
		struct field_value value;
		struct problem problem = PROBLEM_INIT;
		bool is_free = strcmp(tsv_text(tsv, "kind"), "free") == 0;
		struct field_definition definition = { 0 };
		struct field_set set = { .is_free = is_free, .where = "#/f" };

		if (!is_free) {
			definition = definition_of(tsv, room, choices);
			set.definitions = &definition;
			set.definition_count = 1;
		}
		while (strcmp(tsv_text(tsv, "duty"), duties[set.duty]) != 0)
			set.duty++;
		size_t count = value_of(tsv, &value);
		expect_violations(
			tsv, field_values_check(&set, &value, count, arena, &problem), &problem);
		arena_reset(arena);
	}
	arena_free(arena);
	tsv_close(tsv);
}

static void kinds_are_known_by_name(void **state)
{
	enum field_kind kind;

	(void)state;
	assert_true(field_kind_parse("multi_choice", &kind));
	assert_int_equal(kind, FIELD_multi_choice);
	assert_false(field_kind_parse("money", &kind));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(definitions_follow_the_cases),
		cmocka_unit_test(values_follow_the_cases),
		cmocka_unit_test(kinds_are_known_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
