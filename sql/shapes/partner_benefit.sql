-- SPDX-License-Identifier: Apache-2.0
--
-- What a partner is entitled to now: the benefits of its tier's terms in force. Suspended and terminated partners have
-- none. valid_from: since when it has the tier and the tier this value; valid_until: when announced terms take the value
-- away or change it, next_value what it is then (null: nothing).
create view partner_benefit_shape with (security_invoker = true) as
select
	p.program_id as _program_id,
	p.id as _partner_id,
	b.id,
	'partner_benefit'::text as object,
	b.key,
	b.name,
	b.description,
	b.kind,
	b.unit,
	e.value,
	'tier'::text as "source.type",
	c.tier_id as "source.id",
	c.name as "source.name",
	c.terms_version as "source.terms_version",
	greatest(c.valid_from, h.effective_at) as valid_from,
	case when x.value is distinct from e.value then u.valid_from end as valid_until,
	case when x.value is distinct from e.value then x.value end as next_value
from partners p
cross join lateral (select program_now() as now) n
join tier_terms_at(n.now) c on c.program_id = p.program_id and c.tier_id = p.tier_id
cross join lateral jsonb_to_recordset(c.benefits) as e(key text, value jsonb)
join benefits b on b.program_id = p.program_id and b.key = e.key
left join lateral (select max(g.effective_at) as effective_at from partner_tier_changes g
	where g.program_id = p.program_id and g.partner_id = p.id and g.to_tier_id = p.tier_id) h on true
left join tier_terms_at(c.valid_until) u on u.program_id = p.program_id and u.tier_id = c.tier_id
left join lateral (select y.value from jsonb_to_recordset(u.benefits) as y(key text, value jsonb) where y.key = e.key) x on true
where p.status in ('onboarding', 'active');

grant select on partner_benefit_shape to partnerd_app;
