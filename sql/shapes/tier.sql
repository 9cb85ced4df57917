-- SPDX-License-Identifier: Apache-2.0
--
-- Shown are the terms in force; before there are any, those announced first, or the draft; of a retired tier the last.
-- _is_newer: the clock has brought other terms into force since the row was written.
create view tier_shape with (security_invoker = true) as
select
	t.program_id as _program_id,
	null::uuid as _partner_id,
	coalesce(c.is_in_force and c.valid_from > t.updated_at, false) as _is_newer,
	t.id,
	'tier'::text as object,
	t.version,
	t.key,
	t.name,
	t.rank,
	s.status,
	c.number as terms_version,
	c.floor_bps as "margin_band.floor_bps",
	c.base_bps as "margin_band.base_bps",
	c.cap_bps as "margin_band.cap_bps",
	c.benefits,
	c.requirements,
	c.valid_from,
	c.valid_until,
	u.terms as upcoming,
	d.terms as "vendor:draft",
	t.published_at,
	t.retired_at,
	t.created_at,
	t.updated_at,
	case when d.terms is not null and s.status in ('scheduled', 'published') then 'revised' else s.status end as allowed_actions
from tiers t
cross join lateral (select program_now() as now) n
join lateral (
	select v.*, f.is_in_force, f.is_upcoming
	from tier_versions v
	cross join lateral (select
		v.status = 'published' and v.valid_from <= n.now and (v.valid_until is null or n.now < v.valid_until) as is_in_force,
		v.status = 'published' and v.valid_from > n.now and (v.valid_until is null or v.valid_until > v.valid_from)
			as is_upcoming) f
	where v.program_id = t.program_id and v.tier_id = t.id and v.status <> 'discarded'
	order by case when f.is_in_force then 0 when f.is_upcoming then 1 when v.status = 'draft' then 2
			when v.valid_until > v.valid_from then 3 else 4 end,
		case when f.is_upcoming then v.valid_from end, v.number desc
	limit 1
) c on true
cross join lateral (select case when t.status = 'published' and not c.is_in_force then 'scheduled' else t.status end as status) s
left join lateral (
	select jsonb_build_object('terms_version', v.number, 'margin_band', jsonb_build_object('floor_bps', v.floor_bps,
			'base_bps', v.base_bps, 'cap_bps', v.cap_bps), 'benefits', v.benefits, 'requirements', v.requirements,
		'valid_from', instant(v.valid_from), 'announced_at', instant(v.published_at)) as terms
	from tier_versions v
	where v.program_id = t.program_id and v.tier_id = t.id and v.status = 'published' and v.valid_from > n.now
		and (v.valid_until is null or v.valid_until > v.valid_from)
	order by v.valid_from limit 1
) u on true
left join lateral (
	select jsonb_build_object('margin_band', jsonb_build_object('floor_bps', v.floor_bps, 'base_bps', v.base_bps,
		'cap_bps', v.cap_bps), 'benefits', v.benefits, 'requirements', v.requirements) as terms
	from tier_versions v
	where v.program_id = t.program_id and v.tier_id = t.id and v.status = 'draft'
) d on true;

grant select on tier_shape to partnerd_app;
