-- SPDX-License-Identifier: Apache-2.0
create view user_identity_shape with (security_invoker = true) as
select
	l.program_id as _program_id,
	null::uuid as _partner_id,
	coalesce(u.updated_at > l.updated_at, false) or coalesce(i.updated_at > l.updated_at, false)
		or coalesce(l.last_used_at > l.updated_at, false) as _is_newer,
	l.id,
	'user_identity'::text as object,
	l.version,
	l.user_id,
	u.name as user_name,
	l.provider_id,
	i.name as provider_name,
	i.issuer,
	l.subject,
	l.status,
	l.origin,
	l.last_used_at,
	l.created_at,
	l.updated_at,
	l.status as allowed_actions
from user_identities l
join users u on u.program_id = l.program_id and u.id = l.user_id
join identity_providers i on i.program_id = l.program_id and i.id = l.provider_id;

grant select on user_identity_shape to partnerd_app;
