-- SPDX-License-Identifier: Apache-2.0
--
-- An account that more than one wants, with everybody who wants it in the order in which they are served: who is
-- protected, then by the claim's number. The entry of the ledger in which a claim was made has its place in the chain, so
-- the order can be proved; it is null for the second or two until the entry is sealed.
create view deal_conflict_shape with (security_invoker = true) as
select
	c.program_id as _program_id,
	null::uuid as _partner_id,
	c.id,
	'deal_conflict'::text as object,
	c.version,
	c.status,
	m.holder as holder_deal_id,
	coalesce(m.deals, '[]') as deals,
	c.winner_deal_id,
	c.rule,
	c.reason,
	c.resolved_by_id,
	c.ended_at,
	c.created_at,
	c.updated_at,
	c.status as allowed_actions
from deal_conflicts c
left join lateral (
	select (array_agg(o.id order by o.place) filter (where o.status <> 'conflict_hold'
			and deal_lives(o.status, o.protected_until, (select program_now()))))[1] as holder,
		jsonb_agg(jsonb_build_object('deal_id', o.id, 'number', o.number, 'partner_id', o.partner_id, 'partner_name',
			o.partner_name, 'status', o.status, 'position', o.place, 'claimed_at', instant(o.claimed_at), 'audit_entry_id', o.claim_entry_id,
			'audit_seq', o.seq) order by o.place) as deals
	from (
		select d.id, d.number, d.partner_id, p.name as partner_name, d.status, d.protected_until, d.claimed_at,
			d.claim_entry_id, e.seq,
			row_number() over (order by d.status in ('approved', 'won') desc, d.claim_number, d.id) as place
		from deal_conflict_deals x
		join deals d on d.program_id = x.program_id and d.id = x.deal_id
		join partners p on p.program_id = d.program_id and p.id = d.partner_id
		left join audit_entries e on e.program_id = d.program_id and e.id = d.claim_entry_id
		where x.program_id = c.program_id and x.conflict_id = c.id
	) o
) m on true;

grant select on deal_conflict_shape to partnerd_app;
