/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts behind the gate may ask of a request. Header fields are looked up in the list that
 * was read from the HTTP library, never in the library's own maps: those join and drop values.
 */
#include "http/request.h"

#include <string.h>

#include "http/exchange.h"

const char *actor_partner(const struct actor *actor)
{
	return actor->partner_id[0] ? actor->partner_id : NULL;
}

enum side actor_side(const struct actor *actor)
{
	return actor->partner_id[0] ? SIDE_PARTNER : SIDE_VENDOR;
}

static const char *default_of(const struct operation *operation, const char *name)
{
	for (size_t i = 0; operation && i < operation->parameter_count; i++) {
		const struct parameter *parameter = &operation->parameters[i];

		if (parameter->place == PARAMETER_QUERY && strcmp(parameter->name, name) == 0)
			return parameter->default_value;
	}
	return NULL;
}

const char *request_query(const struct request *request, const char *name)
{
	for (size_t i = 0; i < request->query_count; i++)
		if (strcmp(request->query[i].parameter->name, name) == 0)
			return request->query[i].values[0];
	return default_of(request->operation, name);
}

const char *request_header(const struct request *request, const char *name)
{
	const struct exchange *exchange = request->connection;

	return exchange ? fields_value(&exchange->fields, request->arena, name) : NULL;
}
