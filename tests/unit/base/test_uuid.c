/* SPDX-License-Identifier: Apache-2.0 */
/* Ids: the form of RFC 9562, order within a process, no two alike in many threads. */
#include "base/uuid.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"

#define THREADS    4
#define PER_THREAD 20000

static void an_id_has_version_variant_and_the_present_time(void **state)
{
	int64_t before_ms = clock_now_us() / 1000;
	char id[UUID_TEXT_BYTES];
	char time_digits[13];
	int64_t time_ms;

	(void)state;
	uuid_v7(id);
	assert_int_equal(strlen(id), 36);
	assert_true(uuid_is_valid(id, 36));
	assert_int_equal(strspn(id, "0123456789abcdef-"), 36);
	assert_int_equal(id[14], '7');
	assert_non_null(strchr("89ab", id[19]));
	snprintf(time_digits, sizeof(time_digits), "%.8s%.4s", id, id + 9);
	time_ms = strtoll(time_digits, NULL, 16);
	assert_true(time_ms >= before_ms);
	assert_true(time_ms <= clock_now_us() / 1000);
}

static void ids_of_a_process_ascend(void **state)
{
	char previous[UUID_TEXT_BYTES];
	char next[UUID_TEXT_BYTES];

	(void)state;
	uuid_v7(previous);
	/* Far more than one millisecond's counter holds. */
	for (int i = 0; i < 50000; i++) {
		uuid_v7(next);
		assert_true(strcmp(previous, next) < 0);
		memcpy(previous, next, sizeof(next));
	}
}

static void *make_ids(void *room)
{
	char(*ids)[UUID_TEXT_BYTES] = room;

	for (int i = 0; i < PER_THREAD; i++)
		uuid_v7(ids[i]);
	return NULL;
}

static int compare_ids(const void *left, const void *right)
{
	return strcmp(left, right);
}

/* Without the random tail: the ordered part alone must already tell ids of one process apart. */
static void threads_never_share_a_tick(void **state)
{
	static char ids[THREADS * PER_THREAD][UUID_TEXT_BYTES];
	pthread_t threads[THREADS];

	(void)state;
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, make_ids, ids[i * PER_THREAD]), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < THREADS * PER_THREAD; i++)
		ids[i][18] = '\0';
	qsort(ids, THREADS * PER_THREAD, sizeof(ids[0]), compare_ids);
	for (int i = 1; i < THREADS * PER_THREAD; i++)
		assert_string_not_equal(ids[i - 1], ids[i]);
}

static void random_tails_differ_and_leave_version_and_variant(void **state)
{
	static char tails[1000][UUID_TEXT_BYTES];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		uuid_v7(tails[i]);
		assert_int_equal(tails[i][14], '7');
		assert_non_null(strchr("89ab", tails[i][19]));
		memmove(tails[i], tails[i] + 19, 18);
	}
	qsort(tails, 1000, sizeof(tails[0]), compare_ids);
	for (int i = 1; i < 1000; i++)
		assert_string_not_equal(tails[i - 1], tails[i]);
}

static void only_the_hyphenated_form_is_valid(void **state)
{
	(void)state;
	assert_true(uuid_is_valid("0198c5f0-7d3a-7b12-9f00-0123456789ab", 36));
	assert_true(uuid_is_valid("0198C5F0-7D3A-7B12-9F00-0123456789AB", 36));
	assert_true(uuid_is_valid("00000000-0000-0000-0000-000000000000", 36));
	assert_false(uuid_is_valid("", 0));
	assert_false(uuid_is_valid("0198c5f0-7d3a-7b12-9f00-0123456789a", 35));
	assert_false(uuid_is_valid("0198c5f0-7d3a-7b12-9f00-0123456789abc", 37));
	assert_false(uuid_is_valid("0198c5f0-7d3a-7b12-9f000-123456789ab", 36));
	assert_false(uuid_is_valid("0198c5f0-7d3a-7b12-9f00-0123456789ag", 36));
	assert_false(uuid_is_valid("0198c5f07d3a7b129f000123456789ab    ", 36));
	assert_false(uuid_is_valid("-198c5f0-7d3a-7b12-9f00-0123456789ab", 36));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_id_has_version_variant_and_the_present_time),
		cmocka_unit_test(ids_of_a_process_ascend),
		cmocka_unit_test(threads_never_share_a_tick),
		cmocka_unit_test(random_tails_differ_and_leave_version_and_variant),
		cmocka_unit_test(only_the_hyphenated_form_is_valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
