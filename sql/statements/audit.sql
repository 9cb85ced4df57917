-- SPDX-License-Identifier: Apache-2.0
--
-- The ledger as it leaves the house. Every row is a line of an export: entries (kind 0) in the order of the chain, each
-- checkpoint (kind 1) right behind the entry it signs; the row of kind 2 is the head, and is there when nothing follows.
-- previous and current travel as text, because it is their exact bytes that are hashed.
-- name: audit_export
with part as materialized (
	select a.* from audit_entries a
	where a.program_id = $1 and a.seq > ($4->>'after')::bigint
	order by a.seq limit ($4->>'limit')::int
), bounds as (
	select count(*) < ($4->>'limit')::int as is_last, max(p.seq) as last_seq from part p
)
select o.kind, o.seq, o.hash, o.signature, o.line from (
	select 0 as kind, p.seq, encode(p.hash, 'hex') as hash, null as signature, row_to_json(l)::text as line
	from part p
	cross join lateral (select 'audit_entry' as object, p.seq, p.format, p.id, p.partner_id,
		(extract(epoch from p.recorded_at) * 1000000)::bigint as recorded_at_us,
		(extract(epoch from p.occurred_at) * 1000000)::bigint as occurred_at_us,
		p.actor_type, p.actor_id, p.client_id, p.address, encode(p.address_salt, 'hex') as address_salt,
		encode(p.address_hash, 'hex') as address_hash, p.request_id, p.action, p.resource_type, p.resource_id,
		p.resource_version, p.previous::text as previous, p.current::text as current,
		encode(p.content_salt, 'hex') as content_salt, encode(p.content_hash, 'hex') as content_hash,
		encode(p.entry_hash, 'hex') as entry_hash, encode(p.prev_hash, 'hex') as prev_hash, encode(p.hash, 'hex') as hash) l
	union all
	select 1, k.seq, encode(k.hash, 'hex'), k.signature, row_to_json(l)::text
	from audit_checkpoints k
	cross join bounds b
	cross join lateral (select 'audit_checkpoint' as object, k.seq, encode(k.hash, 'hex') as hash, k.signature) l
	where k.program_id = $1 and k.seq > ($4->>'after')::bigint and (b.is_last or k.seq <= b.last_seq)
	union all
	select 2, coalesce(h.seq, 0), encode(coalesce(h.hash, audit_genesis($1)), 'hex'), null, null
	from bounds b
	left join (select a.seq, a.hash from audit_entries a where a.program_id = $1 and a.seq is not null
		order by a.seq desc limit 1) h on true
	where b.is_last
) o
order by o.kind = 2, o.seq, o.kind

-- Keeps that somebody took an export, and of what. One that comes in parts is kept with its first part; a later part
-- belongs to it when the same actor's was kept within the hour.
-- name: export_note
select audit_append($6, ($5->>'entry_id')::uuid, $5->>'action', 'export', null, null, $2, '{}', $4) as entry_id
where not (($5->>'goes_on')::boolean and exists (select from audit_entries a
	where a.program_id = $1 and a.actor_id = ($6->>'actor_id')::uuid and a.action = $5->>'action'
		and a.occurred_at > program_now() - interval '1 hour'))
