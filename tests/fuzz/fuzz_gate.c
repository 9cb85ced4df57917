/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The input is a head: lines ended by LF, the first one method and target, the others fields. No
 * crash, no leak; what passes means one thing only, and what is refused is written as a problem
 * that can be read back. Accept, Content-Type and the body's bounds are tried on the same bytes.
 */
#include <stdint.h>

#include "../unit/http/edge.h"
#include "http/body.h"
#include "http/gate.h"
#include "http/negotiate.h"
#include "http/response.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct edge edge;

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_problem(void)
{
	struct response response = { 0 };
	json_t *read;

	check(edge.problem.is_set);
	response_problem(&response, &edge.request, &edge.problem);
	read = json_loadb(response.body.bytes, response.body.length, JSON_REJECT_DUPLICATES, NULL);
	check(json_is_object(read));
	check(response.status == problem_status(edge.problem.code));
	json_decref(read);
	text_release(&response.body);
}

static size_t count_fields(const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < edge.exchange.fields.count; i++)
		count += field_is(&edge.exchange.fields.items[i], name);
	return count;
}

static void check_fields(void)
{
	if (!gate_fields(&edge.exchange.fields, false, &edge.problem)) {
		check_problem();
		return;
	}
	check(count_fields("Host") == 1);
	check(count_fields("Content-Length") + count_fields("Transfer-Encoding") <= 1);
	check(count_fields("Authorization") <= 1);
}

static void check_path(struct slice path)
{
	check(path.length > 1 && path.bytes[0] == '/' && path.bytes[path.length - 1] != '/');
	for (size_t i = 0; i < path.length; i++)
		check(path.bytes[i] > 0x20 && path.bytes[i] < 0x7f && path.bytes[i] != '#');
	check(!memmem(path.bytes, path.length, "//", 2));
	check(!memmem(path.bytes, path.length, "/../", 4));
	check(!memmem(path.bytes, path.length, "%00", 3));
}

static void check_target(const char *target)
{
	unsigned allowed;

	memset(&edge.problem, 0, sizeof(edge.problem));
	if (!gate_target(target, edge.request.arena, &edge.request.path, &edge.request.raw_query,
		    &edge.problem)) {
		check_problem();
		return;
	}
	check_path(edge.request.path);
	if (!gate_route(&edge.request, &allowed, &edge.problem)) {
		check_problem();
		return;
	}
	if (edge.request.operation && !gate_path_ids(&edge.request, &edge.problem))
		check_problem();
}

static void check_values(struct slice input)
{
	char *text = arena_strndup(edge.request.arena, input.bytes, input.length);

	(void)accept_allows(text, "application", "json");
	(void)media_parse(text);
	(void)body_is_bounded(input);
}

static void add_line(char *line)
{
	char *colon = strchr(line, ':');

	if (!colon || edge.exchange.fields.count == EDGE_MAX_FIELDS)
		return;
	*colon = '\0';
	edge_field(&edge, line, colon + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *rest;
	char *line;
	char *target;

	if (size > 4096)
		return 0;
	if (!edge.request.arena)
		edge_open(&edge);
	edge_reset(&edge, NULL);
	rest = arena_strndup(edge.request.arena, (const char *)data, size);
	line = strsep(&rest, "\n");
	target = strchr(line, ' ');
	if (target)
		*target++ = '\0';
	edge.request.method_text = line;
	edge.request.method = gate_method(line);
	while (rest)
		add_line(strsep(&rest, "\n"));
	check_fields();
	check_target(target ? target : "");
	check_values((struct slice){ (const char *)data, size });
	return 0;
}
