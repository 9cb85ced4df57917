-- SPDX-License-Identifier: Apache-2.0

-- Nobody who said nothing else prefers less.
-- name: benefit_create
with written as (
	insert into benefits (program_id, id, key, name, description, kind, unit, choices, better, created_at, updated_at)
	select $1, $3, b.key, b.name, b.description, b.kind, b.unit, coalesce(b.choices, '[]'),
		case when $4 ? 'better' then b.better when b.kind <> 'text' then 'higher' end, n.now, n.now
	from jsonb_to_record($4) as b(key text, name text, description text, kind text, unit text, choices jsonb, better text)
	cross join (select program_now() as now) n
	returning id
)
select assert_written(count(*)) from written

-- name: benefit_change
with written as (
	update benefits b
	set (name, description, unit, choices, better, status)
		= (select r.name, r.description, r.unit, r.choices, r.better, r.status from jsonb_populate_record(b, $5->'set') r),
		version = b.version + 1, updated_at = program_now()
	where b.program_id = $1 and b.id = $3 and b.version = ($5->>'expected_version')::int
	returning b.id
)
select assert_written(count(*)) from written

-- ---- overrides ----

-- The partner, the benefit, and another override of it in that time.
-- name: benefit_override_facts
select w.now, w.valid_from, w.valid_until, p.status as partner_status, to_jsonb(b) as benefit, x.id as blocker_id
from (select program_now() as now, coalesce(($4->>'valid_from')::timestamptz, program_now()) as valid_from,
	($4->>'valid_until')::timestamptz as valid_until) w
left join partners p on p.program_id = $1 and p.id = ($4->>'partner_id')::uuid
left join benefits b on b.program_id = $1 and b.id = ($4->>'benefit_id')::uuid
left join lateral (select o.id from benefit_overrides o where o.program_id = $1 and o.partner_id = p.id
	and o.benefit_id = b.id and o.valid_from < w.valid_until and o.valid_until > w.valid_from and o.valid_until > o.valid_from
	order by o.valid_from limit 1) x on true

-- name: benefit_override_create
with partner as (
	select p.id from partners p
	where p.program_id = $1 and p.id = ($4->>'partner_id')::uuid and p.status <> 'terminated' for share
), benefit as (
	select b.id from benefits b
	where b.program_id = $1 and b.id = ($4->>'benefit_id')::uuid and b.status = 'active' for share
), written as (
	insert into benefit_overrides (program_id, id, partner_id, benefit_id, value, reason, valid_from, valid_until,
		created_by_id, created_at, updated_at)
	select $1, $3, p.id, b.id, nullif($4->'value', 'null'), $4->>'reason',
		coalesce(($4->>'valid_from')::timestamptz, n.now), ($4->>'valid_until')::timestamptz, ($6->>'actor_id')::uuid, n.now, n.now
	from partner p
	cross join benefit b
	cross join (select program_now() as now) n
	returning id
)
select assert_written(count(*)) from written

-- name: benefit_override_end
with written as (
	update benefit_overrides o
	set valid_until = greatest(n.now, o.valid_from), end_reason = $4->>'reason', version = o.version + 1, updated_at = n.now
	from (select program_now() as now) n
	where o.program_id = $1 and o.id = $3 and o.version = ($5->>'expected_version')::int
		and o.valid_until > greatest(n.now, o.valid_from)
	returning o.id
)
select assert_written(count(*)) from written
