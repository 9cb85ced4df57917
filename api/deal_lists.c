/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of deals: a filter for every column that somebody would look for, an order for every
 * column that has one, and a search. Each has its index (sql/migrations/0023_deal_lists.sql and
 * 0029_lists.sql say what for); the exceptions are looked at on the way along another one: margins
 * and actual amounts, and who registered, which a partner asks about its own deals. A new column is
 * a row here, its parameter in the contract, an index, and a line in tests/api/test_deal_lists.py.
 */
#include "approvals.h"
#include "resources.h"

static const struct resource timeline_resource = {
	.object = "timeline_entry",
	.shape = "timeline_entry_shape",
	.tells_of_others = true,
};

/*
 * The stored status has the index, the status as read has the truth: an approved deal whose
 * protection has ended is expired before the job has stored it. By CASE: the planner would take a
 * second comparison for one that leaves next to nothing, and sort all that the first one leaves.
 */
#define STATUS_EXPIRED "(s._status = 'expired' or (s._status = 'approved' and s.status = {}))"
#define STATUS_ONE \
	"s._status = {} and (case when s._status = 'approved' then s.status = {} else true end)"
#define STATUS_MANY                                                                            \
	"s._status = any({} || array['approved']) and (case when s._status = 'approved' then " \
	"s.status = any({}) else true end)"

/* By the id of the key: of a join the planner expects equally many deals for each word. */
#define WORD(name, column, words)                                                              \
	{                                                                                      \
		.parameter = (name),                                                           \
		.sql = "s._" column " = (select w.id from " words " w where w.program_id = $1" \
		       " and w.key = {})",                                                     \
		.sql_many = "s._" column " = any(array(select w.id from " words " w"           \
			    " where w.program_id = $1 and w.key = any({})))",                  \
		.type = 't',                                                                   \
	}

/* Containment in an array is not leakproof: what a deal is for stands in a table, too. */
#define PRODUCT_AMONG(wanted)                                                         \
	"s.id in (select e.deal_id from deal_products e where e.program_id = $1 and " \
	"e.product_id " wanted ")"

/* What an approval starts from; the index deals_to_decide has the same words. */
#define TO_DECIDE "s._status in ('submitted', 'in_review')"

/* As the index has it: who has no value stands behind all who have. */
#define OR_LAST(column) "(case when s." column " is null then 'infinity' else s." column " end)"

/* Who has no value is neither before nor after anything. */
#define SINCE(name, column, letter)                                                             \
	{                                                                                       \
		.parameter = name "_gte",                                                       \
		.sql = OR_LAST(column) " >= {} and s." column " is not null", .type = (letter), \
	}
#define BEFORE(name, column, letter)                                                           \
	{                                                                                      \
		.parameter = name "_lt",                                                       \
		.sql = OR_LAST(column) " < {} and s." column " is not null", .type = (letter), \
	}
#define FROM(name, column, letter)                                                      \
	{                                                                               \
		.parameter = name "_gte", .sql = "s." column " >= {}", .type = (letter) \
	}
#define BELOW(name, column, letter)                                                   \
	{                                                                             \
		.parameter = name "_lt", .sql = "s." column " < {}", .type = (letter) \
	}

