/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger: every change with who, when and what, chained (domain.md §5.19); and its
 * verification. */
#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "http/ledger_file.h"
#include "resources.h"

#define VERIFY_RETRY_S 2

static const struct resource audit_resource = {
	.object = "audit_entry",
	.shape = "audit_entry_shape",
};

static const struct filter audit_filters[] = {
	{ .parameter = "action", .type = 't' },
	{ .parameter = "actor_id", .sql = "s.\"actor.id\" = {}", .type = 'u' },
	{ .parameter = "actor_type", .sql = "s.\"actor.type\" = {}", .type = 't' },
	{ .parameter = "client_id", .type = 'u' },
	{ .parameter = "partner_id", .type = 'u' },
	{ .parameter = "resource_id", .sql = "s.\"resource.id\" = {}", .type = 'u' },
	{ .parameter = "resource_object",
		.sql = "s.\"resource.object\" = {}",
		.sql_many = "s.\"resource.object\" = any({})",
		.type = 't' },
	{ .parameter = "request_id", .type = 'u' },
	{ .parameter = "address", .type = 't' },
	{ .parameter = "sequence_gte", .sql = "s.sequence >= {}", .type = 'i' },
	{ .parameter = "sequence_lt", .sql = "s.sequence < {}", .type = 'i' },
	{ .parameter = "occurred_at_gte", .sql = "s.occurred_at >= {}", .type = 'z' },
	{ .parameter = "occurred_at_lt", .sql = "s.occurred_at < {}", .type = 'z' },
	{ 0 },
};

static const struct sort audit_sorts[] = {
	{ .name = "occurred_at", .column = "occurred_at", .type = 'z' },
	{ 0 },
};

static const struct list audit_list = {
	.resource = &audit_resource, .filters = audit_filters, .sorts = audit_sorts
};

static json_t *fault_json(const struct ledger_report *report)
{
	if (report->fault_kind == NULL)
		return json_null();
	return json_pack("{s:o, s:s?, s:s, s:s}", "sequence",
		report->fault_seq > 0 ? json_integer(report->fault_seq) : json_null(), "entry_id",
		report->fault_entry, "kind", report->fault_kind, "detail", report->fault_detail);
}

/* A verification hashes the whole log and keeps a worker and a connection for as long: one at a
 * time, so that a few callers cannot have them all. */
static bool verify_alone(
	struct request *request, struct ledger_report *ret_report, struct problem *problem)
{
	static atomic_flag is_running = ATOMIC_FLAG_INIT;
	if (atomic_flag_test_and_set(&is_running)) {
		problem_set(problem, PROBLEM_unavailable,
			"Another verification is running; try again when it has ended.");
		problem->retry_after_s = VERIFY_RETRY_S;
		return false;
	}
	bool done = ledger_verify(
		request->app->db, request->actor->program_id, request->arena, ret_report, problem);
	atomic_flag_clear(&is_running);
	return done;
}

static bool verify(struct request *request, struct response *response, struct problem *problem)
{
	struct ledger_report report;
	if (!verify_alone(request, &report, problem))
		return false;
	char now[TIME_TEXT_BYTES];
	time_format(clock_now_us(), now);
	response_json(response, 200,
		json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:o, s:s}", "object",
			"audit_verification", "valid", report.is_valid, "entries",
			(json_int_t)report.entries, "sealed", (json_int_t)report.sealed, "unsealed",
			(json_int_t)report.unsealed, "checkpoints", (json_int_t)report.checkpoints,
			"first_fault", fault_json(&report), "verified_at", now));
	return true;
}

static bool export(struct request *request, struct response *response, struct problem *problem)
{
	int64_t after = strtoll(request_query(request, "after_sequence"), NULL, 10), next;
	const char *limit = request_query(request, "limit");
	if (!export_note(request, "audit_log.exported", "ndjson", after > 0, problem) ||
		!ledger_export(request->app->db, request->app->keys, request->actor->program_id,
			after, strtoll(limit, NULL, 10), &response->body, &next, problem))
		return false;
	response->status = 200;
	response->content_type = "application/x-ndjson";
	if (next >= 0)
		response_header(response, "Link",
			arena_printf(request->arena,
				"</v1/audit-log/export?after_sequence=%lld&limit=%s>; rel=\"next\"",
				(long long)next, limit));
	return true;
}

const struct endpoint audit_endpoints[] = {
	{ .operation_id = "listAuditLog", .list = &audit_list },
	{ .operation_id = "verifyAuditLog", .run = verify },
	{ .operation_id = "exportAuditLog", .resource = &export_resource, .run = export },
	{ 0 },
};
