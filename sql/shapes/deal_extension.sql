-- SPDX-License-Identifier: Apache-2.0
--
-- Like the deal's, its end is judged by the clock: what is asked for beyond the end of all protection is withdrawn.
create view deal_extension_shape with (security_invoker = true) as
select
	x.program_id as _program_id,
	d.partner_id as _partner_id,
	(s.status <> x.status or d.updated_at > x.updated_at or coalesce(p.updated_at > x.updated_at, false)) as _is_newer,
	x.id,
	'deal_extension'::text as object,
	x.version,
	s.status,
	x.deal_id,
	d.number as deal_number,
	d.partner_id,
	p.name as partner_name,
	x.days,
	x.reason,
	x.granted_days,
	x.extends_from as extends_from_at,
	x.extends_to as extends_to_at,
	case when s.status = 'requested' then d.protection_grace_until end as pending_until,
	x.decision_comment,
	x.decided_by_id as "vendor:decided_by_id",
	x.decided_at,
	x.created_by_id,
	x.created_at,
	x.updated_at,
	s.status as allowed_actions
from deal_extensions x
join deals d on d.program_id = x.program_id and d.id = x.deal_id
cross join lateral (select case when x.status = 'requested' and (d.status <> 'approved'
	or d.protected_until <= (select program_now())) then 'withdrawn' else x.status end as status) s
left join partners p on p.program_id = d.program_id and p.id = d.partner_id;

grant select on deal_extension_shape to partnerd_app;
