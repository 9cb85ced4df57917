-- SPDX-License-Identifier: Apache-2.0

-- name: tier_facts
select g.margin_cap_bps, program_now() as now from programs g where g.id = $1

-- The program's row is locked against a new cap meanwhile; tiers_fit_program() looks once more when it is.
-- name: tier_create
with program as (
	select g.id from programs g where g.id = $1 for share
), written as (
	insert into tiers (program_id, id, key, name, rank, floor_bps, base_bps, cap_bps, benefits, requirements,
		created_at, updated_at)
	select $1, $3, b.key, b.name, b.rank, (b.margin_band->>'floor_bps')::int, (b.margin_band->>'base_bps')::int,
		(b.margin_band->>'cap_bps')::int, coalesce(b.benefits, '[]'), coalesce(b.requirements, '[]'), n.now, n.now
	from jsonb_to_record($4) as b(key text, name text, rank int, margin_band jsonb, benefits jsonb, requirements jsonb)
	cross join (select program_now() as now) n
	cross join program
	returning id
)
select assert_written(count(*) filter (where tiers_fit_program())) from written

-- name: tier_change
with program as (
	select g.id from programs g where g.id = $1 for share
), written as (
	update tiers t
	set (name, rank, status, floor_bps, base_bps, cap_bps, benefits, requirements, published_at)
		= (select r.name, r.rank, r.status, r.floor_bps, r.base_bps, r.cap_bps, r.benefits, r.requirements, r.published_at
			from jsonb_populate_record(t, $5->'set') r),
		version = t.version + 1, updated_at = program_now()
	from program g
	where t.program_id = g.id and t.id = $3 and t.version = ($5->>'expected_version')::int
	returning t.id
)
select assert_written(count(*) filter (where tiers_fit_program())) from written
