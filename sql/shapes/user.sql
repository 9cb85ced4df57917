-- SPDX-License-Identifier: Apache-2.0
create view user_shape with (security_invoker = true) as
select
	u.program_id as _program_id,
	u.partner_id as _partner_id,
	coalesce(p.updated_at > u.updated_at, false) or coalesce(u.last_signed_in_at > u.updated_at, false) as _is_newer,
	u.id,
	'user'::text as object,
	u.version,
	u.email,
	u.name,
	u.role,
	u.partner_id,
	p.name as partner_name,
	u.status,
	u.status as allowed_actions,
	u.second_factor_at is not null as has_second_factor,
	u.last_signed_in_at,
	u.created_at,
	u.updated_at
from users u
left join partners p on p.program_id = u.program_id and p.id = u.partner_id;

grant select on user_shape to partnerd_app;
