/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words in which a program speaks of its deals: the stages they go through and the reasons for
 * which they are lost. A word keeps its key; what is no longer used is retired, so that deals of
 * before keep their meaning. Both lists work alike: two tables of rows, the same rules.
 */
#include <string.h>

#include "resources.h"

static const struct transition word_transitions[] = {
	{ "retire", "active", "retired" },
	{ "reinstate", "retired", "active" },
	{ 0 },
};

static const struct resource stage_resource = {
	.object = "deal_stage",
	.shape = "deal_stage_shape",
	.path = "/v1/deal-stages/",
	.shared = true,
	.transitions = word_transitions,
};

static const struct resource reason_resource = {
	.object = "lost_reason",
	.shape = "lost_reason_shape",
	.path = "/v1/lost-reasons/",
	.shared = true,
	.transitions = word_transitions,
};

static const struct resource stay_resource = {
	.object = "deal_stage_change",
	.shape = "deal_stage_change_shape",
};

static const struct filter word_filters[] = {
	{ .parameter = "status", .type = 't' },
	{ 0 },
};

static const struct sort stage_sorts[] = {
	{ .name = "position", .column = "position", .type = 'i' },
	{ .name = "name", .column = "name", .type = 't' },
	{ 0 },
};

static const struct sort reason_sorts[] = {
	{ .name = "name", .column = "name", .type = 't' },
	{ 0 },
};

static const struct filter stay_filters[] = {
	{ .parameter = "_deal_id", .type = 'u', .from_path = true },
	{ 0 },
};

static const struct sort stay_sorts[] = {
	{ .name = "entered_at", .column = "entered_at", .type = 'z' },
	{ 0 },
};

static const struct list stage_list = {
	.resource = &stage_resource, .filters = word_filters, .sorts = stage_sorts
};

static const struct list reason_list = {
	.resource = &reason_resource, .filters = word_filters, .sorts = reason_sorts
};

static const struct list stay_list = {
	.resource = &stay_resource,
	.filters = stay_filters,
	.sorts = stay_sorts,
	.parent = &deal_resource,
};

static const char *event_of(
	const struct command_input *in, const struct resource *resource, const char *participle)
{
	return arena_printf(in->request->arena, "%s.%s", resource->object, participle);
}

static bool decide_new_stage(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	(void)problem;
	out->event = event_of(in, &stage_resource, "created");
	return true;
}

static bool decide_new_reason(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	(void)problem;
	out->event = event_of(in, &reason_resource, "created");
	return true;
}

static bool update(
	const struct command_input *in, const struct resource *resource, struct decision *out)
{
	static const char *const plain[] = { "name", "position", "probability_bps", NULL };
	json_t *set = json_object();

	json_object_set_new(out->fields, "set", set);
	patch_columns(in, set, plain);
	out->event = event_of(in, resource, "updated");
	return true;
}

static bool decide_stage(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	(void)problem;
	return update(in, &stage_resource, out);
}

static bool decide_reason(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	(void)problem;
	return update(in, &reason_resource, out);
}

static bool move(const struct command_input *in, const struct resource *resource, const char *noun,
	struct decision *out, struct problem *problem)
{
	const char *participle =
		strcmp(command_action(in), "retire") == 0 ? "retired" : "reinstated";
	const struct transition *row = transition_require(word_transitions, noun,
		command_action(in), participle, command_before_text(in, "status"), problem);

	if (row == NULL)
		return false;
	json_object_set_new(out->fields, "set", json_pack("{s:s}", "status", row->to));
	out->event = event_of(in, resource, participle);
	return true;
}

static bool decide_stage_move(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	return move(in, &stage_resource, "stage", out, problem);
}

static bool decide_reason_move(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	return move(in, &reason_resource, "reason", out, problem);
}

/* ---- what updateDeal and loseDeal take of them ---- */

static bool refuse_word(const struct command_input *in, const char *pointer, const char *noun,
	struct problem *problem)
{
	problem_add(problem, in->request->arena, PLACE_POINTER, pointer,
		VIOLATION_reference_not_found, "The program has no such %s in use.", noun);
	return false;
}

bool deal_patch_progress(const struct command_input *in, json_t *set, struct problem *problem)
{
	static const char *const plain[] = { "next_step", "next_step_due_on", NULL };
	const json_t *key = json_object_get(in->body, "stage_key");
	const char *id = rows_text(in->facts, "stage_id");

	patch_columns(in, set, plain);
	if (key == NULL)
		return true;
	if (json_is_string(key) && id == NULL)
		return refuse_word(in, "#/stage_key", "stage", problem);
	json_object_set_new(set, "stage_id", json_is_string(key) ? json_string(id) : json_null());
	return true;
}

bool deal_is_progress(const json_t *body)
{
	static const char *const members[] = { "stage_key", "next_step", "next_step_due_on",
		"expected_close_on" };
	size_t found = 0;

	for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
		found += json_object_get(body, members[i]) != NULL;
	return found > 0 && found == json_object_size(body);
}

bool deal_lost_reason(const struct command_input *in, json_t *set, struct problem *problem)
{
	const char *key = command_body_text(in, "reason_key"),
		   *id = rows_text(in->facts, "lost_reason_id");

	if (key == NULL && command_body_text(in, "reason") == NULL) {
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/reason",
			VIOLATION_required, "Say why, by reason_key, reason, or both.");
		return false;
	}
	if (key == NULL)
		return true;
	if (id == NULL)
		return refuse_word(in, "#/reason_key", "reason", problem);
	json_object_set_new(set, "lost_reason_id", json_string(id));
	return true;
}

const struct endpoint deal_word_endpoints[] = {
	{ .operation_id = "listDealStages", .list = &stage_list },
	{ .operation_id = "getDealStage", .resource = &stage_resource, .get = true },
	{ .operation_id = "createDealStage",
		.resource = &stage_resource,
		.decide = decide_new_stage,
		.write = "deal_stage_create",
		.creates = true },
	{ .operation_id = "updateDealStage",
		.resource = &stage_resource,
		.decide = decide_stage,
		.write = "deal_stage_change" },
	{ .operation_id = "retireDealStage",
		.resource = &stage_resource,
		.decide = decide_stage_move,
		.write = "deal_stage_change" },
	{ .operation_id = "reinstateDealStage",
		.resource = &stage_resource,
		.decide = decide_stage_move,
		.write = "deal_stage_change" },
	{ .operation_id = "listLostReasons", .list = &reason_list },
	{ .operation_id = "getLostReason", .resource = &reason_resource, .get = true },
	{ .operation_id = "createLostReason",
		.resource = &reason_resource,
		.decide = decide_new_reason,
		.write = "lost_reason_create",
		.creates = true },
	{ .operation_id = "updateLostReason",
		.resource = &reason_resource,
		.decide = decide_reason,
		.write = "lost_reason_change" },
	{ .operation_id = "retireLostReason",
		.resource = &reason_resource,
		.decide = decide_reason_move,
		.write = "lost_reason_change" },
	{ .operation_id = "reinstateLostReason",
		.resource = &reason_resource,
		.decide = decide_reason_move,
		.write = "lost_reason_change" },
	{ .operation_id = "listDealStageChanges", .list = &stay_list },
	{ 0 },
};
