/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is a query, and once more a form. No crash, no leak; what is taken is valid UTF-8
 * without NUL, scalars have one value, and what is refused has a reason that is valid UTF-8 as
 * well.
 */
#include <stdint.h>

#include "../unit/http/edge.h"
#include "http/form.h"
#include "http/query.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct edge edge;

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_problem(const struct problem *problem)
{
	check(problem->is_set && problem_status(problem->code) == 400);
	check(utf8_is_valid(problem->detail, strlen(problem->detail)));
	for (size_t i = 0; i < problem->violation_count; i++)
		check(utf8_is_valid(
			problem->violations[i].where, strlen(problem->violations[i].where)));
}

static void check_values(const struct query_value *value)
{
	check(value->count > 0 && value->count <= QUERY_MAX_VALUES);
	check(value->count == 1 || value->parameter->repeats);
	for (size_t i = 0; i < value->count; i++)
		check(utf8_is_valid(value->values[i], strlen(value->values[i])));
}

static void try_query(struct slice input)
{
	edge_reset(&edge, "listDeals");
	edge.request.raw_query = input;
	if (!query_parse(&edge.request, &edge.problem)) {
		check_problem(&edge.problem);
		return;
	}
	check(!edge.problem.is_set);
	for (size_t i = 0; i < edge.request.query_count; i++)
		check_values(&edge.request.query[i]);
}

static void try_form(struct slice input)
{
	struct form form;

	edge_reset(&edge, NULL);
	if (!form_parse(&form, edge.request.arena, input, &edge.problem)) {
		check_problem(&edge.problem);
		return;
	}
	for (size_t i = 0; i < form.count; i++) {
		check(form.fields[i].name[0] != '\0');
		check(utf8_is_valid(form.fields[i].value, strlen(form.fields[i].value)));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice input = { (const char *)data, size };

	if (size > 4096)
		return 0;
	if (!edge.request.arena)
		edge_open(&edge);
	try_query(input);
	try_form(input);
	return 0;
}
