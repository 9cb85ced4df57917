-- SPDX-License-Identifier: Apache-2.0
create view deal_stage_shape with (security_invoker = true) as
select
	s.program_id as _program_id,
	null::uuid as _partner_id,
	s.id,
	'deal_stage'::text as object,
	s.version,
	s.key,
	s.name,
	s.position,
	s.probability_bps,
	s.status,
	s.created_at,
	s.updated_at,
	s.status as allowed_actions
from deal_stages s;

grant select on deal_stage_shape to partnerd_app;
