-- SPDX-License-Identifier: Apache-2.0
create view lost_reason_shape with (security_invoker = true) as
select
	r.program_id as _program_id,
	null::uuid as _partner_id,
	r.id,
	'lost_reason'::text as object,
	r.version,
	r.key,
	r.name,
	r.status,
	r.created_at,
	r.updated_at,
	r.status as allowed_actions
from lost_reasons r;

grant select on lost_reason_shape to partnerd_app;
