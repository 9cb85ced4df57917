-- SPDX-License-Identifier: Apache-2.0
--
-- What goes into the bundle of a dispute. Everything is taken from the feed and the chain as they were when the entry
-- that closed the evidence was sealed: a bundle that is made later, or made again, says the same.

-- A stored row as its resource is shown: nested, without bookkeeping, and for partners without what is the vendor's.
create or replace function flat_shown(flat jsonb, is_vendor boolean) returns jsonb language sql immutable parallel safe as
$$
	select coalesce(jsonb_object_agg(m.name, m.value), '{}') from (
		select split_part(n.name, '.', 1) as name, case when not bool_or(n.name like '%.%') then jsonb_agg(n.value)->0
			when bool_and(n.value = 'null') then 'null'
			else jsonb_object_agg(split_part(n.name, '.', 2), n.value) filter (where n.name like '%.%') end as value
		from (select regexp_replace(e.key, '^vendor:', '') as name, e.value from jsonb_each(flat) e
			where left(e.key, 1) <> '_' and e.key <> 'allowed_actions' and (is_vendor or left(e.key, 7) <> 'vendor:')) n
		group by 1) m
$$;

-- Whether a partner may read what an entry of its own says: nothing in it is the vendor's, and no id in it is another
-- partner's, or its deal's, or its people's. `own`: the partner, and those that became part of it.
create or replace function content_is_open(content jsonb, own uuid[]) returns boolean language sql stable as
$$
	select not exists (select from jsonb_object_keys(content) k(member) where left(k.member, 7) = 'vendor:'
			or (left(k.member, 1) = '_' and k.member not in ('_program_id', '_partner_id', '_status', '_customer_name_key',
				'_is_newer')))
		and not exists (
			select from regexp_matches(content::text, '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}', 'g') m
			cross join lateral (select m[1]::uuid as id offset 0) i
			where exists (select from partners p where p.program_id = app_program() and p.id = i.id and p.id <> all (own))
				or exists (select from deals d where d.program_id = app_program() and d.id = i.id and d.partner_id <> all (own))
				or exists (select from users u where u.program_id = app_program() and u.id = i.id
					and u.partner_id <> all (own))
				or exists (select from api_clients c where c.program_id = app_program() and c.id = i.id
					and c.partner_id <> all (own)))
$$;

-- The entry's place that closed the evidence of a dispute, once it and everything before it is signed; else null.
create or replace function dispute_closing_seq(dispute uuid) returns bigint language sql stable as
$$
	select c.seq from (
		select case when count(*) = count(a.seq) then max(a.seq) end as seq from audit_entries a
		where a.program_id = app_program() and a.resource_id = dispute and a.action = 'dispute.evidence_closed') c
	where exists (select from audit_checkpoints k where k.program_id = app_program() and k.seq >= c.seq)
$$;

-- The place in the chain at which a deal laid claim to its account: the entry that matching noted, else its first
-- submission.
create or replace function deal_claim_seq(deal uuid) returns bigint language sql stable as
$$
	select coalesce((select a.seq from deals d join audit_entries a on a.program_id = d.program_id and a.id = d.claim_entry_id
		where d.program_id = app_program() and d.id = deal),
		(select min(a.seq) from audit_entries a where a.program_id = app_program() and a.resource_id = deal
			and a.action = 'deal.submitted'))
$$;

-- The entries that a bundle tells of, by their places in the chain. `open`: with what they say. A deal that was edited
-- very often is told by its last thousand edits and everything that is no edit.
create or replace function dispute_entries(dispute uuid, viewer text, closing bigint)
returns table (seq bigint, id uuid, resource_id uuid, action text, partner_id uuid, is_open boolean) language sql stable as
$$
	with sides as (
		select p.role, p.partner_id, p.deal_id from dispute_parties p
		where p.program_id = app_program() and p.dispute_id = dispute and viewer in ('vendor', p.role)
	), subjects as (
		select s.deal_id as id from sides s
		union select dispute
		union select x.conflict_id from sides s join deal_conflict_deals x on x.program_id = app_program()
			and x.deal_id = s.deal_id where viewer = 'vendor'
		union select e.id from dispute_evidence e
		where e.program_id = app_program() and e.dispute_id = dispute and viewer in ('vendor', e.audience)
	), own as (
		select x.id from sides s join partners x on x.program_id = app_program()
			and (x.id = s.partner_id or x.merged_into_id = s.partner_id)
	), found as (
		select a.*, row_number() over (partition by a.action = 'deal.updated' order by a.seq desc) as place
		from subjects o join audit_entries a on a.program_id = app_program() and a.resource_id = o.id and a.seq <= closing
		where viewer = 'vendor' or a.partner_id in (select w.id from own w)
	)
	select f.seq, f.id, f.resource_id, f.action, f.partner_id,
		viewer = 'vendor' or (content_is_open(f.previous, w.ids) and content_is_open(f.current, w.ids))
	from found f cross join (select array_agg(o.id) as ids from own o) w where f.format > 1 and (f.action <> 'deal.updated' or f.place <= 1000)
