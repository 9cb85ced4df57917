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
