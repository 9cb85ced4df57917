-- SPDX-License-Identifier: Apache-2.0
create view partner_contact_shape with (security_invoker = true) as
select
	c.program_id as _program_id,
	c.partner_id as _partner_id,
	coalesce(p.updated_at > c.updated_at, false) as _is_newer,
	c.id,
	'partner_contact'::text as object,
	c.version,
	c.partner_id,
	p.name as partner_name,
	c.name,
	c.email,
	c.phone,
	c.job_title,
	c.purposes,
	c.language,
	c.status,
	c.created_at,
	c.updated_at,
	c.status as allowed_actions
from partner_contacts c
left join partners p on p.program_id = c.program_id and p.id = c.partner_id;

grant select on partner_contact_shape to partnerd_app;
