-- SPDX-License-Identifier: Apache-2.0
create view deal_help_request_shape with (security_invoker = true) as
select
	r.program_id as _program_id,
	d.partner_id as _partner_id,
	(d.updated_at > r.updated_at or coalesce(p.updated_at > r.updated_at, false)) as _is_newer,
	r.id,
	'deal_help_request'::text as object,
	r.version,
	r.status,
	r.deal_id,
	d.number as deal_number,
	d.partner_id,
	p.name as partner_name,
	r.kind,
	r.message,
	r.needed_by_on,
	r.assignee_id as "vendor:assignee_id",
	r.response,
	r.answered_at,
	r.completed_at,
	r.created_by_id,
	r.created_at,
	r.updated_at,
	r.status as allowed_actions
from deal_help_requests r
join deals d on d.program_id = r.program_id and d.id = r.deal_id
left join partners p on p.program_id = d.program_id and p.id = d.partner_id;

grant select on deal_help_request_shape to partnerd_app;
