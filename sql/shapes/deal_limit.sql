-- SPDX-License-Identifier: Apache-2.0
create view deal_limit_shape with (security_invoker = true) as
select
	l.program_id as _program_id,
	null::uuid as _partner_id,
	l.id,
	'deal_limit'::text as object,
	l.version,
	s.status,
	l.tier_id,
	t.name as tier_name,
	l.partner_id,
	p.name as partner_name,
	l.open_limit,
	l.reason,
	l.starts_at,
	l.ends_at,
	l.created_by_id,
	l.created_at,
	l.updated_at,
	s.status as allowed_actions,
	s.status = 'ended' or coalesce(t.updated_at > l.updated_at, false) or coalesce(p.updated_at > l.updated_at, false)
		as _is_newer
from deal_limits l
cross join lateral (select case when l.ends_at <= (select program_now()) then 'ended' else 'active' end as status) s
left join tiers t on t.program_id = l.program_id and t.id = l.tier_id
left join partners p on p.program_id = l.program_id and p.id = l.partner_id
where (select app_is_vendor());

grant select on deal_limit_shape to partnerd_app;
