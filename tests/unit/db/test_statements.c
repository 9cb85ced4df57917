/* SPDX-License-Identifier: Apache-2.0 */
/* Files of named statements, parameter types, interning, and the set of prepared statements of a
 * connection. */
#include "db/internal.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- files ---- */

static bool parse(struct statement_list *list, const char *text, struct text *reterr)
{
	const struct embedded_file file = { "sql/statements/test.sql", text, text + strlen(text) };
	return statements_parse(list, &file, reterr);
}

static void test_two_statements(void **state)
{
	(void)state;
	struct statement_list list = { 0 };
	struct text error = TEXT_INIT;
	assert_true(parse(&list,
		"-- SPDX\n\n-- name: deal_facts\n-- why\nselect 1;\n\n-- name:  deal_write "
		"\nselect\n\t2\n",
		&error));
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0].name, "deal_facts");
	assert_string_equal(list.items[0].sql, "-- why\nselect 1;");
	assert_string_equal(list.items[0].types, STATEMENT_TYPES);
	assert_string_equal(list.items[1].name, "deal_write");
	assert_string_equal(list.items[1].sql, "select\n\t2");
	assert_null(error.bytes);
	statement_list_release(&list);
}

static void test_mark_counts_only_at_the_start_of_a_line(void **state)
{
	(void)state;
	struct statement_list list = { 0 };
	struct text error = TEXT_INIT;
	assert_true(parse(&list, "-- name: a\nselect '\t-- name: b'", &error));
	assert_int_equal(list.count, 1);
	assert_string_equal(list.items[0].sql, "select '\t-- name: b'");
	statement_list_release(&list);
}

static void test_file_of_comments(void **state)
{
	(void)state;
	struct statement_list list = { 0 };
	struct text error = TEXT_INIT;
	assert_true(parse(&list, "-- nothing yet\n\n  -- really", &error));
	assert_true(parse(&list, "", &error));
	assert_int_equal(list.count, 0);
	statement_list_release(&list);
}

static void test_bad_files(void **state)
{
	(void)state;
	static const struct {
		const char *text, *complaint;
	} cases[] = {
		{ "select 1;\n-- name: a\nselect 1", "text before the first" },
		{ "-- name: a\nselect 1\n-- name: a\nselect 2", "'a' is there twice" },
		{ "-- name: Deal\nselect 1", "'Deal' is not lower snake case" },
		{ "-- name:\nselect 1", "'' is not lower snake case" },
		{ "-- name: a b\nselect 1", "'a b' is not lower snake case" },
		{ "-- name: a234567890123456789012345678901234567890123456789012345678901\nselect "
		  "1",
			"is not lower snake case of at most 60" },
		{ "-- name: a\n-- only words\n\n-- name: b\nselect 1", "'a' has no text" },
		{ "-- name: a", "'a' has no text" },
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct statement_list list = { 0 };
		struct text error = TEXT_INIT;
		assert_false(parse(&list, cases[i].text, &error));
		assert_non_null(strstr(error.bytes, "sql/statements/test.sql"));
		if (!strstr(error.bytes, cases[i].complaint))
			fail_msg("'%s' does not say '%s'", error.bytes, cases[i].complaint);
		text_release(&error);
		statement_list_release(&list);
	}
}

static void test_embedded_statements_are_found(void **state)
{
	(void)state;
	assert_null(statement_find("no_statement_has_this_name"));
	assert_null(statement_at(statement_count()));
	for (size_t i = 0; i < statement_count(); i++) {
		const struct statement *statement = statement_at(i);
		assert_ptr_equal(statement_find(statement->name), statement);
		assert_string_equal(statement->types, STATEMENT_TYPES);
	}
}

/* ---- types ---- */

static void test_types(void **state)
{
	(void)state;
	Oid oids[DB_MAX_PARAMS];
	assert_int_equal(types_to_oids("utjibzdT", oids), 8);
	static const Oid expected[] = { 2950, 25, 3802, 20, 16, 1184, 1082, 1009 };
	assert_memory_equal(oids, expected, sizeof(expected));
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(oid_to_type(expected[i]), "utjibzdT"[i]);
	assert_int_equal(types_to_oids("", oids), 0);
	assert_int_equal(types_to_oids("uq", oids), -1);
	assert_int_equal(types_to_oids("x", oids), -1);
}

static void test_types_are_bounded(void **state)
{
	(void)state;
	Oid oids[DB_MAX_PARAMS];
	char types[DB_MAX_PARAMS + 2];
	memset(types, 't', sizeof(types));
	types[DB_MAX_PARAMS] = '\0';
	assert_int_equal(types_to_oids(types, oids), DB_MAX_PARAMS);
	types[DB_MAX_PARAMS] = 't';
	types[DB_MAX_PARAMS + 1] = '\0';
	assert_int_equal(types_to_oids(types, oids), -1);
}

static void test_types_of_columns(void **state)
{
	(void)state;
	assert_int_equal(oid_to_type(21), 'i');   /* int2 */
	assert_int_equal(oid_to_type(23), 'i');   /* int4 */
	assert_int_equal(oid_to_type(1043), 't'); /* varchar */
	assert_int_equal(oid_to_type(114), 'j');  /* json */
	assert_int_equal(oid_to_type(17), 'x');   /* bytea */
	assert_int_equal(oid_to_type(0), 'x');
}

