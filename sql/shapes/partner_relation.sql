-- SPDX-License-Identifier: Apache-2.0
--
-- Whether a relation is planned, current or ended is said by the clock.
create view partner_relation_shape with (security_invoker = true) as
select
	r.program_id as _program_id,
	r.partner_id as _partner_id,
	coalesce(p.updated_at > r.updated_at, false) or coalesce(d.updated_at > r.updated_at, false)
		or (r.valid_from > r.updated_at and r.valid_from <= n.now) or coalesce(r.valid_to > r.updated_at and r.valid_to <= n.now, false)
		as _is_newer,
	r.id,
	'partner_relation'::text as object,
	r.version,
	r.partner_id,
	p.name as partner_name,
	r.parent_id,
	d.name as parent_name,
	s.status,
	r.valid_from as starts_at,
	r.valid_to as ends_at,
	r.end_reason,
	r.created_by_id,
	r.created_at,
	r.updated_at,
	s.status as allowed_actions
from partner_relations r
cross join (select program_now() as now) n
cross join lateral (select case when r.valid_to <= n.now or r.valid_to = r.valid_from then 'ended' when r.valid_from > n.now then 'planned'
	else 'current' end as status) s
left join partners p on p.program_id = r.program_id and p.id = r.partner_id
left join partners d on d.program_id = r.program_id and d.id = r.parent_id;

grant select on partner_relation_shape to partnerd_app;
