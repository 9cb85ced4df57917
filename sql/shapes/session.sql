-- SPDX-License-Identifier: Apache-2.0
-- Live sessions only: what has ended is nobody's to act on.
create view session_shape with (security_invoker = true) as
select
	s.program_id as _program_id,
	s.partner_id as _partner_id,
	s.user_id as _user_id,
	s.id,
	'session'::text as object,
	s.id::text as is_current,
	s.profile,
	s.user_agent,
	s.address,
	s.last_address,
	s.created_at,
	s.last_used_at,
	least(s.expires_at, s.idle_expires_at) as expires_at
from sessions s
where s.ended_at is null and s.expires_at > now() and s.idle_expires_at > now();

grant select on session_shape to partnerd_app;
