-- SPDX-License-Identifier: Apache-2.0
--
-- counts: whether the person counts as certified now. That is for the person's own state and the clock to say, too.
create view partner_certification_shape with (security_invoker = true) as
select
	c.program_id as _program_id,
	c.partner_id as _partner_id,
	coalesce(u.updated_at > c.updated_at, false) or coalesce(d.written < c.expires_on and c.expires_on <= d.today, false)
		or (d.written < c.awarded_on and c.awarded_on <= d.today) as _is_newer,
	c.id,
	'partner_certification'::text as object,
	c.version,
	c.partner_id,
	p.name as partner_name,
	c.user_id,
	u.name as user_name,
	c.certification,
	s.status,
	s.status = 'active' and u.status = 'active' and u.partner_id = c.partner_id as counts,
	c.awarded_on,
	c.expires_on,
	c.revoked_at,
	c.revocation_reason,
	c.created_at,
	c.updated_at,
	case when s.status = 'revoked' then 'revoked' else 'active' end as allowed_actions
from partner_certifications c
join partners p on p.program_id = c.program_id and p.id = c.partner_id
join users u on u.program_id = c.program_id and u.id = c.user_id
join programs g on g.id = c.program_id
cross join lateral (select (program_now() at time zone g.zone)::date as today,
	(c.updated_at at time zone g.zone)::date as written) d
cross join lateral (select case when c.revoked_at is not null then 'revoked' when c.expires_on <= d.today then 'expired'
	when c.awarded_on > d.today then 'upcoming' else 'active' end as status) s;

grant select on partner_certification_shape to partnerd_app;
