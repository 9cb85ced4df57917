/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What partners are measured by beside the program's own records: figures that machines report, and
 * the certifications of their people. A figure reported anew takes the place of the one before,
 * which is kept.
 */
#include <string.h>

#include "base/clock.h"
#include "domain/metric.h"
#include "resources.h"

/* ---- figures ---- */

static const struct resource metric_resource = {
	.object = "partner_metric",
	.shape = "partner_metric_shape",
	.path = "/v1/partner-metrics/",
};

static const struct filter metric_filters[] = {
	{ .parameter = "partner_id", .type = 'u' },
	{ .parameter = "metric", .type = 't' },
	{ .parameter = "source", .type = 't' },
	{ .parameter = "status", .type = 't' },
	{ .parameter = "measured_at_gte", .sql = "s.measured_at >= {}", .type = 'z' },
	{ .parameter = "measured_at_lt", .sql = "s.measured_at < {}", .type = 'z' },
	{ 0 },
};

static const struct sort metric_sorts[] = {
	{ .name = "measured_at", .column = "measured_at", .type = 'z' },
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

static const struct list metric_list = {
	.resource = &metric_resource, .filters = metric_filters, .sorts = metric_sorts
};

static void check_value(
	const struct command_input *in, const struct metric *metric, struct problem *problem)
{
	const int64_t value = command_body_int(in, "value", 0);
	struct arena *arena = in->request->arena;
	if (value < metric_least(metric))
		problem_add(problem, arena, PLACE_POINTER, "#/value", VIOLATION_too_small,
			"The metric '%s' is never below %lld.", metric->key,
			(long long)metric_least(metric));
	if (value > metric_most(metric))
		problem_add(problem, arena, PLACE_POINTER, "#/value", VIOLATION_too_large,
			"The metric '%s' is never above %lld.", metric->key,
			(long long)metric_most(metric));
}

static void check_metric(const struct command_input *in, struct problem *problem)
{
	const char *key = command_body_text(in, "metric");
	const struct metric *metric = metric_find(key);
	if (metric == NULL)
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/metric",
			VIOLATION_invalid_choice, "There is no metric '%s'.", key);
	else if (metric->source == METRIC_COMPUTED)
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/metric",
			VIOLATION_invalid_choice,
			"The metric '%s' is computed from the records of the program.", key);
	else
		check_value(in, metric, problem);
}

/* A figure is of a moment that has been: whole milliseconds, as answers show it. */
static void check_moment(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const char *text = command_body_text(in, "measured_at");
	char moment[TIME_TEXT_BYTES];
	int64_t measured_us;
	if (!time_parse(text, strlen(text), &measured_us)) {
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/measured_at",
			VIOLATION_invalid_format, "Not an instant.");
		return;
	}
	if (measured_us > rows_time(in->facts, "now"))
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/measured_at",
			VIOLATION_too_large, "That moment is still to come.");
	time_format(measured_us, moment);
	json_object_set_new(out->fields, "measured_at", json_string(moment));
}

static bool decide_record(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	if (rows_text(in->facts, "partner_id") == NULL)
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/partner_id",
			VIOLATION_reference_not_found, "There is no such partner.");
	check_metric(in, problem);
	check_moment(in, out, problem);
	out->event = "partner.metric_recorded";
	return !problem->is_set;
}

/* ---- certifications ---- */

static const struct resource certification_resource = {
	.object = "partner_certification",
	.shape = "partner_certification_shape",
	.path = "/v1/partner-certifications/",
	.transitions = certification_transitions,
};

static const struct filter certification_filters[] = {
	{ .parameter = "partner_id", .type = 'u' },
	{ .parameter = "user_id", .type = 'u' },
	{ .parameter = "certification", .type = 't' },
	{ .parameter = "status", .type = 't' },
	{ .parameter = "expires_on_gte", .sql = "s.expires_on >= {}", .type = 'd' },
	{ .parameter = "expires_on_lt", .sql = "s.expires_on < {}", .type = 'd' },
	{ 0 },
};

static const struct sort certification_sorts[] = {
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ .name = "awarded_on", .column = "awarded_on", .type = 'd' },
	{ 0 },
};

static const struct list certification_list = {
	.resource = &certification_resource,
	.filters = certification_filters,
	.sorts = certification_sorts,
};

static bool check_person(const struct command_input *in, struct problem *problem)
{
	const char *status = rows_text(in->facts, "user_status");
	if (status != NULL && rows_text(in->facts, "partner_id") != NULL &&
		strcmp(status, "erased") != 0)
		return true;
	problem_add(problem, in->request->arena, PLACE_POINTER, "#/user_id",
		VIOLATION_reference_not_found, "No partner has such a user.");
	return false;
}

static bool decide_award(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	const char *awarded_on = command_body_text(in, "awarded_on"),
		   *expires_on = command_body_text(in, "expires_on");
	check_person(in, problem);
	if (expires_on != NULL && strcmp(expires_on, awarded_on) <= 0)
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/expires_on",
			VIOLATION_inconsistent, "A certification ends after it was awarded.");
	out->event = "partner_certification.awarded";
	return !problem->is_set;
}

static bool require_not_revoked(
	const struct command_input *in, const char *participle, struct problem *problem)
{
	return transition_require(certification_transitions, "certification", "revoke", participle,
		       command_before_text(in, "allowed_actions"), problem) != NULL;
}

static bool decide_extend(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	static const char *const plain[] = { "expires_on", NULL };
	const char *expires_on = command_body_text(in, "expires_on");
	json_t *set = json_object();
	json_object_set_new(out->fields, "set", set);
	patch_columns(in, set, plain);
	out->event = "partner_certification.updated";
	if (expires_on != NULL && strcmp(expires_on, command_before_text(in, "awarded_on")) <= 0)
		problem_add(problem, in->request->arena, PLACE_POINTER, "#/expires_on",
			VIOLATION_inconsistent, "A certification ends after it was awarded.");
	return !problem->is_set && require_not_revoked(in, "changed", problem);
}

static bool decide_revoke(
	const struct command_input *in, struct decision *out, struct problem *problem)
{
	if (!require_not_revoked(in, "revoked", problem))
		return false;
	json_object_set_new(out->fields, "set",
		json_pack("{s:s, s:s}", "revoked_at", rows_text(in->facts, "now"),
			"revocation_reason", command_body_text(in, "reason")));
	out->event = "partner_certification.revoked";
	return true;
}

const struct endpoint partner_metric_endpoints[] = {
	{ .operation_id = "listPartnerMetrics", .list = &metric_list },
	{ .operation_id = "getPartnerMetric", .resource = &metric_resource, .get = true },
	{ .operation_id = "recordPartnerMetric",
		.resource = &metric_resource,
		.facts = "partner_metric_facts",
		.decide = decide_record,
		.write = "partner_metric_record",
		.creates = true },
	{ .operation_id = "listPartnerCertifications", .list = &certification_list },
	{ .operation_id = "getPartnerCertification",
		.resource = &certification_resource,
		.get = true },
	{ .operation_id = "createPartnerCertification",
		.resource = &certification_resource,
		.facts = "certification_facts",
		.decide = decide_award,
		.write = "certification_create",
		.creates = true },
	{ .operation_id = "updatePartnerCertification",
		.resource = &certification_resource,
		.decide = decide_extend,
		.write = "certification_change" },
	{ .operation_id = "revokePartnerCertification",
		.resource = &certification_resource,
		.facts = "certification_facts",
		.decide = decide_revoke,
		.write = "certification_change" },
	{ 0 },
};
