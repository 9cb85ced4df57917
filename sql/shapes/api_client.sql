-- SPDX-License-Identifier: Apache-2.0
--
-- A client reads as expired from its end on, though nothing is stored then; an end that is moved makes it active again.
-- A secret that has ended is shown until the next rotation.
create view api_client_shape with (security_invoker = true) as
select
	c.program_id as _program_id,
	c.partner_id as _partner_id,
	(e.is_over or coalesce(p.updated_at > c.updated_at, false) or coalesce(c.last_used_at > c.updated_at, false))
		as _is_newer,
	c.id,
	'api_client'::text as object,
	c.version,
	c.name,
	to_jsonb(c.scopes) as scopes,
	c.partner_id,
	p.name as partner_name,
	case when e.is_over and c.status = 'active' then 'expired' else c.status end as status,
	to_jsonb(c.allowed_networks) as allowed_networks,
	c.expires_at,
	(select coalesce(jsonb_agg(jsonb_build_object('id', s.id, 'hint', s.hint, 'created_at', instant(s.created_at),
			'expires_at', instant(s.expires_at), 'last_used_at', instant(s.last_used_at))
			order by s.created_at desc, s.id desc), '[]')
		from api_client_secrets s where s.program_id = c.program_id and s.client_id = c.id) as secrets,
	case when e.is_over and c.status = 'active' then 'expired' else c.status end as allowed_actions,
	c.last_used_at,
	c.created_at,
	c.updated_at
from api_clients c
cross join lateral (select coalesce(c.expires_at <= program_now(), false) as is_over) e
left join partners p on p.program_id = c.program_id and p.id = c.partner_id;

grant select on api_client_shape to partnerd_app;
