/* SPDX-License-Identifier: Apache-2.0 */
/* The feed of domain events, the pull twin of webhooks: in the order of the ledger, never skipping
 * a late commit. What is told is what the caller could also GET. */
#include "resources.h"

static const struct resource event_resource = {
	.object = "event",
	.shape = "event_shape",
	.tells_of_others = true,
};

static const struct filter event_filters[] = {
	{ .parameter = "after", .sql = "s.sequence > {}", .type = 'i' },
	{ .parameter = "type", .type = 't' },
	{ .parameter = "resource_id", .sql = "s.\"resource.id\" = {}", .type = 'u' },
	{ 0 },
};

static const struct sort event_sorts[] = {
	{ .name = "sequence", .column = "sequence", .type = 'i', .unique = true },
	{ 0 },
};

static const struct list event_list = {
	.resource = &event_resource, .filters = event_filters, .sorts = event_sorts
};

const struct endpoint event_endpoints[] = {
	{ .operation_id = "listEvents", .list = &event_list },
	{ 0 },
};
