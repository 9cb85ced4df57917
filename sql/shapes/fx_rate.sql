-- SPDX-License-Identifier: Apache-2.0
create view fx_rate_shape with (security_invoker = true) as
select
	f.program_id as _program_id,
	null::uuid as _partner_id,
	f.id,
	'fx_rate'::text as object,
	f.version,
	f.status,
	f.base,
	f.quote,
	f.rate,
	f.source,
	f.valid_from,
	f.withdrawn_at,
	f.withdraw_reason,
	f.created_by_id,
	f.created_at,
	f.updated_at,
	f.status as allowed_actions
from fx_rates f;

grant select on fx_rate_shape to partnerd_app;
