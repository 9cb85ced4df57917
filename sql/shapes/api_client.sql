-- SPDX-License-Identifier: Apache-2.0
create view api_client_shape with (security_invoker = true) as
select
	c.program_id as _program_id,
	c.partner_id as _partner_id,
	coalesce(p.updated_at > c.updated_at, false) or coalesce(c.last_used_at > c.updated_at, false) as _is_newer,
	c.id,
	'api_client'::text as object,
	c.version,
	c.name,
	to_jsonb(c.scopes) as scopes,
	c.partner_id,
	p.name as partner_name,
	c.status,
	c.last_used_at,
	c.created_at,
	c.updated_at
from api_clients c
left join partners p on p.program_id = c.program_id and p.id = c.partner_id;

grant select on api_client_shape to partnerd_app;
