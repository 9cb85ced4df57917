-- SPDX-License-Identifier: Apache-2.0
--
-- A quote is open until a deal uses it or its time is over; that is told by the clock, not stored.
create view margin_quote_shape with (security_invoker = true) as
select
	q.program_id as _program_id,
	q.partner_id as _partner_id,
	d.id is not null or s.status = 'expired' or p.updated_at > q.updated_at as _is_newer,
	q.id,
	'margin_quote'::text as object,
	q.version,
	q.number,
	s.status,
	q.partner_id,
	p.name as partner_name,
	q.customer_name,
	q.customer_country,
	q.terms,
	q.rating as "vendor:rating",
	q.lines,
	q.list_minor as "list_amount.amount_minor",
	q.currency as "list_amount.currency",
	q.discount_minor as "volume_discount.amount_minor",
	q.currency as "volume_discount.currency",
	q.net_minor as "net_amount.amount_minor",
	q.currency as "net_amount.currency",
	q.margin_bps,
	q.margin_minor as "margin_amount.amount_minor",
	q.currency as "margin_amount.currency",
	q.clipped_bps,
	q.net_minor - q.margin_minor as "partner_price.amount_minor",
	q.currency as "partner_price.currency",
	q.steps,
	q.vendor_side as "vendor:vendor_side",
	q.tier_id,
	t.name as tier_name,
	q.rule_set_id as "vendor:rule_set_id",
	q.rule_set_version,
	q.decision_id,
	q.valid_until,
	d.id as deal_id,
	q.created_by_id,
	q.created_at,
	q.updated_at
from margin_quotes q
join partners p on p.program_id = q.program_id and p.id = q.partner_id
join tiers t on t.program_id = q.program_id and t.id = q.tier_id
left join deals d on d.program_id = q.program_id and d.quote_id = q.id
cross join lateral (select case when d.id is not null then 'used'
	when q.valid_until <= (select program_now()) then 'expired' else 'open' end as status) s;

grant select on margin_quote_shape to partnerd_app;
