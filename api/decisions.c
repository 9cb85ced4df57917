/* SPDX-License-Identifier: Apache-2.0 */
/* Why a rule answered as it did: written by commands that explain themselves, read here. */
#include "resources.h"

static const struct resource decision_resource = {
	.object = "decision",
	.shape = "decision_shape",
	.path = "/v1/decisions/",
};

const struct endpoint decision_endpoints[] = {
	{ .operation_id = "getDecision", .resource = &decision_resource, .get = true },
	{ 0 },
};
