-- SPDX-License-Identifier: Apache-2.0

-- Whether the deal is still worked is asked again with its row held, which whoever ends it has to wait for.
-- name: deal_help_create
with deal as (
	select d.id from deals d
	where d.program_id = $1 and d.id = ($4->>'deal_id')::uuid and ($2 is null or d.partner_id = $2)
		and d.status in ('draft', 'submitted', 'in_review', 'info_requested', 'conflict_hold', 'approved')
	for share
), written as (
	insert into deal_help_requests (program_id, id, deal_id, kind, message, needed_by_on, created_by_id, created_at,
		updated_at)
	select $1, $3, d.id, $4->>'kind', $4->>'message', ($4->>'needed_by_on')::date, ($6->>'actor_id')::uuid, n.now, n.now
	from deal d cross join (select program_now() as now) n
	returning id
)
select assert_written(count(*)) from written

-- Who is to help: the person named, if there is such a one on the vendor's side.
-- name: deal_help_facts
select n.now, u.id as assignee_id
from (select program_now() as now) n
left join users u on u.program_id = $1 and u.id = ($4->>'assignee_id')::uuid and u.partner_id is null
	and u.status = 'active'

-- name: deal_help_change
with written as (
	update deal_help_requests r
	set (status, assignee_id, response, answered_at, completed_at)
		= (select x.status, x.assignee_id, x.response, x.answered_at, x.completed_at
			from jsonb_populate_record(r, $5->'set') x),
		version = r.version + 1, updated_at = program_now()
	where r.program_id = $1 and r.id = $3 and r.version = ($5->>'expected_version')::int
	returning r.id
)
select assert_written(count(*)) from written

-- name: special_price_create
with deal as (
	select d.id from deals d
	where d.program_id = $1 and d.id = ($4->>'deal_id')::uuid and ($2 is null or d.partner_id = $2)
		and d.status in ('draft', 'submitted', 'in_review', 'info_requested', 'conflict_hold')
	for no key update
), written as (
	insert into special_pricing_requests (program_id, id, deal_id, requested_margin_bps, reason, competitor, created_by_id,
		created_at, updated_at)
	select $1, $3, d.id, ($4->>'requested_margin_bps')::int, $4->>'reason', $4->>'competitor', ($6->>'actor_id')::uuid,
		n.now, n.now
	from deal d cross join (select program_now() as now) n
	returning id
)
select assert_written(count(*)) from written

-- name: special_price_facts
select g.margin_cap_bps, n.now, d.status as deal_status, r.requested_margin_bps,
	y.earns = 'commission' and d.quote_id is null as earns_no_margin,
	((n.now at time zone g.zone) + make_interval(days => g.protection_days)) at time zone g.zone as default_end
from programs g
cross join (select program_now() as now) n
join special_pricing_requests r on r.program_id = g.id and r.id = $3
join deals d on d.program_id = r.program_id and d.id = r.deal_id
join partners p on p.program_id = d.program_id and p.id = d.partner_id
left join partner_types y on y.program_id = p.program_id and y.key = p.type
where g.id = $1

-- name: special_price_change
with deal as (
	select d.id, d.review_round from deals d
	join special_pricing_requests r on r.program_id = d.program_id and r.deal_id = d.id
	where r.program_id = $1 and r.id = $3
		and d.status in ('draft', 'submitted', 'in_review', 'info_requested', 'conflict_hold')
	for no key update of d
), written as (
	update special_pricing_requests r
	set (status, granted_margin_bps, valid_until, decision_comment, decided_by_id, decided_at)
		= (select x.status, x.granted_margin_bps, x.valid_until, x.decision_comment, x.decided_by_id, x.decided_at
			from jsonb_populate_record(r, $5->'set') x),
		deal_round = case $5->'set'->>'status' when 'approved' then (select d.review_round from deal d) else r.deal_round end,
		version = r.version + 1, updated_at = program_now()
	where r.program_id = $1 and r.id = $3 and r.version = ($5->>'expected_version')::int
		and (exists (select from deal) or $5->'set'->>'status' in ('rejected', 'withdrawn') and r.status = 'requested')
	returning r.id
)
select assert_written(count(*)) from written
