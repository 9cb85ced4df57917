/* SPDX-License-Identifier: Apache-2.0 */
/* What of a deal was submitted, and what each change since made of it: for whoever reviews it. */
#include "resources.h"

static const struct resource revision_resource = {
	.object = "deal_revision",
	.shape = "deal_revision_shape",
};

static const struct filter revision_filters[] = {
	{ .parameter = "_resource_id", .type = 'u', .from_path = true },
	{ 0 },
};

static const struct sort revision_sorts[] = {
	{ .name = "number", .column = "number", .type = 'i', .unique = true },
	{ 0 },
};

static const struct list revision_list = {
	.resource = &revision_resource,
	.filters = revision_filters,
	.sorts = revision_sorts,
	.parent = &deal_resource,
};

const struct endpoint deal_revision_endpoints[] = {
	{ .operation_id = "listDealRevisions", .list = &revision_list },
	{ 0 },
};
