-- SPDX-License-Identifier: Apache-2.0
create view benefit_override_shape with (security_invoker = true) as
select
	o.program_id as _program_id,
	o.partner_id as _partner_id,
	(coalesce(p.updated_at > o.updated_at, false) or coalesce(b.updated_at > o.updated_at, false)
		or o.valid_from > o.updated_at or s.status = 'ended') as _is_newer,
	o.id,
	'benefit_override'::text as object,
	o.version,
	s.status,
	o.partner_id,
	p.name as partner_name,
	o.benefit_id,
	b.key as benefit_key,
	b.name as benefit_name,
	o.value,
	o.reason as "vendor:reason",
	o.valid_from,
	o.valid_until,
	o.end_reason as "vendor:end_reason",
	o.created_by_id,
	o.created_at,
	o.updated_at,
	s.status as allowed_actions
from benefit_overrides o
join benefits b on b.program_id = o.program_id and b.id = o.benefit_id
left join partners p on p.program_id = o.program_id and p.id = o.partner_id
cross join lateral (select case
	when o.valid_until <= o.valid_from then 'cancelled'
	when o.valid_until <= program_now() then 'ended'
	when o.valid_from > program_now() then 'scheduled'
	else 'active' end as status) s;

grant select on benefit_override_shape to partnerd_app;