$$;

-- The lines of a bundle in order, but for the keys and the end, which take a signature. `signature` is a checkpoint's.
create or replace function dispute_bundle_lines(dispute uuid, viewer text)
returns table (line text, signature text) language plpgsql stable as
$$
#variable_conflict use_column
begin
	return query with closing as materialized (
		select dispute_closing_seq(dispute) as seq
	), told as materialized (
		select t.* from closing c, dispute_entries(dispute, viewer, c.seq) t
	), sides as (
		select p.role, p.partner_id, p.deal_id from dispute_parties p
		where p.program_id = app_program() and p.dispute_id = dispute and viewer in ('vendor', p.role)
	), spans as materialized (
		select min(t.seq) as first, k.seq as last, k.hash, k.signature from told t
		cross join lateral (select k.seq, k.hash, k.signature from audit_checkpoints k
			where k.program_id = app_program() and k.seq >= t.seq order by k.seq limit 1) k
		group by k.seq, k.hash, k.signature
	), judged as (
		select c.*, flat_shown(to_jsonb(s), viewer = 'vendor') as row from sides x
		join decisions c on c.program_id = app_program() and c.resource_id = x.deal_id
		join told t on t.resource_id = c.resource_id and (viewer = 'vendor' or t.partner_id = c.partner_id)
		join events e on e.program_id = app_program() and e.id = t.id and e.decision_id = c.id
		join decision_shape s on s._program_id = c.program_id and s.id = c.id
	), lines as (
		select 0 as part, 0::bigint as seq, 0 as sub, jsonb_build_object('object', 'dispute_bundle', 'format', 1,
			'program_id', g.id, 'slug', g.slug, 'name', g.name, 'dispute_id', d.id, 'number', d.number, 'audience', viewer,
			'closing_sequence', c.seq, 'evidence_closed_at', instant(d.evidence_closed_at)) as line, null::text as signature
		from programs g join disputes d on d.program_id = g.id and d.id = dispute cross join closing c
		where g.id = app_program()
		union all
		select 1, max(t.seq), 0, jsonb_build_object('object', 'dispute_case', 'party', x.role, 'sequence', max(t.seq), 'row',
			(select flat_shown(e.data, viewer = 'vendor') from events e join told l on l.id = e.id
				where e.program_id = app_program() and l.resource_id = dispute and e.data->>'role' = x.role
				order by l.seq desc limit 1)), null
		from sides x join told t on t.resource_id = dispute
			and exists (select from events e where e.program_id = app_program() and e.id = t.id and e.data->>'role' = x.role)
		group by x.role
		union all
		select 2, coalesce(min(t.seq) filter (where t.seq = deal_claim_seq(x.deal_id)), max(t.seq)), 0, jsonb_build_object(
			'object', 'dispute_deal', 'party', x.role,
			'claim_sequence', min(t.seq) filter (where t.seq = deal_claim_seq(x.deal_id)), 'sequence', max(t.seq),
			'row', (select flat_shown(e.data, viewer = 'vendor')
				|| case when viewer = 'vendor' then '{}' else '{"created_by_id": null}' end::jsonb from events e join told l on l.id = e.id
				where e.program_id = app_program() and l.resource_id = x.deal_id order by l.seq desc limit 1)), null
		from sides x join told t on t.resource_id = x.deal_id group by x.role, x.deal_id
		union all
		select 2, max(t.seq), 1, jsonb_build_object('object', 'dispute_conflict', 'sequence', max(t.seq), 'row',
			(select flat_shown(e.data, true) from events e where e.program_id = app_program()
				and e.id = (array_agg(t.id order by t.seq desc))[1])), null
		from told t join events v on v.program_id = app_program() and v.id = t.id and v.resource_type = 'deal_conflict'
		group by t.resource_id
		union all
		select 3, t.seq, 0, jsonb_build_object('object', 'dispute_evidence', 'sequence', t.seq, 'row',
			flat_shown(e.data, viewer = 'vendor')), null
		from told t join events e on e.program_id = app_program() and e.id = t.id
		where t.action = 'dispute_evidence.submitted'
		union all
		select 4, t.seq, 0, jsonb_build_object('object', 'dispute_notice', 'sequence', t.seq, 'event_id', e.id, 'type', e.type,
			'occurred_at', instant(e.occurred_at), 'to', coalesce((select p.role from dispute_parties p
				where p.program_id = app_program() and p.dispute_id = dispute and p.partner_id = t.partner_id limit 1), 'vendor'),
			'resource', jsonb_build_object('object', e.resource_type, 'id', e.resource_id, 'version', e.resource_version)), null
		from told t join events e on e.program_id = app_program() and e.id = t.id
		union all
		select 5, extract(epoch from j.created_at)::bigint, 0, jsonb_build_object('object', 'dispute_decision', 'row', j.row), null
		from judged j
		union all
		select 6, 0, 0, jsonb_build_object('object', 'dispute_rules', 'kind', 'program', 'version', s.version, 'row',
			flat_shown(to_jsonb(s), viewer = 'vendor')), null
		from program_shape s where s._program_id = app_program()
		union all
		select 6, 1, v.number, jsonb_build_object('object', 'dispute_rules', 'kind', 'tier_terms', 'version',
			v.number, 'row', jsonb_build_object('tier_id', v.tier_id, 'floor_bps', v.floor_bps, 'base_bps', v.base_bps,
			'cap_bps', v.cap_bps, 'benefits', v.benefits, 'requirements', v.requirements)), null
		from (select distinct (j.inputs->'tier'->>'id')::uuid as tier_id, (j.inputs->'tier'->>'terms_version')::int as version
			from judged j) u
		join tier_versions v on v.program_id = app_program() and v.tier_id = u.tier_id and v.number = u.version
		union all
		select 6, 2, r.number, jsonb_build_object('object', 'dispute_rules', 'kind', 'margin_rule_set', 'version', r.number,
			'row', case when viewer = 'vendor' then jsonb_build_object('id', r.id, 'name', r.name, 'rules', r.rules)
				else jsonb_build_object('id', null) end), null
		from (select distinct (j.inputs->'margin_rule_set'->>'id')::uuid as id from judged j) u
		join margin_rule_sets r on r.program_id = app_program() and r.id = u.id
		union all
		select 7, a.seq, 0, jsonb_build_object('object', 'audit_segment', 'seq', a.seq, 'prev_hash', encode(a.prev_hash, 'hex')), null
		from spans s join audit_entries a on a.program_id = app_program() and a.seq = s.first
		union all
		select 7, k.last, 2, jsonb_build_object('object', 'audit_checkpoint', 'seq', k.last, 'hash', encode(k.hash, 'hex'),
			'signature', k.signature), k.signature
		from spans k
	), chain as (
		select 7 as part, a.seq, 1 as sub, case when t.seq is null
			then json_build_object('object', 'audit_link', 'seq', a.seq, 'entry_hash', encode(a.entry_hash, 'hex'))
			else json_build_object('object', 'audit_entry', 'seq', a.seq, 'format', a.format, 'id', a.id,
				'partner_id', a.partner_id, 'recorded_at_us', (extract(epoch from a.recorded_at) * 1000000)::bigint,
				'occurred_at_us', (extract(epoch from a.occurred_at) * 1000000)::bigint, 'actor_type', a.actor_type,
				'actor_id', a.actor_id, 'client_id', a.client_id, 'address', null, 'address_salt', null,
				'address_hash', encode(a.address_hash, 'hex'), 'request_id', a.request_id, 'action', a.action,
				'resource_type', a.resource_type, 'resource_id', a.resource_id, 'resource_version', a.resource_version,
				'previous', case when t.is_open then a.previous::text end, 'current', case when t.is_open then a.current::text end,
				'content_salt', case when t.is_open then encode(a.content_salt, 'hex') end,
				'content_hash', encode(a.content_hash, 'hex'), 'entry_hash', encode(a.entry_hash, 'hex'),
				'prev_hash', encode(a.prev_hash, 'hex'), 'hash', encode(a.hash, 'hex')) end::text as line, null::text as signature
		from spans s join audit_entries a on a.program_id = app_program() and a.seq between s.first and s.last
		left join told t on t.seq = a.seq
	)
	select o.line, o.signature from (
		select l.part, l.seq, l.sub, l.line::text as line, l.signature from lines l
		union all
		select c.part, c.seq, c.sub, c.line, c.signature from chain c
	) o
	where exists (select from closing c where c.seq is not null)
	order by o.part, o.seq, o.sub, o.line;
