-- SPDX-License-Identifier: Apache-2.0
create view deal_collaborator_shape with (security_invoker = true) as
select
	c.program_id as _program_id,
	c.partner_id as _partner_id,
	c.id,
	'deal_collaborator'::text as object,
	c.version,
	c.deal_id,
	c.deal_number,
	c.customer_name,
	c.partner_id,
	p.name as partner_name,
	c.contribution,
	c.share_bps,
	c.engaged_on,
	c.note as "vendor:note",
	c.credited_bps,
	c.credited_minor as "credited_amount.amount_minor",
	case when c.credited_minor is not null then c.currency end as "credited_amount.currency",
	c.won_minor as "won_amount.amount_minor",
	case when c.won_minor is not null then c.currency end as "won_amount.currency",
	c.attribution_model,
	c.attribution_window_days,
	c.credited_at,
	c.created_at,
	c.updated_at,
	coalesce(p.updated_at > c.updated_at, false) as _is_newer
from deal_collaborators c
left join partners p on p.program_id = c.program_id and p.id = c.partner_id;

grant select on deal_collaborator_shape to partnerd_app;
