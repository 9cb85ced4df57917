-- SPDX-License-Identifier: Apache-2.0

-- The two partners, the period, and whether it would close a circle.
-- name: relation_facts
select n.now, coalesce(($4->>'starts_at')::timestamptz, n.now) as valid_from, ($4->>'ends_at')::timestamptz as valid_to,
	c.status as child_status, d.status as parent_status, d.type as parent_type,
	case when ($4->>'ends_at')::timestamptz <= coalesce(($4->>'starts_at')::timestamptz, n.now) then false
		else relation_makes_circle(c.id, d.id, coalesce(($4->>'starts_at')::timestamptz, n.now),
			($4->>'ends_at')::timestamptz) end as makes_circle
from (select program_now() as now) n
left join partners c on c.program_id = $1 and c.id = ($4->>'partner_id')::uuid
left join partners d on d.program_id = $1 and d.id = ($4->>'parent_id')::uuid

-- name: relation_create
select assert_written(relation_create($6, $3, $4, $5))

-- name: relation_end_facts
select n.now, coalesce(($4->>'ends_at')::timestamptz, n.now) as ends_at, r.valid_from, r.valid_to
from partner_relations r cross join (select program_now() as now) n
where r.program_id = $1 and r.id = $3

-- name: relation_change
with written as (
	update partner_relations r
	set valid_to = greatest(($5->>'ends_at')::timestamptz, r.valid_from), end_reason = $4->>'reason',
		version = r.version + 1, updated_at = program_now()
	where r.program_id = $1 and r.id = $3 and r.version = ($5->>'expected_version')::int
	returning r.id
)
select assert_written(count(*)) from written
