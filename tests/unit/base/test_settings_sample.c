/* SPDX-License-Identifier: Apache-2.0 */
/*
 * partnerd.conf.sample is the table of settings, printed. After a change of the table write it anew
 * with UPDATE_SAMPLE=1 build/dev/tests/unit_base_test_settings_sample.
 */
#include "base/settings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SAMPLE TEST_SOURCE_DIR "/../partnerd.conf.sample"

static void write_sample(const struct text *sample)
{
	FILE *file = fopen(SAMPLE, "we");

	assert_non_null(file);
	assert_int_equal(fwrite(sample->bytes, 1, sample->length, file), sample->length);
	assert_int_equal(fclose(file), 0);
}

static void read_sample(char *content, size_t size)
{
	FILE *file = fopen(SAMPLE, "re");

	assert_non_null(file);
	content[fread(content, 1, size - 1, file)] = '\0';
	assert_int_equal(fclose(file), 0);
}

static void the_sample_in_the_tree_is_the_table(void **state)
{
	static char content[64 * 1024];
	struct text sample = TEXT_INIT;

	(void)state;
	settings_sample(&sample);
	/* One thread, and nothing changes the environment. NOLINTNEXTLINE(concurrency-mt-unsafe) */
	if (getenv("UPDATE_SAMPLE"))
		write_sample(&sample);
	read_sample(content, sizeof(content));
	assert_string_equal(content, sample.bytes);
	text_release(&sample);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sample_in_the_tree_is_the_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
