/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Money on a line: reads questions, answers each with numbers, or a minus when it is refused. The
 * other side of test_money.py.
 *
 *   share AMOUNT BPS             ratio AMOUNT NUMERATOR DENOMINATOR    frozen AMOUNT CONVERTED PART
 *   split AMOUNT SHARE…          allocate AMOUNT WEIGHT…               decimal TEXT
 *   convert AMOUNT FROM TO [RATE IS_INVERSE]…
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/money.h"
#include "domain/fx.h"

#define MOST_WORDS 64

static int64_t number(const char *word)
{
	return strtoll(word, NULL, 10);
}

static void answer(bool is_good, const int64_t *values, size_t count)
{
	for (size_t i = 0; is_good && i < count; i++)
		printf("%" PRId64 " ", values[i]);
	puts(is_good ? "" : "-");
}

static void answer_parts(char **words, size_t count)
{
	int64_t weights[MOST_WORDS], parts[MOST_WORDS];
	size_t weight_count = count - 2;
	bool is_split = strcmp(words[0], "split") == 0;

	for (size_t i = 0; i < weight_count; i++)
		weights[i] = number(words[i + 2]);
	bool is_good = (is_split ? money_split : money_allocate)(
		number(words[1]), weights, weight_count, parts);
	answer(is_good, parts, weight_count);
}

static void answer_conversion(char **words, size_t count)
{
	struct fx_rate rates[FX_MOST_LEGS] = { 0 };
	struct fx_route route = { .leg_count = (count - 4) / 2 };
	int64_t converted = 0;
	bool is_good = true;

	for (size_t i = 0; i < route.leg_count; i++) {
		is_good = is_good && fx_decimal_parse(words[4 + i * 2], &rates[i].rate);
		route.legs[i] = (struct fx_leg){ i, number(words[5 + i * 2]) != 0 };
	}
	is_good = is_good &&
		  fx_convert(rates, &route, number(words[1]), words[2], words[3], &converted);
	answer(is_good, &converted, 1);
}

static void answer_decimal(const char *text)
{
	struct fx_decimal decimal;
	char again[FX_RATE_TEXT_BYTES];

	if (!fx_decimal_parse(text, &decimal)) {
		puts("-");
		return;
	}
	fx_decimal_format(&decimal, again);
	puts(again);
}

static void answer_words(char **words, size_t count)
{
	int64_t result = 0;

	if (strcmp(words[0], "share") == 0 && count == 3)
		answer(money_share(number(words[1]), number(words[2]), &result), &result, 1);
	else if (strcmp(words[0], "ratio") == 0 && count == 4)
		answer(money_ratio(number(words[1]), number(words[2]), number(words[3]), &result),
			&result, 1);
	else if (strcmp(words[0], "frozen") == 0 && count == 4)
		answer(fx_convert_frozen(
			       number(words[1]), number(words[2]), number(words[3]), &result),
			&result, 1);
	else if (strcmp(words[0], "convert") == 0 && count >= 4)
		answer_conversion(words, count);
	else if (strcmp(words[0], "decimal") == 0 && count == 2)
		answer_decimal(words[1]);
	else
		answer_parts(words, count);
}

int main(void)
{
	char line[4096], *words[MOST_WORDS];

	while (fgets(line, sizeof(line), stdin)) {
		size_t count = 0;

		for (char *word = strtok(line, " \n"); word && count < MOST_WORDS;
			word = strtok(NULL, " \n"))
			words[count++] = word;
		if (count >= 2)
			answer_words(words, count);
		fflush(stdout);
	}
	return 0;
}
