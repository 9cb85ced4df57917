-- SPDX-License-Identifier: Apache-2.0
create view deal_approval_policy_shape with (security_invoker = true) as
select
	p.program_id as _program_id,
	null::uuid as _partner_id,
	p.id,
	'deal_approval_policy'::text as object,
	p.version,
	p.name,
	p.position,
	p.status,
	p.currency,
	p.conditions,
	p.steps,
	p.is_automatic,
	p.escalation,
	p.created_by_id,
	p.created_at,
	p.updated_at,
	p.status as allowed_actions
from deal_approval_policies p;

grant select on deal_approval_policy_shape to partnerd_app;
