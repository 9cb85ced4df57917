-- SPDX-License-Identifier: Apache-2.0
--
-- What a partner is entitled to now: the benefits of its tier's terms in force, and what it was given otherwise.
-- Suspended and terminated partners have none. valid_from: since when it has the tier and the tier this value, or since
-- when the override holds; valid_until: when that is known to end, next_value what it is then (null: nothing).
create view partner_benefit_shape with (security_invoker = true) as
with tier_benefit as (
	select p.program_id, p.id as partner_id, e.key, e.value, c.tier_id, c.name, c.terms_version, c.valid_until,
		greatest(c.valid_from, h.effective_at) as valid_from
	from partners p
	join tier_terms_at((select program_now())) c on c.program_id = p.program_id and c.tier_id = p.tier_id
	cross join lateral jsonb_to_recordset(c.benefits) as e(key text, value jsonb)
	left join lateral (select max(g.effective_at) as effective_at from partner_tier_changes g
		where g.program_id = p.program_id and g.partner_id = p.id and g.to_tier_id = p.tier_id) h on true
)
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
	case when o.id is null then t.value else o.value end as value,
	case when o.id is null then 'tier' else 'override' end as "source.type",
	coalesce(o.id, t.tier_id) as "source.id",
	case when o.id is null then t.name else 'Individual agreement' end as "source.name",
	coalesce(o.version, t.terms_version) as "source.terms_version",
	coalesce(o.valid_from, t.valid_from) as valid_from,
	case when y.value is distinct from coalesce(o.value, t.value) then y.at end as valid_until,
	case when y.value is distinct from coalesce(o.value, t.value) then y.value end as next_value
from partners p
cross join lateral (select program_now() as now) n
join benefits b on b.program_id = p.program_id
left join tier_benefit t on t.program_id = p.program_id and t.partner_id = p.id and t.key = b.key
left join benefit_overrides o on o.program_id = p.program_id and o.partner_id = p.id and o.benefit_id = b.id
	and o.valid_from <= n.now and o.valid_until > n.now
-- The first thing that is known to come: the end of the override, an override that begins, or other terms of the tier.
left join lateral (select min(s.valid_from) as at from benefit_overrides s where s.program_id = p.program_id
	and s.partner_id = p.id and s.benefit_id = b.id and s.valid_from > n.now and s.valid_until > s.valid_from) f on true
cross join lateral (select coalesce(o.valid_until, least(f.at, t.valid_until)) as at) x
left join lateral (
	select x.at, case when s.id is not null then s.value else (select e.value from tier_terms_at(x.at) u
		cross join lateral jsonb_to_recordset(u.benefits) as e(key text, value jsonb)
		where u.program_id = p.program_id and u.tier_id = p.tier_id and e.key = b.key) end as value
	from (select) one
	left join benefit_overrides s on s.program_id = p.program_id and s.partner_id = p.id and s.benefit_id = b.id
		and s.valid_from <= x.at and s.valid_until > x.at
	where x.at is not null
) y on true
where p.status in ('onboarding', 'active') and case when o.id is null then t.value else o.value end is not null;

grant select on partner_benefit_shape to partnerd_app;
