-- SPDX-License-Identifier: Apache-2.0
--
-- `countries` are those of the region and of all below it, as they are now.
create view territory_assignment_shape with (security_invoker = true) as
select
	a.program_id as _program_id,
	a.partner_id as _partner_id,
	coalesce(p.updated_at > a.updated_at, false) or coalesce(d.updated_at > a.updated_at, false) or a.valid_from > a.updated_at or coalesce(a.valid_to > a.updated_at, false)
		or exists (select from regions b where b.program_id = a.program_id and b.updated_at >= a.updated_at
			and (starts_with(b.path, a.region_path) or b.key = any (string_to_array(a.region_path, '/')))) as _is_newer,
	a.region_path as _region_path,
	a.id,
	'territory_assignment'::text as object,
	a.version,
	s.status,
	a.partner_id,
	p.name as partner_name,
	a.region_id,
	r.key as region_key,
	r.name as region_name,
	rtrim(a.region_path, '/') as region_path,
	to_jsonb(array(select c.country from regions b
		join region_countries c on c.program_id = b.program_id and c.region_id = b.id
		where b.program_id = a.program_id and b.path >= a.region_path and b.path < left(a.region_path, -1) || '0'
		order by c.country)) as countries,
	a.product_id,
	d.key as product_key,
	d.name as product_name,
	a.is_exclusive,
	a.valid_from,
	a.valid_to,
	a.end_reason,
	a.note as "vendor:note",
	a.created_by_id,
	a.created_at,
	a.updated_at,
	s.status as allowed_actions
from territory_assignments a
join regions r on r.program_id = a.program_id and r.id = a.region_id
left join products d on d.program_id = a.program_id and d.id = a.product_id
left join partners p on p.program_id = a.program_id and p.id = a.partner_id
cross join lateral (select case
	when a.valid_to <= a.valid_from then 'cancelled'
	when a.valid_to <= program_now() then 'ended'
	when a.valid_from > program_now() then 'scheduled'
	else 'active' end as status) s;

grant select on territory_assignment_shape to partnerd_app;