/* ---- interning ---- */

static void test_same_text_is_same_statement(void **state)
{
	(void)state;
	char sql[] = "select 'interned' where $1 = 1";
	const struct statement *one = statement_intern("deal_list", sql, "i");
	assert_ptr_not_equal(one->sql, sql);
	assert_string_equal(one->sql, sql);
	assert_string_equal(one->types, "i");
	assert_ptr_equal(statement_intern("deal_list", "select 'interned' where $1 = 1", "i"), one);
	sql[0] = 'S';
	assert_string_equal(one->sql, "select 'interned' where $1 = 1");
}

static void test_other_text_or_types_is_another(void **state)
{
	(void)state;
	const struct statement *one = statement_intern("deal_list", "select $1", "i");
	const struct statement *other = statement_intern("deal_list", "select $2", "i");
	const struct statement *typed = statement_intern("deal_list", "select $1", "t");
	assert_ptr_not_equal(one, other);
	assert_ptr_not_equal(one, typed);
	assert_string_not_equal(one->name, other->name);
	assert_string_not_equal(one->name, typed->name);
}

static void test_interned_name_is_short_and_begins_with_prefix(void **state)
{
	(void)state;
	const struct statement *one = statement_intern(
		"a_prefix_of_more_than_forty_letters_which_is_cut_somewhere", "select 'long'", "");
	assert_true(strlen(one->name) <= 60);
	assert_memory_equal(one->name, "a_prefix_of_more_than_forty_letters", 35);
	assert_int_equal(
		strspn(one->name, "abcdefghijklmnopqrstuvwxyz0123456789_"), strlen(one->name));
}

#define TEXTS 200

static void *intern_all(void *argument)
{
	const struct statement **found = argument;
	for (int i = 0; i < TEXTS; i++) {
		char sql[40];
		snprintf(sql, sizeof(sql), "select 'thread' || %d", i);
		found[i] = statement_intern("thread", sql, "");
	}
	return NULL;
}

static void test_threads_get_the_same(void **state)
{
	(void)state;
	static const struct statement *found[4][TEXTS];
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, intern_all, found[i]), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (int i = 1; i < 4; i++)
		assert_memory_equal(found[i], found[0], sizeof(found[0]));
}

/* ---- what a connection has prepared ---- */

static void test_prepared_set(void **state)
{
	(void)state;
	struct prepared *prepared = calloc(1, sizeof(*prepared));
	const struct statement one = { "one", "select 1", "" };
	char same_sql[] = "select 1", same_name[] = "one";
	const struct statement same = { same_name, same_sql, "" };
	const struct statement other_text = { "one", "select 2", "" };
	assert_false(prepared_has(prepared, &one));
	assert_true(prepared_add(prepared, &one));
	assert_true(prepared_has(prepared, &one));
	assert_true(prepared_has(prepared, &same));
	assert_false(prepared_has(prepared, &other_text));
	assert_true(prepared_add(prepared, &same));
	assert_int_equal(prepared->count, 1);
	prepared_clear(prepared);
	assert_false(prepared_has(prepared, &one));
	assert_int_equal(prepared->count, 0);
	free(prepared);
}

static void test_prepared_set_is_bounded(void **state)
{
	(void)state;
	struct prepared *prepared = calloc(1, sizeof(*prepared));
	const struct statement *statements[PREPARED_MAX + 1];
	for (size_t i = 0; i <= PREPARED_MAX; i++) {
		char sql[40];
		snprintf(sql, sizeof(sql), "select %zu", i);
		statements[i] = statement_intern("bounded", sql, "");
		assert_int_equal(prepared_add(prepared, statements[i]), i < PREPARED_MAX);
	}
	for (size_t i = 0; i < PREPARED_MAX; i++)
		assert_true(prepared_has(prepared, statements[i]));
	assert_false(prepared_has(prepared, statements[PREPARED_MAX]));
	free(prepared);
}

/* Stands last: there is no more room afterwards. */
static void test_interning_is_bounded(void **state)
{
	(void)state;
	const struct statement *known = statement_intern("known", "select 'known'", "");
	assert_non_null(known);
	const struct statement *made = known;
	size_t count = 0;
	for (; made && count <= STATEMENT_MAX_INTERNED; count++) {
		char sql[40];
		snprintf(sql, sizeof(sql), "select 'room', %zu", count);
		made = statement_intern("room", sql, "");
	}
	assert_null(made);
	assert_true(count <= STATEMENT_MAX_INTERNED);
	assert_ptr_equal(statement_intern("known", "select 'known'", ""), known);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_statements),
		cmocka_unit_test(test_mark_counts_only_at_the_start_of_a_line),
		cmocka_unit_test(test_file_of_comments),
		cmocka_unit_test(test_bad_files),
		cmocka_unit_test(test_embedded_statements_are_found),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_types_are_bounded),
		cmocka_unit_test(test_types_of_columns),
		cmocka_unit_test(test_same_text_is_same_statement),
		cmocka_unit_test(test_other_text_or_types_is_another),
		cmocka_unit_test(test_interned_name_is_short_and_begins_with_prefix),
		cmocka_unit_test(test_threads_get_the_same),
		cmocka_unit_test(test_prepared_set),
		cmocka_unit_test(test_prepared_set_is_bounded),
		cmocka_unit_test(test_interning_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
