/* SPDX-License-Identifier: Apache-2.0 */
/* Log lines as another program reads them: standard error is a pipe, each line goes through
 * jansson. */
#include "base/log.h"

#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

static FILE *captured;
static int real_stderr;

static int capture_begin(void **state)
{
	(void)state;
	captured = tmpfile();
	assert_non_null(captured);
	fflush(stderr);
	real_stderr = dup(STDERR_FILENO);
	fcntl(fileno(captured), F_SETFL, O_APPEND);
	dup2(fileno(captured), STDERR_FILENO);
	return 0;
}

static int capture_end(void **state)
{
	(void)state;
	dup2(real_stderr, STDERR_FILENO);
	close(real_stderr);
	fclose(captured);
	log_set_level(LOG_INFO);
	return 0;
}

/* The next line that was logged, or NULL at the end. */
static json_t *next_line(void)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t length = getline(&line, &room, captured);
	json_t *read = NULL;

	if (length > 0) {
		read = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(read);
		assert_int_equal(line[length - 1], '\n');
	}
	free(line);
	return read;
}

static void assert_member(const json_t *line, const char *key, const char *expected)
{
	assert_string_equal(json_string_value(json_object_get(line, key)), expected);
}

static void a_line_is_one_json_object(void **state)
{
	struct log_line line = log_begin(LOG_WARN, "request");
	json_t *read;
	int64_t at_us;

	(void)state;
	log_text(&line, "path", "/v1/\"deals\"\n");
	log_text(&line, "actor", NULL);
	log_int(&line, "status", -201);
	log_end(&line);
	rewind(captured);
	read = next_line();
	assert_member(read, "level", "warn");
	assert_member(read, "message", "request");
	assert_member(read, "path", "/v1/\"deals\"\n");
	assert_true(json_is_null(json_object_get(read, "actor")));
	assert_int_equal(json_integer_value(json_object_get(read, "status")), -201);
	assert_true(time_parse(
		json_string_value(json_object_get(read, "at")), TIME_TEXT_BYTES - 1, &at_us));
	json_decref(read);
	assert_null(next_line());
}

static void bytes_that_are_not_utf8_are_replaced(void **state)
{
	json_t *read;

	(void)state;
	log_event(LOG_ERROR, "odd", "%s", "a\xff\xc3z");
	rewind(captured);
	read = next_line();
	assert_member(read, "detail", "a\xef\xbf\xbd\xef\xbf\xbdz");
	json_decref(read);
}

static void lines_below_the_level_are_dropped(void **state)
{
	struct log_line muted;
	json_t *read;

	(void)state;
	log_set_level(LOG_ERROR);
	muted = log_begin(LOG_WARN, "quiet");
	log_text(&muted, "key", "value");
	log_int(&muted, "number", 1);
	log_end(&muted);
	log_event(LOG_INFO, "quiet", "%d", 1);
	log_event(LOG_ERROR, "loud", "%d", 2);
	log_set_level(LOG_OFF);
	log_event(LOG_ERROR, "quiet", "%d", 3);
	log_event(LOG_OFF, "quiet", "%d", 4);
	rewind(captured);
	read = next_line();
	assert_member(read, "message", "loud");
	assert_member(read, "detail", "2");
	json_decref(read);
	assert_null(next_line());
}

static void *log_many(void *name)
{
	for (int i = 0; i < 500; i++)
		log_event(LOG_INFO, name, "%0200d", i);
	return NULL;
}

static void lines_of_threads_do_not_mix(void **state)
{
	pthread_t threads[4];
	char name[] = "worker";
	json_t *read;
	int count = 0;

	(void)state;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, log_many, name), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	rewind(captured);
	for (read = next_line(); read; read = next_line()) {
		assert_member(read, "message", "worker");
		json_decref(read);
		count++;
	}
	assert_int_equal(count, 2000);
}

static void levels_have_names(void **state)
{
	enum log_level level = LOG_INFO;

	(void)state;
	assert_true(log_level_parse("debug", &level));
	assert_int_equal(level, LOG_DEBUG);
	assert_true(log_level_parse("off", &level));
	assert_int_equal(level, LOG_OFF);
	assert_false(log_level_parse("Info", &level));
	assert_false(log_level_parse("", &level));
	assert_int_equal(level, LOG_OFF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_line_is_one_json_object, capture_begin, capture_end),
		cmocka_unit_test_setup_teardown(
			bytes_that_are_not_utf8_are_replaced, capture_begin, capture_end),
		cmocka_unit_test_setup_teardown(
			lines_below_the_level_are_dropped, capture_begin, capture_end),
		cmocka_unit_test_setup_teardown(
			lines_of_threads_do_not_mix, capture_begin, capture_end),
		cmocka_unit_test(levels_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
