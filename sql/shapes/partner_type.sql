-- SPDX-License-Identifier: Apache-2.0
create view partner_type_shape with (security_invoker = true) as
select
	y.program_id as _program_id,
	null::uuid as _partner_id,
	coalesce(t.updated_at > y.updated_at, false) as _is_newer,
	y.id,
	'partner_type'::text as object,
	y.version,
	y.key,
	y.name,
	y.earns,
	y.commission_bps,
	y.default_tier_id,
	t.name as default_tier_name,
	y.protection_days,
	y.agreement_key,
	y.created_at,
	y.updated_at
from partner_types y
left join tiers t on t.program_id = y.program_id and t.id = y.default_tier_id;

grant select on partner_type_shape to partnerd_app;
