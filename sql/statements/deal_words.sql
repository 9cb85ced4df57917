-- SPDX-License-Identifier: Apache-2.0

-- name: deal_stage_create
with written as (
	insert into deal_stages (program_id, id, key, name, position, probability_bps, created_at, updated_at)
	select $1, $3, $4->>'key', $4->>'name', ($4->>'position')::int, ($4->>'probability_bps')::int, n.now, n.now
	from (select program_now() as now) n
	returning id
)
select assert_written(count(*)) from written

-- name: deal_stage_change
with written as (
	update deal_stages s
	set (name, position, probability_bps, status) = (select r.name, r.position, r.probability_bps, r.status
			from jsonb_populate_record(s, $5->'set') r),
		version = s.version + 1, updated_at = program_now()
	where s.program_id = $1 and s.id = $3 and s.version = ($5->>'expected_version')::int
	returning s.id
)
select assert_written(count(*)) from written

-- name: lost_reason_create
with written as (
	insert into lost_reasons (program_id, id, key, name, created_at, updated_at)
	select $1, $3, $4->>'key', $4->>'name', n.now, n.now from (select program_now() as now) n
	returning id
)
select assert_written(count(*)) from written

-- name: lost_reason_change
with written as (
	update lost_reasons r
	set (name, status) = (select x.name, x.status from jsonb_populate_record(r, $5->'set') x),
		version = r.version + 1, updated_at = program_now()
	where r.program_id = $1 and r.id = $3 and r.version = ($5->>'expected_version')::int
	returning r.id
)
select assert_written(count(*)) from written
