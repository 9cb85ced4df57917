-- SPDX-License-Identifier: Apache-2.0

-- The deal, and which of the partners that are named there are.
-- name: deal_split_facts
select d.status, d.protected_until, n.now, (n.now at time zone g.zone)::date as today,
	(select jsonb_object_agg(p.id, p.status) from partners p where p.program_id = d.program_id
		and p.id in (select lower(s->>'partner_id')::uuid from jsonb_array_elements($4->'collaborators') s)) as known
from deals d
join programs g on g.id = d.program_id
cross join (select program_now() as now) n
where d.program_id = $1 and d.id = $3 and ($2 is null or d.partner_id = $2)

-- name: deal_split
with written as (
	update deals d set version = d.version + 1, updated_at = program_now()
	where d.program_id = $1 and d.id = $3 and d.version = ($5->>'expected_version')::int
	returning d.id
)
select assert_written(count(*)) from written w where deal_split_write($6, $5->'shares', w.id)
