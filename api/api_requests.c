/* SPDX-License-Identifier: Apache-2.0 */
/* What the caller asked in the last days: its own requests and nobody else's, written by
 * src/http/request_log.c. */
#include "resources.h"

static const struct resource api_request_resource = {
	.object = "api_request",
	.shape = "api_request_shape",
};

static const struct filter api_request_filters[] = {
	{ .parameter = "_actor_id", .type = 'u', .from_path = true },
	{ .parameter = "method", .type = 't' },
	{ .parameter = "status",
		.sql = "s.status = {}",
		.sql_many = "s.status = any({}::int8[])",
		.type = 'i' },
	{ .parameter = "status_gte", .sql = "s.status >= {}", .type = 'i' },
	{ .parameter = "problem_code", .type = 't' },
	{ .parameter = "duration_ms_gte", .sql = "s.duration_ms >= {}", .type = 'i' },
	{ .parameter = "requested_at_gte", .sql = "s.requested_at >= {}", .type = 'z' },
	{ .parameter = "requested_at_lt", .sql = "s.requested_at < {}", .type = 'z' },
	{ 0 },
};

static const struct sort api_request_sorts[] = {
	{ .name = "requested_at", .column = "requested_at", .type = 'z' },
	{ 0 },
};

static const struct list api_request_list = {
	.resource = &api_request_resource,
	.filters = api_request_filters,
	.sorts = api_request_sorts,
};

const struct endpoint api_request_endpoints[] = {
	{ .operation_id = "listApiRequests", .list = &api_request_list, .self = SELF_ACTOR },
	{ 0 },
};
