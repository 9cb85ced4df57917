-- SPDX-License-Identifier: Apache-2.0
--
-- Who is below a distributor at present, at any depth, as far as the program lets the distributor know.
create view reseller_shape with (security_invoker = true) as
select
	t.program_id as _program_id,
	t.id as _partner_id,
	p.id,
	'reseller'::text as object,
	t.id as distributor_id,
	t.name as distributor_name,
	b.depth,
	p.number,
	p.name,
	p.type,
	p.status,
	p.country,
	r.name as tier_name,
	p.created_at
from partners t
cross join lateral partners_below(t.id) b
join partners p on p.program_id = t.program_id and p.id = b.partner_id
left join tiers r on r.program_id = p.program_id and r.id = p.tier_id
where t.type = 'distributor';

grant select on reseller_shape to partnerd_app;

-- Their deals: what there is to come, none of the terms between a reseller and its supplier; and what
-- the distributor gets of them itself.
create view reseller_deal_shape with (security_invoker = true) as
select
	t.program_id as _program_id,
	t.id as _partner_id,
	d.id,
	'reseller_deal'::text as object,
	t.id as distributor_id,
	d.number,
	s.status,
	d.partner_id,
	p.name as partner_name,
	d.customer_name,
	d.customer_country,
	d.amount_minor as "amount.amount_minor",
	d.currency as "amount.currency",
	case when d.distributor_id = t.id then d.distributor_override_minor end as "distributor_override.amount_minor",
	case when d.distributor_id = t.id then d.currency end as "distributor_override.currency",
	d.expected_close_on,
	d.protection_expires_at,
	d.closed_on,
	d.created_at,
	d.updated_at
from partners t
cross join lateral partners_below(t.id) b
join partners p on p.program_id = t.program_id and p.id = b.partner_id
join deals d on d.program_id = t.program_id and d.partner_id = b.partner_id
cross join lateral (select case when d.status = 'approved' and d.protected_until <= (select program_now())
	then 'expired' else d.status end as status) s
where t.type = 'distributor' and d.status <> 'draft';

grant select on reseller_deal_shape to partnerd_app;
