-- SPDX-License-Identifier: Apache-2.0

-- The deal that something is added to, if the caller may see it, as it stands now; and a file to be added.
-- name: deal_part_facts
select d.id as deal_id, d.partner_id, case when d.status = 'approved' and d.protected_until <= n.now then 'expired'
	else d.status end as status, y.earns = 'commission' and d.quote_id is null as earns_no_margin, d.number, d.currency, g.margin_cap_bps, n.now, (n.now at time zone g.zone)::date as today,
	f.id as file_id, f.status as file_status, f.used_by_id as file_used_by_id, f.partner_id as file_partner_id
from programs g
cross join (select program_now() as now) n
left join deals d on d.program_id = g.id and d.id = ($4->>'deal_id')::uuid and ($2 is null or d.partner_id = $2)
left join partners p on p.program_id = d.program_id and p.id = d.partner_id
left join partner_types y on y.program_id = p.program_id and y.key = p.type
left join files f on f.program_id = g.id and f.id = ($4->>'file_id')::uuid and ($2 is null or f.partner_id = $2)
where g.id = $1

-- name: deal_note_create
with written as (
	insert into deal_notes (program_id, id, deal_id, visibility, body, created_by_id, created_at, updated_at)
	select $1, $3, d.id, $5->>'visibility', $4->>'body', ($6->>'actor_id')::uuid, n.now, n.now
	from deals d cross join (select program_now() as now) n
	where d.program_id = $1 and d.id = ($4->>'deal_id')::uuid and ($2 is null or d.partner_id = $2)
	returning id
)
select assert_written(count(*)) from written

-- name: deal_note_change
with written as (
	update deal_notes w
	set body = case when $5 ? 'removes' then null else coalesce($5->'set'->>'body', w.body) end,
		removed_at = case when $5 ? 'removes' then program_now() end, version = w.version + 1, updated_at = program_now()
	where w.program_id = $1 and w.id = $3 and w.version = ($5->>'expected_version')::int and w.removed_at is null
	returning w.id
)
select assert_written(count(*)) from written

-- name: deal_document_create
with claimed as materialized (
	select file_claim(($4->>'file_id')::uuid, 'deal_document', $3, case when $5->>'visibility' = 'shared'
		then (select d.partner_id from deals d where d.program_id = $1 and d.id = ($4->>'deal_id')::uuid) end) as is_done
), written as (
	insert into deal_documents (program_id, id, deal_id, file_id, kind, title, visibility, created_by_id, created_at,
		updated_at)
	select $1, $3, d.id, ($4->>'file_id')::uuid, $4->>'kind', $4->>'title', $5->>'visibility', ($6->>'actor_id')::uuid,
		n.now, n.now
	from claimed
	join deals d on d.program_id = $1 and d.id = ($4->>'deal_id')::uuid and ($2 is null or d.partner_id = $2)
	cross join (select program_now() as now) n
	where claimed.is_done
	returning id
)
select assert_written(count(*)) from written

-- What the vendor takes away, the partner reads no more; what a partner takes away stays its own.
-- name: deal_document_remove
with written as (
	update deal_documents x set removed_at = program_now(), version = x.version + 1, updated_at = program_now()
	where x.program_id = $1 and x.id = $3 and x.version = ($5->>'expected_version')::int and x.removed_at is null
	returning x.id, x.file_id
), hidden as (
	update files f set partner_id = null, version = f.version + 1, updated_at = program_now() from written w
	where f.program_id = $1 and f.id = w.file_id and $2 is null
)
select assert_written(count(*)) from written
