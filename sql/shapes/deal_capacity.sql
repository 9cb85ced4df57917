-- SPDX-License-Identifier: Apache-2.0
--
-- What each partner has open, what it may have, and what became of the rest: who registers much and wins little stands out.
-- Each figure is a subquery of its own, so that sorting by one of them works out the others for one page only.
create view deal_capacity_shape with (security_invoker = true) as
select
	p.program_id as _program_id,
	p.id as _partner_id,
	p.id,
	'deal_capacity'::text as object,
	p.id as partner_id,
	p.name as partner_name,
	p.status as partner_status,
	p.tier_id,
	(select t.name from tiers t where t.program_id = p.program_id and t.id = p.tier_id) as tier_name,
	(select deal_open_count(p.id)) as open_count,
	(select deal_limit_of(p.id, p.tier_id)) as open_limit,
	(select greatest(l.allowed - deal_open_count(p.id), 0) from (select deal_limit_of(p.id, p.tier_id) as allowed) l
		where l.allowed is not null) as available,
	(select min(coalesce(d.submitted_at, d.created_at)) from deals d where d.program_id = p.program_id
		and d.partner_id = p.id and d.status in ('submitted', 'in_review', 'info_requested', 'conflict_hold', 'approved')
		and (d.status <> 'approved' or d.protected_until > (select program_now()))) as oldest_open_at,
	(select count(*) from deals d where d.program_id = p.program_id and d.partner_id = p.id
		and d.status in ('submitted', 'in_review', 'info_requested', 'conflict_hold', 'approved')
		and (d.status <> 'approved' or d.protected_until > (select program_now()))
		and d.updated_at <= (select program_now()) - interval '30 days')::int as idle_count,
	(select count(*) from deals d where d.program_id = p.program_id and d.partner_id = p.id and d.status = 'won')::int
		as won_count,
	(select round(10000.0 * count(*) filter (where d.status = 'won') / nullif(count(*), 0)) from deals d
		where d.program_id = p.program_id and d.partner_id = p.id
		and (d.status in ('won', 'lost', 'expired', 'cancelled')
			or (d.status = 'approved' and d.protected_until <= (select program_now()))))::int as won_bps
from partners p
where p.status <> 'terminated';

grant select on deal_capacity_shape to partnerd_app;