static const struct filter deal_filters[] = {
	{ .parameter = "q",
		.sql = "deal_search_key(s.customer_name, s.number) like deal_search_pattern({})",
		.search = "deal_search",
		.type = 't' },
	{ .parameter = "status", .value = "expired", .sql = STATUS_EXPIRED, .type = 't' },
	{ .parameter = "status", .sql = STATUS_ONE, .sql_many = STATUS_MANY, .type = 't' },
	{ .parameter = "partner_id", .type = 'u' },
	{ .parameter = "customer_country", .type = 't' },
	{ .parameter = "currency",
		.sql = "s.\"amount.currency\" = {}",
		.sql_many = "s.\"amount.currency\" = any({})",
		.type = 't' },
	{ .parameter = "tier_id", .type = 'u' },
	{ .parameter = "owner_id", .type = 'u' },
	{ .parameter = "created_by_id", .type = 'u' },
	{ .parameter = "customer_name", .sql = "s._customer_name_key = lower({})", .type = 't' },
	{ .parameter = "number", .type = 't' },
	{ .parameter = "customer_match",
		.sql = "(select app_is_vendor()) and s.\"vendor:customer_match\" = {}",
		.sql_many = "(select app_is_vendor()) and s.\"vendor:customer_match\" = any({})",
		.type = 't' },
	{ .parameter = "quote_id", .type = 'u' },
	{ .parameter = "external_id",
		.sql = "s.id in (select e.deal_id from deal_external_ids e where e.program_id = $1 "
		       "and e.source = split_part({}, ':', 1) and e.external_id = substr({}, "
		       "strpos({}, ':') + 1))",
		.type = 't' },
	WORD("stage_key", "stage_id", "deal_stages"),
	WORD("lost_reason_key", "lost_reason_id", "lost_reasons"),
	{ .parameter = "earns", .type = 't' },
	{ .parameter = "product_id",
		.sql = PRODUCT_AMONG("= {}"),
		.sql_many = PRODUCT_AMONG("= any({})"),
		.type = 'u' },
	{ .parameter = "awaits_me", .value = "false", .sql = "not {}", .type = 'b' },
	{ .parameter = "awaits_me",
		.sql = TO_DECIDE " and {}",
		.find = deals_awaiting,
		.type = 'b' },
	SINCE("review_due_at", "review_due_at", 'z'),
	BEFORE("review_due_at", "review_due_at", 'z'),
	SINCE("next_step_due_on", "next_step_due_on", 'd'),
	BEFORE("next_step_due_on", "next_step_due_on", 'd'),
	FROM("created_at", "created_at", 'z'),
	BELOW("created_at", "created_at", 'z'),
	FROM("updated_at", "updated_at", 'z'),
	BELOW("updated_at", "updated_at", 'z'),
	SINCE("submitted_at", "submitted_at", 'z'),
	BEFORE("submitted_at", "submitted_at", 'z'),
	SINCE("decided_at", "decided_at", 'z'),
	BEFORE("decided_at", "decided_at", 'z'),
	SINCE("closed_on", "closed_on", 'd'),
	BEFORE("closed_on", "closed_on", 'd'),
	SINCE("expected_close_on", "expected_close_on", 'd'),
	BEFORE("expected_close_on", "expected_close_on", 'd'),
	SINCE("protected_until", "protected_until", 'z'),
	BEFORE("protected_until", "protected_until", 'z'),
	FROM("protection_expires_at", "protection_expires_at", 'z'),
	BELOW("protection_expires_at", "protection_expires_at", 'z'),
	FROM("amount_minor", "\"amount.amount_minor\"", 'i'),
	BELOW("amount_minor", "\"amount.amount_minor\"", 'i'),
	FROM("actual_amount_minor", "\"actual_amount.amount_minor\"", 'i'),
	BELOW("actual_amount_minor", "\"actual_amount.amount_minor\"", 'i'),
	FROM("margin_bps", "margin_bps", 'i'),
	BELOW("margin_bps", "margin_bps", 'i'),
	{ 0 },
};

static const struct sort deal_sorts[] = {
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ .name = "updated_at", .column = "updated_at", .type = 'z' },
	{ .name = "amount_minor", .column = "\"amount.amount_minor\"", .type = 'i' },
	{ .name = "number", .column = "number", .type = 't' },
	{ .name = "customer_name", .column = "_customer_name_key", .type = 't' },
	{ .name = "expected_close_on", .key = OR_LAST("expected_close_on"), .type = 'd' },
	{ .name = "submitted_at", .key = OR_LAST("submitted_at"), .type = 'z' },
	{ .name = "decided_at", .key = OR_LAST("decided_at"), .type = 'z' },
	{ .name = "protected_until", .key = OR_LAST("protected_until"), .type = 'z' },
	{ .name = "closed_on", .key = OR_LAST("closed_on"), .type = 'd' },
	{ .name = "review_due_at", .key = OR_LAST("review_due_at"), .type = 'z' },
	{ .name = "next_step_due_on", .key = OR_LAST("next_step_due_on"), .type = 'd' },
	{ 0 },
};

const struct list deal_list = {
	.resource = &deal_resource, .filters = deal_filters, .sorts = deal_sorts
};

/* In an order that never changes: a walk then meets each deal exactly once. */
static const struct sort deal_export_sorts[] = {
	{ .name = "created_at", .column = "created_at", .type = 'z' },
	{ 0 },
};

const struct list deal_export_list = {
	.resource = &deal_resource, .filters = deal_filters, .sorts = deal_export_sorts
};

static const struct filter timeline_filters[] = {
	{ .parameter = "_deal_id", .type = 'u', .from_path = true },
	{ 0 },
};

static const struct sort timeline_sorts[] = {
	{ .name = "occurred_at", .column = "occurred_at", .type = 'z' },
	{ 0 },
};

const struct list deal_timeline_list = {
	.resource = &timeline_resource,
	.filters = timeline_filters,
	.sorts = timeline_sorts,
	.parent = &deal_resource,
};