end $$;

-- Keeps the bundles of a dispute, tells both sides, and so puts their hashes into the chain. False: somebody else did.
create or replace function dispute_bundles_keep(request jsonb, decision jsonb) returns boolean language plpgsql as
$$
declare
	now constant timestamptz := program_now();
	dispute constant uuid := decision->>'dispute_id';
	before jsonb;
begin
	perform from disputes d where d.program_id = app_program() and d.id = dispute and d.status = 'evidence'
		and d.evidence_closed_at is not null and d.bundled_at is null for update;
	if not found then
		return false;
	end if;
	select to_jsonb(s) into before from dispute_shape s where s._program_id = app_program() and s.id = dispute;
	insert into dispute_bundles (program_id, dispute_id, audience, sha256, signed_by, content, created_at)
	select app_program(), dispute, b.audience, b.sha256, b.signed_by, b.content, now
	from jsonb_to_recordset(decision->'bundles') b(audience text, sha256 text, signed_by text, content text);
	update disputes d set bundled_at = now, version = d.version + 1, updated_at = now
	where d.program_id = app_program() and d.id = dispute;
	perform publish(request, jsonb_build_object('event_id', uuid_v7(), 'event', 'dispute.bundles_signed'), 'dispute', before,
		to_jsonb(s))
	from dispute_shape s where s._program_id = app_program() and s.id = dispute;
	perform dispute_tell(request, dispute, 'dispute.bundles_signed');
	return true;
end $$;
