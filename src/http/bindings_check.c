/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `partnerd check`, the part without SQL: every operation has a row, every row its statements,
 * every query parameter a filter and every filter a parameter, every sort of the contract a column,
 * and every member of an answer a column of its shape, both ways. One truth, compared in one place.
 */
#include <string.h>

#include "bindings.h"

static bool fault(
	struct text *reterr, const struct operation *operation, const char *what, const char *name)
{
	text_appendf(reterr, "%s: %s '%s'\n", operation->id, what, name);
	return false;
}

static const struct filter *filter_of(const struct list *list, const char *parameter)
{
	for (const struct filter *filter = list->filters; filter_is(filter); filter++)
		if (!filter->from_path && filter->value == NULL &&
			strcmp(filter->parameter, parameter) == 0)
			return filter;
	return NULL;
}

static const struct parameter *parameter_of(const struct operation *operation, const char *name)
{
	for (size_t i = 0; i < operation->parameter_count; i++)
		if (operation->parameters[i].place == PARAMETER_QUERY &&
			strcmp(operation->parameters[i].name, name) == 0)
			return &operation->parameters[i];
	return NULL;
}

static bool is_engine_parameter(const char *name)
{
	static const char *const names[] = { "limit", "cursor", "sort", "include_total", "bom" };
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static bool has_sort(const struct list *list, const char *name)
{
	for (const struct sort *sort = list->sorts; sort->name != NULL; sort++)
		if (strcmp(sort->name, name) == 0)
			return true;
	return false;
}

static bool check_sorts(
	const struct operation *operation, const struct list *list, struct text *reterr)
{
	const struct parameter *sort = parameter_of(operation, "sort");
	bool good = sort != NULL || fault(reterr, operation, "lacks the query parameter", "sort");
	const char *name;
	for (size_t i = 0; sort != NULL && (name = schema_enum_at(sort->schema, i)) != NULL; i++)
		if (!has_sort(list, name + (name[0] == '-')))
			good = fault(reterr, operation, "no column for the sort", name);
	return good;
}

/* The column of the parameter's name may be one of several texts or ids. */
static bool repeats_as(const struct filter *filter, const struct parameter *parameter)
{
	return filter->sql != NULL ? parameter->repeats == (filter->sql_many != NULL)
				   : !parameter->repeats || strchr("tu", filter->type) != NULL;
}

static bool check_list(
	const struct operation *operation, const struct list *list, struct text *reterr)
{
	bool good = check_sorts(operation, list, reterr);
	for (size_t i = 0; i < operation->parameter_count; i++) {
		const struct parameter *parameter = &operation->parameters[i];
		if (parameter->place != PARAMETER_QUERY || is_engine_parameter(parameter->name))
			continue;
		const struct filter *filter = filter_of(list, parameter->name);
		if (filter == NULL)
			good = fault(reterr, operation, "no filter for the query parameter",
				parameter->name);
		else if (!repeats_as(filter, parameter))
			good = fault(reterr, operation, "filter and contract disagree on repeating",
				parameter->name);
	}
	for (const struct filter *filter = list->filters; filter_is(filter); filter++) {
		if (!filter->from_path && parameter_of(operation, filter->parameter) == NULL)
			good = fault(reterr, operation, "no query parameter for the filter",
				filter->parameter);
		if (filter->search != NULL && statement_find(filter->search) == NULL)
			good = fault(reterr, operation, "no such search", filter->search);
	}
	return good;
}

static const struct shape_column *column_of(const struct shape *shape, const char *member)
{
	size_t length = strlen(member);
	for (size_t i = 0; i < shape->column_count; i++) {
		const struct shape_column *column = &shape->columns[i];
		if (column->kind != COLUMN_HIDDEN && strncmp(column->member, member, length) == 0 &&
			(column->member[length] == '\0' || column->member[length] == '.'))
			return column;
	}
	return NULL;
}

/* Follows a dotted member through the properties of nested objects. */
static bool schema_has_member(const struct schema *schema, const char *member)
{
	char name[64];
	size_t length = strcspn(member, ".");
	if (length >= sizeof name)
		return false;
	memcpy(name, member, length);
	name[length] = '\0';
	if (!schema_has_property(schema, name))
		return false;
	return member[length] == '\0' ||
	       schema_has_member(schema_property(schema, name), member + length + 1);
}

/* `extra`: the answer may have members beyond the shape, as those that reveal a secret once. */
static bool check_shape(const struct operation *operation, const struct schema *answer,
	const struct shape *shape, bool extra, struct text *reterr)
{
	if (answer == NULL || shape == NULL)
		return fault(reterr, operation, "no schema or no shape for the answer of",
			operation->path);
	bool good = true;
	const char *name;
	for (size_t i = 0; (name = schema_property_name(answer, i)) != NULL; i++)
		if (!extra && column_of(shape, name) == NULL)
			good = fault(reterr, operation, "the shape lacks the member", name);
	for (size_t i = 0; i < shape->column_count; i++) {
		const struct shape_column *column = &shape->columns[i];
		if (column->kind != COLUMN_HIDDEN && !schema_has_member(answer, column->member))
			good = fault(
				reterr, operation, "the contract lacks the member", column->member);
	}
	return good;
}

static bool check_command(const struct operation *operation, const struct endpoint *endpoint,
	const struct shape *shape, struct text *reterr)
{
	bool good = check_shape(operation, operation->answer, shape,
		endpoint->creates || endpoint->reveals, reterr);
	const struct statement *write = statement_find(endpoint->write);
	if (write == NULL || strstr(write->sql, "assert_written(") == NULL)
		good = fault(reterr, operation, "no statement that ends in assert_written()",
			endpoint->write);
	if (endpoint->facts != NULL && statement_find(endpoint->facts) == NULL)
		good = fault(reterr, operation, "no statement", endpoint->facts);
	if (endpoint->decide == NULL)
		good = fault(reterr, operation, "no rule for", endpoint->write);
	return good;
}

static bool check_operation(
	const struct bindings *bindings, const struct operation *operation, struct text *reterr)
{
	const struct endpoint *endpoint = bindings->by_operation[operation->index];
	if (endpoint == NULL)
		return fault(reterr, operation, "has no row for", operation->path);
	if (endpoint->run != NULL)
		return endpoint->list == NULL || check_list(operation, endpoint->list, reterr);
	if (endpoint->list != NULL) {
		const struct schema *data = operation->answer != NULL
						    ? schema_property(operation->answer, "data")
						    : NULL;
		const struct shape *shape = bindings_shape(bindings, endpoint->list->resource);
		bool good = check_list(operation, endpoint->list, reterr);
		return check_shape(operation, data != NULL ? schema_items(data) : NULL, shape,
			       false, reterr) &&
		       good;
	}
	if (endpoint->resource == NULL)
		return fault(reterr, operation, "names no resource for", operation->path);
	const struct shape *shape = bindings_shape(bindings, endpoint->resource);
	if (endpoint->write != NULL)
		return check_command(operation, endpoint, shape, reterr);
	return check_shape(operation, operation->answer, shape, false, reterr);
}

bool bindings_check(const struct bindings *bindings, struct text *reterr)
{
	bool good = bindings_check_access(bindings->contract, reterr);
	for (size_t i = 0; i < contract_operation_count(bindings->contract); i++)
		good = check_operation(
			       bindings, contract_operation(bindings->contract, i), reterr) &&
		       good;
	return good;
}
