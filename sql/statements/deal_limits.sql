-- SPDX-License-Identifier: Apache-2.0

-- name: deal_limit_facts
select program_now() as now, l.ends_at
from programs g
left join deal_limits l on l.program_id = g.id and l.id = $3
where g.id = $1

-- name: deal_limit_create
with written as (
	insert into deal_limits (program_id, id, tier_id, partner_id, open_limit, reason, starts_at, ends_at, created_by_id,
		created_at, updated_at)
	select $1, $3, b.tier_id, b.partner_id, b.open_limit, b.reason, n.now, b.ends_at, ($6->>'actor_id')::uuid, n.now, n.now
	from jsonb_to_record($4) as b(tier_id uuid, partner_id uuid, open_limit int, reason text, ends_at timestamptz)
	cross join (select program_now() as now) n
	returning id
)
select assert_written(count(*)) from written

-- name: deal_limit_change
with written as (
	update deal_limits l
	set (open_limit, reason, ends_at) = (select r.open_limit, r.reason, r.ends_at from jsonb_populate_record(l, $5->'set') r),
		version = l.version + 1, updated_at = program_now()
	where l.program_id = $1 and l.id = $3 and l.version = ($5->>'expected_version')::int
	returning l.id
)
select assert_written(count(*)) from written
