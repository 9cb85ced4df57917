-- SPDX-License-Identifier: Apache-2.0
create view benefit_shape with (security_invoker = true) as
select
	b.program_id as _program_id,
	null::uuid as _partner_id,
	b.id,
	'benefit'::text as object,
	b.version,
	b.key,
	b.name,
	b.description,
	b.kind,
	b.unit,
	b.choices,
	b.better,
	b.status,
	b.created_at,
	b.updated_at,
	b.status as allowed_actions
from benefits b;

grant select on benefit_shape to partnerd_app;
